"""A Mac that is played: kernel tables, programs and descriptors, behind the adapter's lowest port."""

# ruff: noqa: ARG002 - a played system has the methods of a real one and needs few of their arguments

import os
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from vipservice.adapters.classic_bpf import Program
from vipservice.adapters.darwin import capture
from vipservice.adapters.darwin.host import DarwinHost
from vipservice.adapters.darwin.system import Link, Output
from vipservice.adapters.guard.client import GuardError
from vipservice.adapters.guard.messages import Held
from vipservice.core.values import Mac
from vipservice.runtime.ports import HostAddress, Interface

RECORDINGS = Path(__file__).parent / "recordings"
OWN, VIP = IPv4Address("192.0.2.10"), IPv4Address("192.0.2.234")
MAC = Mac(b"\x02\0\0\0\0\x0a")
INDEX = 4
EN0 = Interface("en0", INDEX, MAC, True, False, (HostAddress(OWN, 24, None, False),))

NOT_THERE = "ifconfig: ioctl (SIOCDIFADDR): Can't assign requested address"


def sockaddr_in(address: str) -> bytes:
    return struct.pack("=BBH4s8x", 16, 2, 0, IPv4Address(address).packed)


def mask_of_host() -> bytes:
    """As rt_msg1 writes it: the family is not set, the length is that of the whole."""
    return struct.pack("=BBH4s8x", 16, 0, 0, b"\xff" * 4)


def sockaddr_dl(index: int = INDEX, name: bytes = b"en0", mac: bytes = MAC) -> bytes:
    data = (name + mac).ljust(12, b"\0")
    return struct.pack("=BBHBBBB", 20, 18, index, 6, len(name), len(mac), 0) + data


def address_message(kind: int, address: str, index: int = INDEX) -> bytes:
    """RTM_NEWADDR or RTM_DELADDR as rt_newaddrmsg of XNU's bsd/net/rtsock.c makes it."""
    body = mask_of_host() + sockaddr_dl(index) + sockaddr_in(address) + sockaddr_in(address)
    header = struct.pack("@HBBiiHi", 20 + len(body), 5, kind, 0x04 | 0x10 | 0x20 | 0x80, 1, index, 0)
    return header + body


def link_message(index: int = INDEX, flags: int = 0x8863) -> bytes:
    """RTM_IFINFO: 112 bytes, as route(8) shows its length when it monitors."""
    return struct.pack("@HBBiiH2x", 112, 5, 0x0E, 0, flags, index) + bytes(96)


def kernel_event(code: int, unit: int = 0, name: bytes = b"en", subclass: int = 2) -> bytes:
    return struct.pack("=IIIIII", 48, 1, 1, subclass, 77, code) + struct.pack("=II16s", 2, unit, name)


class PlayedMac:
    """The System port. What ifconfig is told happens to `links`, and the routing socket tells of it."""

    def __init__(self) -> None:
        self.table = [
            Link("lo0", 1, bytes(6), True, True, (("127.0.0.1", "255.0.0.0"),)),
            Link("en0", INDEX, MAC, True, False, ((str(OWN), "255.255.255.0"),)),
        ]
        self.commands: list[tuple[str, ...]] = []
        self.shown = (RECORDINGS / "ifconfig-10.10.txt").read_text()
        self.refuses: str | None = None
        self.routes_in, self._routes_out = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.events_in, self._events_out = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.wires: list[socket.socket] = []
        self.programs: dict[int, Program] = {}

    def run(self, command: Sequence[str]) -> Output:
        self.commands.append(tuple(command))
        match list(command):
            case ["/sbin/ifconfig", "-a"]:
                return Output(0, self.shown, "")
            case ["/sbin/ifconfig", name, "inet", address, "netmask", mask, "alias"]:
                return self._alias(name, address, mask)
            case ["/sbin/ifconfig", name, "inet", address, "-alias"]:
                return self._unalias(name, address)
            case ["/sbin/ifconfig", _, "inet6", *_]:
                return Output(0, "", "")
            case ["/sbin/route", "-n", "get", "-ifscope", "en0", "default"]:
                return Output(0, (RECORDINGS / "route-get-13.txt").read_text(), "")
        raise AssertionError(f"macOS knows no {command}")

    def changes(self) -> list[tuple[str, ...]]:
        return [one for one in self.commands if "alias" in one or "-alias" in one]

    def links(self) -> Sequence[Link]:
        return list(self.table)

    def route_events(self) -> socket.socket:
        self._routes_out.setblocking(False)
        return self._routes_out

    def link_events(self) -> socket.socket:
        self._events_out.setblocking(False)
        return self._events_out

    def capture(self, interface: str, buffer: int, program: Program) -> int:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        theirs.setblocking(False)
        self.wires.append(ours)
        descriptor = theirs.detach()
        self.programs[descriptor] = program
        return descriptor

    def set_filter(self, descriptor: int, program: Program) -> None:
        if self.refuses:
            raise OSError(22, self.refuses)
        self.programs[descriptor] = program

    def put(self, wire: int, *frames: bytes) -> None:
        self.wires[wire].send(b"".join(map(capture.record, frames)))

    def held(self) -> list[str]:
        return [address for address, _ in self.table[1].addresses if address != str(OWN)]

    def close(self) -> None:
        for one in (self.routes_in, self._routes_out, self.events_in, self._events_out, *self.wires):
            one.close()

    def _alias(self, name: str, address: str, mask: str) -> Output:
        if self.refuses:
            return Output(1, "", self.refuses)
        assert name == "en0"
        self.table[1] = replace(self.table[1], addresses=(*self.table[1].addresses, (address, mask)))
        self.routes_in.send(address_message(0x0C, address))
        return Output(0, "", "")

    def _unalias(self, name: str, address: str) -> Output:
        kept = tuple(one for one in self.table[1].addresses if one[0] != address)
        if self.refuses:
            return Output(1, "", self.refuses)
        if kept == self.table[1].addresses:
            return Output(1, "", NOT_THERE)
        self.table[1] = replace(self.table[1], addresses=kept)
        self.routes_in.send(address_message(0x0D, address))
        return Output(0, "", "")


class PlayedGuard:
    """A guard that remembers what it is told."""

    def __init__(self) -> None:
        self.kept: dict[Held, float] = {}
        self.gone = False

    @property
    def leases(self) -> Mapping[Held, float]:
        return self.kept

    def keep(self, held: Held, until: float) -> None:
        if self.gone:
            raise GuardError("the guard is gone")
        self.kept[held] = until

    def drop(self, held: Held) -> None:
        self.kept.pop(held, None)

    def close(self) -> None:
        pass


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def mac() -> Iterator[PlayedMac]:
    played = PlayedMac()
    yield played
    played.close()


@pytest.fixture
def guard() -> PlayedGuard:
    return PlayedGuard()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def host(mac: PlayedMac, guard: PlayedGuard, clock: Clock) -> DarwinHost:
    return DarwinHost(mac, guard, clock)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
