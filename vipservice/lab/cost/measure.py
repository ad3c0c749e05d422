"""Measures nodes at rest beside the floor and keepalived, all in the same seconds, and lone starts."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from vipservice.lab.clock import wait_until
from vipservice.lab.cost import floor, stopwatch
from vipservice.lab.cost.processor import resident, spent
from vipservice.lab.daemons import CONFIG, Daemon
from vipservice.lab.demo.cluster import VIP, Cluster
from vipservice.lab.demo.play import play
from vipservice.lab.demo.steps import START
from vipservice.lab.hosts import INTERFACE, Host

CALM = 6.0
"""Seconds from whole to at rest: the announcements of a takeover go on for 5."""

KEEPALIVED_INTERVALS = {"100ms": 0.1, "10ms": 0.01}
"""What it can be set to, seconds: its shortest is 10 ms."""

NAMES = ("a", "b", "c", "d", "e")
TIMED = (sys.executable, "-I", "-m", stopwatch.__name__, "run", "--config", str(CONFIG))
WRITTEN_WITHIN = 5.0
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


def parts(interval: str, seconds: float) -> dict[str, float]:
    """Per cent of the active's own processor time that each of its parts has, at one interval."""
    with Cluster(("a", "b"), interval=interval, gateway=True, command=TIMED) as cluster:
        cluster.start("a")
        cluster.wait_for_owner(5)
        cluster.start("b")
        cluster.wait_until_whole()
        cluster.pings.close()
        active = cluster.daemons["a"]
        time.sleep(CALM)
        before = _totals(active)
        time.sleep(seconds)
        after = _totals(active)
    spent_on = {part: after[part] - before[part] for part in after}
    return {part: 100 * one / sum(spent_on.values()) for part, one in spent_on.items()}


def together(nodes: int, interval: str, seconds: float) -> dict[str, float]:
    """Per cent of a core that so many nodes on this one machine take at rest: the largest, and all."""
    with Cluster(NAMES[:nodes], interval=interval, gateway=True) as cluster:
        cluster.start(NAMES[0])
        cluster.wait_for_owner(5)
        cluster.start(*NAMES[1:nodes])
        cluster.wait_until_whole()
        cluster.pings.close()
        pids = [daemon.process.pid for daemon in cluster.daemons.values()]
        time.sleep(CALM)
        before = [spent(pid) for pid in pids]
        time.sleep(seconds)
        shares = [spent(pid).share_since(earlier) for pid, earlier in zip(pids, before, strict=True)]
    return {"largest": max(shares), "all": sum(shares)}


def _totals(daemon: Daemon) -> dict[str, int]:
    """What the stopwatch has by now, nanoseconds by part."""
    path = daemon.host.root / stopwatch.TOTALS.relative_to("/")
    path.unlink(missing_ok=True)
    os.kill(daemon.process.pid, signal.SIGUSR2)
    wait_until(path.exists, WRITTEN_WITHIN, "the stopwatch's totals")
    totals: dict[str, int] = json.loads(path.read_text())
    return totals


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
