"""Two hosts on one cable, made of network namespaces, and ways to run code inside them."""

import ctypes
import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import count
from typing import Protocol, TypeVar

import pytest

from vipservice.adapters.linux.host import LinuxHost
from vipservice.core.values import Mac
from vipservice.runtime.ports import Interface

Result = TypeVar("Result")
Closing = TypeVar("Closing", bound="Closable")

CLONE_NEWNET = 0x40000000
LINUX_CAPABILITY_VERSION_3 = 0x20080522
WAIT = 5.0

_libc = ctypes.CDLL(None, use_errno=True)
_serial = count()


class Closable(Protocol):
    def close(self) -> None: ...


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilityData(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def run_ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout


def in_thread(work: Callable[[], Result]) -> Result:
    """Run `work` in a thread of its own, so that what it does to itself ends with it."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def enter(namespace: str) -> None:
    """Move the calling thread into a named network namespace."""
    descriptor = os.open(f"/run/netns/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.setns(descriptor, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    finally:
        os.close(descriptor)


def drop_capabilities() -> None:
    """Take every capability from the calling thread."""
    header = _CapabilityHeader(LINUX_CAPABILITY_VERSION_3, 0)
    if _libc.capset(ctypes.byref(header), ctypes.byref((_CapabilityData * 2)())):
        raise OSError(ctypes.get_errno(), "capset")


@dataclass
class Node:
    """One end of the cable: a network namespace with the interface `lan0`."""

    namespace: str
    address: IPv4Address
    mac: Mac

    def run(self, work: Callable[[], Result]) -> Result:
        """Do `work` inside; sockets that it opens stay there."""

        def inside() -> Result:
            enter(self.namespace)
            return work()

        return in_thread(inside)

    def run_powerless(self, work: Callable[[], Result]) -> Result:
        """Do `work` inside without any capability."""

        def inside() -> Result:
            enter(self.namespace)
            drop_capabilities()
            return work()

        return in_thread(inside)

    def ip(self, *arguments: str) -> str:
        return run_ip("-n", self.namespace, *arguments)

    def command(self, *arguments: str) -> str:
        return run_ip("netns", "exec", self.namespace, *arguments)

    def interface(self, name: str = "lan0") -> Interface:
        return self.run(lambda: _interface(name))


def _interface(name: str) -> Interface:
    host = LinuxHost()
    try:
        return next(interface for interface in host.interfaces() if interface.name == name)
    finally:
        host.close()


@dataclass
class Cable:
    """Two nodes and the cable between them."""

    left: Node
    right: Node


@pytest.fixture
def cable() -> Iterator[Cable]:
    prefix = f"vipadapter-{os.getpid()}-{next(_serial)}"
    left = Node(f"{prefix}-l", IPv4Address("10.77.0.1"), Mac(bytes.fromhex("02000000000a")))
    right = Node(f"{prefix}-r", IPv4Address("10.77.0.2"), Mac(bytes.fromhex("02000000000b")))
    made: list[str] = []
    try:
        for node in (left, right):
            run_ip("netns", "add", node.namespace)
            made.append(node.namespace)
            node.command(
                "sysctl",
                "-qw",
                "net.ipv6.conf.default.accept_dad=0",
                "net.ipv6.conf.default.router_solicitations=0",
            )
            node.ip("link", "set", "lo", "up")
        left.ip("link", "add", "lan0", "type", "veth", "peer", "name", "lan0", "netns", right.namespace)
        for node in (left, right):
            node.ip("link", "set", "lan0", "address", node.mac.hex(":"), "up")
            node.ip("address", "add", f"{node.address}/24", "dev", "lan0")
        _wait_for_carrier(left, right)
        yield Cable(left, right)
    finally:
        for namespace in made:
            run_ip("netns", "del", namespace)


def _wait_for_carrier(*nodes: Node) -> None:
    until = time.monotonic() + WAIT
    while not all(node.interface().up for node in nodes):
        assert time.monotonic() < until, "the cable never came up"
        time.sleep(0.01)


@pytest.fixture
def closing() -> Iterator[Callable[[Closing], Closing]]:
    """Close what the test opened, whatever happens in it."""
    opened: list[Closable] = []

    def remember(thing: Closing) -> Closing:
        opened.append(thing)
        return thing

    yield remember
    for thing in reversed(opened):
        thing.close()


def gather(
    descriptors: list[int], read: Callable[[], list[Result]], enough: Callable[[list[Result]], bool]
) -> list[Result]:
    """Read until there is enough, or for five seconds; what came, in order."""
    found: list[Result] = []
    until = time.monotonic() + WAIT
    while not enough(found) and (left := until - time.monotonic()) > 0:
        select.select(descriptors, [], [], left)
        found += read()
    return found
