"""However the owner of a lab ends, its processes and namespaces end with it: the kernel is the witness."""

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from vipservice.lab.clock import now, wait_until
from vipservice.lab.namespaces import Namespace
from vipservice.lab.netlink import RTM_DELNSID, RTNLGRP_NSID, Netlink, messages, open_listener

pytestmark = pytest.mark.live

OWNER = """
import json, sys, time
from ipaddress import ip_address
from vipservice.lab.lan import Lan

with Lan(("a", "b"), gateway=True) as lan:
    vip = ip_address("10.99.0.234")
    lan.add_address("a", vip)
    lan.ping(vip).wait_for_answer(5)
    lan.drop_adverts("b", raw=True)
    lan.node("a").spawn(("sh", "-c", "setsid sleep 300 & exec sleep 300"))
    boxes = [lan._hub, *lan.hosts.values()]
    print(json.dumps([box.keeper for box in boxes]), flush=True)
    how = sys.stdin.readline().strip()
    if how == "raise":
        raise SystemExit("on purpose")
    if how != "leave":
        time.sleep(300)
"""
GONE_TIMEOUT = 20.0
"""The kernel frees namespaces in a queue of its own, one after the other, machine-wide."""


@dataclass(frozen=True)
class Owner:
    """A lab in another process, its processes, and a socket that hears its namespaces die."""

    process: subprocess.Popen[bytes]
    processes: list[int]
    namespaces: set[int]
    deaths: socket.socket

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()

    def surviving_processes(self) -> list[int]:
        return [process for process in self.processes if Path(f"/proc/{process}/ns/net").exists()]

    def surviving_namespaces(self) -> set[int]:
        left = set(self.namespaces)
        deadline = now() + GONE_TIMEOUT
        while left and select.select([self.deaths], [], [], max(0.0, deadline - now()))[0]:
            for kind, body in messages(self.deaths.recv(65536)):
                if kind == RTM_DELNSID:
                    left.discard(struct.unpack_from("=i", body, 8)[0])
        return left


@pytest.fixture
def owner() -> Iterator[Owner]:
    with (
        Namespace("vipservice-witness") as witness,
        Netlink(witness) as kernel,
        witness.in_network(lambda: open_listener(0, (RTNLGRP_NSID,))) as deaths,
        subprocess.Popen(
            (sys.executable, "-c", OWNER),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            keepers = json.loads(process.stdout.readline())
            numbers = set()
            for number, keeper in enumerate(keepers, 1000):
                descriptor = os.open(f"/proc/{keeper}/ns/net", os.O_RDONLY)
                kernel.name_namespace(descriptor, number)
                os.close(descriptor)
                numbers.add(number)
            # Beside the keepers: one that listens, one that pings, two that sleep.
            wait_until(lambda: len(processes_of(keepers)) == len(keepers) + 4, 5, "the lab's processes")
            yield Owner(process, processes_of(keepers), numbers, deaths)
        finally:
            process.kill()


def processes_of(keepers: list[int]) -> list[int]:
    """Every process that lives in one of the lab's PID namespaces."""
    boxes = {Path(f"/proc/{keeper}/ns/pid").readlink() for keeper in keepers}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "ns/pid").readlink() in boxes:
                found.append(int(process.name))
        except OSError:
            continue
    return found


def test_nothing_is_left_after_a_normal_end(owner: Owner) -> None:
    owner.tell("leave")
    assert owner.process.wait(20) == 0
    assert owner.surviving_processes() == []
    assert owner.surviving_namespaces() == set()


def test_nothing_is_left_after_an_exception(owner: Owner) -> None:
    owner.tell("raise")
    assert owner.process.wait(20) == 1
    assert owner.surviving_processes() == []
    assert owner.surviving_namespaces() == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_after_a_signal(owner: Owner, number: signal.Signals) -> None:
    owner.process.send_signal(number)
    assert owner.process.wait(20) == -number
    wait_until(lambda: not owner.surviving_processes(), 5, "the end of the lab's processes")
    assert owner.surviving_namespaces() == set()


def test_the_witness_would_see_a_namespace_that_stays(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted leak: one descriptor is enough to keep a namespace."""
    monkeypatch.setitem(globals(), "GONE_TIMEOUT", 2.0)
    leak = os.open(f"/proc/{owner.processes[0]}/ns/net", os.O_RDONLY)
    try:
        owner.process.kill()
        owner.process.wait(20)
        assert len(owner.surviving_namespaces()) == 1
    finally:
        os.close(leak)
