"""Measures nodes at rest beside the floor and keepalived, all in the same seconds, and lone starts."""

import contextlib
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from vipservice.lab.cost import floor
from vipservice.lab.cost.processor import resident, spent
from vipservice.lab.demo.cluster import VIP, Cluster
from vipservice.lab.demo.play import play
from vipservice.lab.demo.steps import START
from vipservice.lab.hosts import INTERFACE, Host

CALM = 6.0
"""Seconds from whole to at rest: the announcements of a takeover go on for 5."""

KEEPALIVED_INTERVALS = {"100ms": 0.1, "10ms": 0.01}
"""What it can be set to, seconds: its shortest is 10 ms."""

MOST_STANDSTILLS = 4
KEEPALIVED_ADDRESS = VIP - 1
NOBODYS_GROUP = "239.255.118.1"
"""Where the floor's datagrams go: by multicast, as adverts do, and nobody has joined it."""


def at_rest(interval: str, seconds: float) -> dict[str, Any]:
    """Per cent of a core, wake-ups a second and MiB of each process, at one interval."""
    with Cluster(("a", "b"), interval=interval, gateway=True) as cluster:
        cluster.start("a")
        cluster.wait_for_owner(5)
        cluster.start("b")
        cluster.wait_until_whole()
        cluster.pings.close()
        watched = {
            "active": cluster.daemons["a"].process,
            "backup": cluster.daemons["b"].process,
            "floor": _floor(cluster.lan.client, interval),
        }
        if interval in KEEPALIVED_INTERVALS and shutil.which("keepalived"):
            watched["keepalived"] = _keepalived(cluster.lan.client, KEEPALIVED_INTERVALS[interval])
        time.sleep(CALM)
        before = {name: spent(process.pid) for name, process in watched.items()}
        time.sleep(seconds)
        after = {name: spent(process.pid) for name, process in watched.items()}
        if idle := [name for name in watched if after[name].wakeups == before[name].wakeups]:
            raise ChildProcessError(f"{' and '.join(idle)} did not wake once while watched, at {interval}")
        return {
            name: {
                "share": after[name].share_since(before[name]),
                "wakeups": after[name].rate_since(before[name]),
                "resident": resident(process.pid),
            }
            for name, process in watched.items()
        }


def start() -> dict[str, float]:
    """Seconds from exec to READY, and to the first answer that a client got, on a lone host.

    Where the machine stood still so long that the client did not ask at all, it is done again, a few times.
    """
    for _ in range(MOST_STANDSTILLS):
        with contextlib.suppress(RuntimeError):
            return _start()
    return _start()


def _start() -> dict[str, float]:
    with Cluster(("a",)) as cluster:
        result = play(START, cluster)
        return {"ready": cluster.daemons["a"].wait_ready(5), "answer": result.raw_gap}


def medians(runs: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Of several runs at one interval, figure by figure."""
    return {
        name: {figure: median(run[name][figure] for run in runs) for figure in runs[0][name]}
        for name in runs[0]
    }


def _floor(host: Host, interval: str) -> "subprocess.Popen[bytes]":
    seconds = float(interval.removesuffix("ms")) / 1000
    return host.spawn((sys.executable, "-I", "-S", str(Path(floor.__file__)), str(seconds), NOBODYS_GROUP))


def _keepalived(host: Host, interval: float) -> "subprocess.Popen[bytes]":
    """One VRRP instance without a peer (keepalived.conf(5)): master of an address of its own."""
    path = host.root / "run" / "keepalived.conf"
    path.write_text(
        # Without a router_id it asks the DNS for its own name, and waits for an answer.
        "global_defs {\n router_id cost\n vrrp_version 3\n}\n"
        f"vrrp_instance floating {{\n interface {INTERFACE}\n state MASTER\n virtual_router_id 7\n"
        f" priority 100\n advert_int {interval:g}\n"
        f" virtual_ipaddress {{\n  {KEEPALIVED_ADDRESS}/32 dev {INTERFACE}\n }}\n}}\n"
    )
    command = ("keepalived", "--dont-fork", "--log-console", "--vrrp", "--use-file", "/run/keepalived.conf")
    return host.spawn(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
