"""What operators and service managers meet: the seed's block, privileges, commands, notifications, reload."""

import contextlib
import json
import socket
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise
from pathlib import Path

import pytest

from tests.live.daemon.stranger import metrics, packet_socket
from vipservice.lab.daemons import CONFIG, CONTROL, Daemon, node_section
from vipservice.lab.demo.cluster import VIP, Cluster
from vipservice.lab.hosts import Host
from vipservice.lab.lan import Lan

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]

SEED = Path("examples/minimal.yml").read_text()
SEED_SHORT = """\
floating_ip:
  enabled: true
"""
SEED_NETWORK = IPv4Network("192.168.3.0/24")
SEED_VIP = IPv4Address("192.168.3.234")
VIPSERVICE = (sys.executable, "-I", "-m", "vipservice")
SO_TIMESTAMPNS = 35
"""socket(7): Python 3.11 has no name for it."""

POWERLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all")


@pytest.fixture
def seed_lan() -> Iterator[Lan]:
    with Lan(("a", "b"), network=SEED_NETWORK) as lan:
        yield lan


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster(("a", "b"), gateway=True) as made:
        made.start("a", "b")
        made.wait_until_whole()
        yield made


def command(host: Host, *arguments: str, before: Sequence[str] = ()) -> tuple[int, str, str]:
    """Run `vipservice ...` on a host: exit code, standard output, standard error."""
    process = host.spawn((*before, *VIPSERVICE, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = process.communicate(timeout=20)
    return process.returncode, output.decode(), errors.decode()


def started(host: Host, config: str, **env: str) -> Daemon:
    daemon = Daemon(host, config, env=env)
    daemon.start()
    daemon.wait_ready(10)
    return daemon


def bound(lan: Lan, name: str, address: IPv4Address) -> tuple[int, int] | None:
    """Index of the interface and prefix length, from the node's kernel."""
    return lan.node(name).kernel.addresses().get(address)


# The seed's block


def test_the_seeds_block_works_word_for_word(seed_lan: Lan) -> None:
    node = seed_lan.node("a")
    for change in (("down",), ("name", "en1"), ("up",)):
        node.run(("ip", "link", "set", "en1" if change == ("up",) else "eth0", *change))
    daemon = started(node, node_section("a") + SEED)
    daemon.wait_for_line("-> active", 5)
    seed_lan.ping(SEED_VIP).wait_for_answer(5)
    assert bound(seed_lan, "a", SEED_VIP) == (node.index, 24)


def test_enabled_alone_detects_the_interface_and_takes_234(seed_lan: Lan) -> None:
    daemon = started(seed_lan.node("a"), node_section("a") + SEED_SHORT)
    daemon.wait_for_line("-> active", 5)
    (group,) = daemon.status()["groups"]
    assert group["interface"] == "eth0"
    assert group["addresses"] == [{"address": str(SEED_VIP), "bound": True}]
    seed_lan.ping(SEED_VIP).wait_for_answer(5)


def test_it_stands_by_while_somebody_else_has_the_address(seed_lan: Lan) -> None:
    seed_lan.add_address("b", SEED_VIP)
    daemon = started(seed_lan.node("a"), node_section("a") + SEED_SHORT)
    daemon.wait_for(lambda status: "conflict" in status["groups"][0]["conditions"], 5, "a conflict")
    time.sleep(0.5)
    assert bound(seed_lan, "a", SEED_VIP) is None
    seed_lan.delete_address("b", SEED_VIP)
    daemon.wait_for_line("-> active", 15)


@pytest.mark.parametrize("text", ["floating_ip: {enabled: false}\n", "floating_ip: {}\n", ""])
def test_what_is_not_enabled_binds_nothing_says_so_and_serves_metrics(seed_lan: Lan, text: str) -> None:
    node = seed_lan.node("a")
    daemon = started(node, node_section("a") + text)
    daemon.wait_for_line("nothing will be bound", 2)
    assert metrics(node)["vipservice_watchdog_notifications_total"] == 0
    time.sleep(0.5)
    assert bound(seed_lan, "a", SEED_VIP) is None
    code, output, _ = command(node, "status")
    assert (code, "no floating address is enabled" in output) == (0, True)


# Privileges


def test_without_capabilities_it_says_one_sentence_and_ends_with_77(seed_lan: Lan) -> None:
    node = seed_lan.node("a")
    Daemon(node, node_section("a") + SEED_SHORT)
    code, output, errors = command(node, "run", "--config", str(CONFIG), before=POWERLESS)
    assert (code, output) == (77, "")
    sentence, *hint = errors.splitlines()
    assert "CAP_NET_ADMIN" in sentence
    assert "CAP_NET_RAW" in sentence
    assert len(hint) <= 1
    assert bound(seed_lan, "a", SEED_VIP) is None


def test_two_capabilities_are_enough(seed_lan: Lan) -> None:
    node = seed_lan.node("a")
    capable = ("setpriv", "--bounding-set=-all,+net_admin,+net_raw", "--inh-caps=-all")
    command_ = (*capable, *VIPSERVICE, "run", "--config", str(CONFIG))
    daemon = Daemon(node, node_section("a") + SEED_SHORT, command=command_)
    daemon.start()
    daemon.wait_for_line("-> active", 10)
    seed_lan.ping(SEED_VIP).wait_for_answer(5)


def test_the_control_socket_is_for_root_and_the_services_group(cluster: Cluster) -> None:
    path = cluster.lan.node("a").root / CONTROL.relative_to("/")
    mode = path.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all")
    connect = f"import socket; socket.socket(socket.AF_UNIX).connect({str(CONTROL)!r})"
    process = cluster.lan.node("a").spawn(
        (*nobody, "/usr/bin/python3", "-I", "-c", connect), stderr=subprocess.PIPE
    )
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert b"PermissionError" in errors


# Commands against a live daemon


def test_status_is_a_table_for_people_and_json_for_programs(cluster: Cluster) -> None:
    node = cluster.lan.node("a")
    code, output, errors = command(node, "status")
    assert (code, errors) == (0, "")
    assert str(VIP) in output
    assert "node-b" in output
    code, output, _ = command(node, "status", "--json")
    status = json.loads(output)
    (group,) = status["groups"]
    assert (code, group["owner"]) == (0, f"node-{cluster.owner}")
    assert [peer["name"] for peer in status["peers"]] == ["node-b"]


def test_handover_by_name_moves_the_address_and_says_where_it_is(cluster: Cluster) -> None:
    owner = cluster.wait_for_owner(5)
    (heir,) = set(cluster.daemons) - {owner}
    code, output, errors = command(cluster.lan.node(owner), "handover", "--to", f"node-{heir}")
    assert (code, errors) == (0, "")
    assert f"node-{heir}" in output
    assert cluster.wait_for_owner(1) == heir
    code, _, errors = command(cluster.lan.node(owner), "handover", "--to", f"node-{heir}")
    assert (code, bool(errors)) == (69, True)


def test_a_node_is_forgotten_once_it_is_gone_and_not_before(cluster: Cluster) -> None:
    code, _, errors = command(cluster.lan.node("a"), "forget", "node-b")
    assert code == 69
    assert "alive" in errors
    cluster.daemons["b"].stop()
    cluster.daemons["a"].wait_for(lambda status: not status["peers"][0]["living"], 10, "b is gone")
    code, output, _ = command(cluster.lan.node("a"), "forget", "node-b")
    assert (code, "forgotten" in output) == (0, True)
    assert cluster.daemons["a"].status()["peers"] == []


def test_commands_say_that_nobody_runs(cluster: Cluster) -> None:
    cluster.daemons["b"].stop()
    code, output, errors = command(cluster.lan.node("b"), "status")
    assert (code, output) == (69, "")
    assert "not running" in errors


# The service manager


def test_systemd_hears_of_readiness_roles_life_and_the_end(seed_lan: Lan) -> None:
    daemon = started(seed_lan.node("a"), node_section("a") + SEED_SHORT, WATCHDOG_USEC="1000000")
    daemon.wait_for_line("-> active", 5)
    time.sleep(1.2)
    said = [line.text for line in daemon.notifications]
    assert said.count("READY=1") == 1
    assert any(text.startswith("STATUS=") and "active" in text and str(SEED_VIP) in text for text in said)
    signs = [line.at for line in daemon.notifications if line.text == "WATCHDOG=1"]
    assert max(then - before for before, then in pairwise(signs)) < 1.0
    stopped = daemon.stop().began
    assert "STOPPING=1" in [line.text for line in daemon.notifications if line.at >= stopped]
    assert bound(seed_lan, "a", SEED_VIP) is None


def test_a_hung_daemon_gives_no_sign_of_life(seed_lan: Lan) -> None:
    daemon = started(seed_lan.node("a"), node_section("a") + SEED_SHORT, WATCHDOG_USEC="300000")
    daemon.wait_for_line("-> active", 5)
    daemon.hang()
    time.sleep(0.1)
    before = len(daemon.notifications)
    time.sleep(1)
    assert len(daemon.notifications) == before
    daemon.resume()
    time.sleep(0.5)
    assert "WATCHDOG=1" in [line.text for line in daemon.notifications[before:]]


# Reload


@contextlib.contextmanager
def adverts_heard(cluster: Cluster, node: str) -> Iterator[list[float]]:
    """When the node's multicast adverts reached the client's host, by the kernel's stamps, seconds."""
    mac = bytes.fromhex(cluster.lan.node(node).plan.mac.replace(":", ""))
    heard: list[float] = []
    with packet_socket(cluster.lan.client) as tap:
        tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        yield heard
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, ancillary, _, _ = tap.recvmsg(65536, 64)
                if frame[6:12] == mac and b"VIPS" in frame[14:64]:
                    (seconds, nanoseconds) = struct.unpack("=qq", ancillary[0][2])
                    heard.append(seconds + nanoseconds / 1e9)


def configuration_of(cluster: Cluster, node: str) -> Path:
    return cluster.lan.node(node).root / CONFIG.relative_to("/")


def test_a_reload_changes_a_number_and_misses_no_advert(cluster: Cluster) -> None:
    owner = cluster.wait_for_owner(5)
    daemon, text = cluster.daemons[owner], configuration_of(cluster, owner).read_text()
    with adverts_heard(cluster, owner) as heard:
        time.sleep(0.5)
        daemon.write_config(text + "  priority: 150\n")
        daemon.reload()
        daemon.wait_for(lambda status: status["groups"][0]["priority"] == 150, 5, "the new priority")
        time.sleep(0.5)
    gap = max(then - before for before, then in pairwise(heard))
    assert gap < 0.2, f"an advert was missed: {gap:.3f} s without any"
    said = [line.text.partition("\n")[0] for line in daemon.notifications]
    assert said.index("RELOADING=1") < len(said) - 1 - said[::-1].index("READY=1")
    assert cluster.owner == owner


def test_a_reload_of_a_bad_file_changes_nothing_and_says_why(cluster: Cluster) -> None:
    owner = cluster.wait_for_owner(5)
    daemon, text = cluster.daemons[owner], configuration_of(cluster, owner).read_text()
    reloaded = daemon.reload().began
    daemon.wait_for_line("reload: ", 5, since=reloaded)
    daemon.write_config(text + "  priority: 999\n")
    refused = daemon.reload().began
    line = daemon.wait_for_line("reload: .*refused", 5, since=refused)
    assert "priority" in line.text
    status = daemon.status()
    assert status["reload"]["ok"] is False
    assert status["groups"][0]["priority"] == 100
    assert cluster.owner == owner
    code, output, _ = command(cluster.lan.node(owner), "status")
    assert (code, "the last reload failed" in output) == (0, True)


def test_a_second_daemon_on_the_same_host_is_refused(cluster: Cluster) -> None:
    code, _, errors = command(cluster.lan.node("a"), "run", "--config", str(CONFIG))
    assert code == 71
    assert "another vipservice runs" in errors
