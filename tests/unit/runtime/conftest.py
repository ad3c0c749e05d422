"""A machine with one interface, played by the test: its kernel, its sockets, its clock."""

# ruff: noqa: ARG002 - a played machine has the methods of a real one and needs few of their arguments

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from vipservice.adapters.memory.stage import default_settings
from vipservice.config.settings import AdvertSettings, ResolvedGroup
from vipservice.core.messages import Advert, Path
from vipservice.core.segment import Segment
from vipservice.core.values import Address, GroupId, Mac, NodeId
from vipservice.runtime.history import Forgetful, History
from vipservice.runtime.link import Link
from vipservice.runtime.metrics import Metrics
from vipservice.runtime.observe import Observer
from vipservice.runtime.ports import (
    HostAddress,
    HostError,
    HostEvent,
    Interface,
    StoredGroup,
    StoredPeer,
)
from vipservice.runtime.snapshot import SnapshotUnavailableError
from vipservice.runtime.status import NodeStatus
from vipservice.wire.signing import Keyring, read

OWN, VIP = IPv4Address("192.168.3.10"), IPv4Address("192.168.3.234")
GROUP = GroupId(1)
SETTINGS = default_settings()


class Machine:
    """Host, platform and sockets in one: bytes out are kept, the kernel does what it is told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.interface = Interface(
            "eth0", 2, Mac(b"\x02\0\0\0\0\x0a"), True, False, (HostAddress(OWN, 24, None, False),)
        )
        self.there = True
        self.held: set[Address] = set()
        self.kernel_refuses: set[Address] = set()
        self.sent: list[Advert] = []
        self.rejected_ttl = self.rejected_size = 0
        self.thinned: dict[str, frozenset[Mac] | None] = {}

    # Host

    def interfaces(self) -> Sequence[Interface]:
        return [self.interface] if self.there else []

    def gateway(self, interface: str) -> Address | None:
        return None

    def ensure_bound(self, index: int, address: Address, prefix_length: int, lease: int) -> None:
        if address in self.kernel_refuses:
            raise HostError("bind", "eth0", 105, "No buffer space available")
        self.held.add(address)

    def ensure_absent(self, index: int, address: Address, prefix_length: int) -> None:
        self.held.discard(address)

    def holds(self, index: int, address: Address) -> bool:
        return address in self.held

    def addresses(self, index: int) -> Sequence[HostAddress]:
        return [HostAddress(one, 32, 3.0, True) for one in self.held]

    def events(self, limit: int) -> Sequence[HostEvent]:
        return []

    # Platform

    def host(self) -> "Machine":
        return self

    def neighbours(self, interface: Interface) -> "Machine":
        return self

    def advert_sockets(self, interface: Interface, own: Address, group: Address, port: int) -> "Machine":
        return self

    def echo_socket(self, interface: Interface, own: Address) -> "Echo":
        return Echo()

    def clock(self) -> float:
        return self.now

    # Sockets

    def fileno(self) -> int:
        return 0

    def filenos(self) -> Sequence[int]:
        return ()

    def listen_for(self, addresses: frozenset[Address]) -> None:
        pass

    def receive(self, limit: int) -> Sequence[tuple[bytes, Path]]:
        return []

    def thin(self, known: frozenset[Mac] | None) -> None:
        self.thinned["datagrams"] = known

    def thin_adverts(self, known: frozenset[Mac] | None) -> None:
        self.thinned["raw adverts"] = known

    def thin_arp(self, known: frozenset[Mac] | None) -> None:
        self.thinned["arp"] = known

    def receive_arp(self, limit: int) -> Sequence[bytes]:
        return []

    def receive_adverts(self, limit: int) -> Sequence[bytes]:
        return []

    def send(self, frame: bytes) -> None:
        pass

    def send_multicast(self, payload: bytes) -> None:
        self.sent.append(read(payload, Keyring()))

    def send_unicast(self, payload: bytes, address: Address) -> None:
        self.sent.append(read(payload, Keyring()))

    def close(self) -> None:
        pass


class Echo:
    """An ICMP socket that nobody answers."""

    def fileno(self) -> int:
        return 0

    def send(self, address: Address, payload: bytes, sequence: int) -> None:
        pass

    def receive(self, limit: int) -> Sequence[tuple[Address, int, bytes, float]]:
        return []

    def close(self) -> None:
        pass


class Memory:
    """A state directory that is a few variables."""

    node_id, incarnation = NodeId(bytes(15) + b"\x0a"), 5

    def __init__(self) -> None:
        self.problem: str | None = None
        self.stored: tuple[StoredPeer, ...] = ()
        self.groups: dict[GroupId, StoredGroup] = {}
        self.maintenance = False

    def group(self, group: GroupId) -> StoredGroup:
        return self.groups.get(group, StoredGroup(maintenance=self.maintenance))

    def peers(self) -> Sequence[StoredPeer]:
        return self.stored

    def store_group(self, group: GroupId, stored: StoredGroup) -> None:
        self.groups[group] = stored

    def store_maintenance(self, on: bool) -> None:
        self.maintenance = on

    def store_peers(self, peers: Sequence[StoredPeer]) -> None:
        self.stored = tuple(peers)

    def store_incarnation(self, incarnation: int) -> None:
        pass

    def close(self) -> None:
        pass


def quiet_history() -> History:
    return History(5, Forgetful())


def nobody_asks() -> NodeStatus:
    raise SnapshotUnavailableError("there is no loop in this test")


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def link(machine: Machine, memory: Memory) -> Link:
    """One group on that machine, looked at once."""
    segment = Segment(memory.node_id, "us", memory.incarnation, lambda: 1)
    segment.add(SETTINGS)
    group = ResolvedGroup(SETTINGS, "eth0", 32, (), None, 0)
    observer = Observer(Metrics({GROUP: "vip"}, nobody_asks), memory, machine.clock, quiet_history())
    made = Link(segment, [group], machine, machine, observer, Keyring(), AdvertSettings(), set())
    made.look()
    return made


def renumbered(interface: Interface, own: str) -> Interface:
    return replace(interface, addresses=(HostAddress(IPv4Address(own), 24, None, False),))
