"""A box is a host of its own for every tool that runs in it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from vipservice.lab.clock import now, wait_until
from vipservice.lab.lan import Lan
from vipservice.lab.namespaces import Namespace

pytestmark = pytest.mark.live

LOOK = """
import json, os, pathlib, psutil, socket
print(json.dumps({
    "hostname": socket.gethostname(),
    "interfaces": sorted(os.listdir("/sys/class/net")),
    "addresses": [a.address for a in psutil.net_if_addrs()["eth0"]],
    "up": psutil.net_if_stats()["eth0"].isup,
    "me": psutil.Process().cmdline()[0],
    "run": os.listdir("/run"),
    "forwarding": pathlib.Path("/proc/sys/net/ipv4/ip_forward").read_text().strip(),
}))
"""


@pytest.fixture
def box() -> Iterator[Namespace]:
    with Namespace("vipservice-box") as made:
        yield made


def output_of(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.read().decode()


def test_a_process_on_a_host_sees_that_host_and_nothing_of_the_machine(lan: Lan) -> None:
    seen = json.loads(
        output_of(lan.node("b").spawn((sys.executable, "-I", "-c", LOOK), stdout=subprocess.PIPE))
    )
    assert seen["hostname"] == "node-b"
    assert seen["interfaces"] == ["eth0", "lo"]
    assert seen["addresses"] == ["10.99.0.12", "02:76:69:70:00:0c"]
    assert seen["up"] is True
    assert seen["me"] == sys.executable
    assert seen["run"] == []
    assert seen["forwarding"] == "0"


def test_the_maker_stays_where_it_was(box: Namespace) -> None:
    before = {kind: Path(f"/proc/thread-self/ns/{kind}").readlink() for kind in ("net", "mnt", "uts", "pid")}
    box.run(("ip", "link", "set", "lo", "up"))
    box.spawn(("true",)).wait(5)
    after = {kind: Path(f"/proc/thread-self/ns/{kind}").readlink() for kind in before}
    assert after == before
    assert before["net"] != Path(f"/proc/{box.keeper}/ns/net").readlink()


def test_a_tool_that_fails_says_what_and_where(box: Namespace) -> None:
    with pytest.raises(RuntimeError, match=r"ip link show nowhere in vipservice-box: .*does not exist"):
        box.run(("ip", "link", "show", "nowhere"))


def test_closing_a_box_ends_the_children_of_its_children_too() -> None:
    box = Namespace("vipservice-box")
    script = "setsid sleep 300 & setsid sh -c 'sleep 300 & wait' & wait"
    box.spawn(("sh", "-c", script))
    inside = Path(f"/proc/{box.keeper}/ns/pid").readlink()
    wait_until(lambda: len(processes_in(inside)) == 5, 5, "five processes in the box")
    box.close()
    assert processes_in(inside) == []


def test_a_lan_with_five_nodes_and_a_gateway_is_up_in_well_under_a_second() -> None:
    began = now()
    with Lan(("a", "b", "c", "d", "e"), gateway=True) as lan:
        lan.ping(lan.address_of("e")).wait_for_answer(1)
        assert now() - began < 1
        assert "default via 10.99.0.1" in lan.node("e").run(("ip", "route"))


def test_a_name_that_no_interface_could_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="is no name for a node"):
        Lan(("a", "a name"))


def processes_in(pid_namespace: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "ns/pid").readlink() == pid_namespace:
                found.append(int(process.name))
        except OSError:
            continue
    return found
