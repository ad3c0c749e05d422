"""One real segment on a bench: its clock, its kernel and the other hosts are played by the test."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from itertools import count
from math import inf
from typing import TypeVar

import pytest

from vipservice.adapters.memory.stage import default_settings
from vipservice.core.actions import (
    Action,
    AskNeighbours,
    Bind,
    ConditionChanged,
    ConditionKind,
    Probe,
    Rejected,
    Release,
    Renew,
    SendAdvert,
    Turned,
)
from vipservice.core.election import Election
from vipservice.core.events import AdvertReceived, Bound, Event, InterfaceReady, Leftover, NeighbourSeen
from vipservice.core.group import digest_of
from vipservice.core.messages import Advert, Capability, Entry, Message, Path, PeerHeard
from vipservice.core.roles import Role
from vipservice.core.roster import Peer
from vipservice.core.segment import Segment
from vipservice.core.settings import GroupSettings
from vipservice.core.timing import Timing
from vipservice.core.values import Address, GroupId, Mac, NodeId

VIP = IPv4Address("192.168.3.234")
GATEWAY = IPv4Address("192.168.3.1")
GROUP = GroupId(1)
STRANGER = Mac(b"\x02\xff\x00\x00\x00\x01")
T = TypeVar("T")


def address_of(number: int) -> IPv4Address:
    return IPv4Address(f"192.168.3.{number}")


def mac_of(number: int) -> Mac:
    return Mac(bytes([2, 0, 0, 0, 0, number]))


def node_of(number: int) -> NodeId:
    return NodeId(bytes(15) + bytes([number]))


BASE = default_settings()


class Other:
    """Another node, as far as its adverts and its kernel's ARP answers show it."""

    def __init__(self, bench: "Bench", number: int) -> None:
        self.bench, self.number = bench, number
        self.role, self.term, self.priority, self.interval = Role.BACKUP, 0, 100, 1.0
        self.addresses: tuple[Address, ...] = (VIP,)
        self.incarnation, self.lease_left, self.fit = 7, 0.0, True
        self.hears_us = True
        self.maintenance = False
        self.sequence = count(1)
        self.next_at = inf

    node = property(lambda self: node_of(self.number))
    mac = property(lambda self: mac_of(self.number))

    def entry(self, *messages: Message) -> Entry:
        return Entry(
            group=GROUP,
            role=self.role,
            priority=self.priority,
            term=self.term,
            interval=self.interval,
            lease_left=self.lease_left,
            digest=digest_of(self.addresses),
            addresses=self.addresses,
            fit=self.fit,
            messages=messages,
            maintenance=self.maintenance,
        )

    def advert(self, *messages: Message) -> Advert:
        roster = self.bench.segment.around.roster
        heard = (PeerHeard(roster.node, roster.incarnation, 0.0),) if self.hears_us else ()
        return Advert(
            node=self.node,
            name=f"n{self.number}",
            incarnation=self.incarnation,
            sequence=next(self.sequence),
            address=address_of(self.number),
            macs=(self.mac,),
            capabilities=Capability.KERNEL_LEASE,
            heard=heard,
            entries=(self.entry(*messages),),
        )

    def says(self, *messages: Message, path: Path = Path.MULTICAST) -> list[Action]:
        """Its advert reaches us now; returns what we do about it."""
        return self.bench.handle(AdvertReceived(self.advert(*messages), path))

    def becomes_active(self, term: int = 1, interval: float = 0.1, lease_left: float = 3.0) -> "Other":
        """It is active, and advertises at its interval until it is silenced."""
        self.role, self.term, self.interval, self.lease_left = Role.ACTIVE, term, interval, lease_left
        self.says()
        self.next_at = self.bench.now + interval
        return self

    def stands_by(self) -> "Other":
        """It is a backup, and advertises each second."""
        self.role, self.interval, self.lease_left = Role.BACKUP, 1.0, 0.0
        self.says()
        self.next_at = self.bench.now + 1.0
        return self

    def falls_silent(self) -> None:
        self.next_at = inf


class Bench:
    """A segment with one group, and the world around it."""

    def __init__(
        self,
        settings: GroupSettings = BASE,
        number: int = 10,
        gateway: bool = False,
        own_term: int = 0,
        reserved: int = 1,
        remembered: tuple[Peer, ...] = (),
    ) -> None:
        self.now = 100.0
        self.number = number
        self.gateway = gateway
        self.segment = Segment(node_of(number), "us", 5, count(1000).__next__, remembered)
        self.election: Election = self.segment.add(settings, own_term, reserved)
        self.others: list[Other] = []
        self.holder: Mac | None = None
        """Whose kernel answers our probes."""
        self.kernel_takes = True
        self.log: list[tuple[float, Action]] = []

    def starts(self, *leftovers: Leftover, link_up: bool = True) -> "Bench":
        gateway = GATEWAY if self.gateway else None
        self.handle(
            InterfaceReady(address_of(self.number), (mac_of(self.number),), link_up, gateway, leftovers)
        )
        return self

    def other(self, number: int) -> Other:
        self.others.append(Other(self, number))
        return self.others[-1]

    # Time and events

    def handle(self, event: Event) -> list[Action]:
        return self._perform(self.segment.handle(event, self.now))

    def run(self, seconds: float) -> "Bench":
        end = self.now + seconds
        while True:
            deadline = self.segment.deadline(self.now)
            speaker = min(self.others, key=lambda other: other.next_at, default=None)
            spoken = speaker.next_at if speaker else inf
            if min(deadline, spoken) > end:
                break
            if speaker is not None and spoken <= deadline:
                self.now = max(self.now, spoken)
                speaker.next_at += speaker.interval
                speaker.says()
            else:
                self.now = max(self.now, deadline)
                self._perform(self.segment.tick(self.now))
        self.now = end
        return self

    def becomes_active(self) -> "Bench":
        """Alone on the link at first, so we take the address; then the log is emptied."""
        self.starts().run(1.0)
        assert self.role is Role.ACTIVE
        self.log.clear()
        return self

    def arp(self, mac: Mac, sender: Address | None, target: Address | None, answer: bool = False) -> None:
        self.handle(NeighbourSeen(mac, sender, target, answer, to_us=answer))

    def _perform(self, actions: list[Action]) -> list[Action]:
        self.log += [(self.now, action) for action in actions]
        for action in actions:
            match action:
                case Bind(group=group) | Renew(group=group) if self.kernel_takes:
                    self.handle(Bound(group))
                case Probe(address=address) if self.holder is not None and self.role is not Role.ACTIVE:
                    self.arp(self.holder, address, address_of(self.number), answer=True)
                case AskNeighbours(targets=targets):
                    self._answer(targets)
        return actions

    def _answer(self, targets: tuple[Address, ...]) -> None:
        """The kernels of the gateway and of all who still advertise answer for their own addresses."""
        alive = [other.number for other in self.others if other.next_at < inf]
        for number in [*alive, *([1] if self.gateway else [])]:
            if address_of(number) in targets:
                self.arp(mac_of(number), address_of(number), address_of(self.number), answer=True)

    # What was seen

    role = property(lambda self: self.election.group.role)

    def did(self, kind: type[T]) -> list[T]:
        """The actions of this kind since the log was emptied."""
        return [action for _, action in self.log if isinstance(action, kind)]

    def when(self, kind: type[object]) -> list[float]:
        """The same, as seconds on the clock."""
        return [at for at, action in self.log if isinstance(action, kind)]

    def said(self, kind: type[T]) -> list[T]:
        """Messages of this kind in what we sent."""
        entries = [entry for send in self.did(SendAdvert) for entry in send.advert.entries]
        return [message for entry in entries for message in entry.messages if isinstance(message, kind)]

    def turns(self) -> list[tuple[Role, str]]:
        return [(turned.new, turned.reason.value) for turned in self.did(Turned)]

    def rejected(self) -> list[str]:
        return [rejected.reason for rejected in self.did(Rejected)]

    def conditions(self) -> dict[ConditionKind, bool]:
        return {changed.kind: changed.on for changed in self.did(ConditionChanged)}

    def released(self) -> bool:
        return bool(self.did(Release))


MakeBench = Callable[..., Bench]


@pytest.fixture
def make() -> MakeBench:
    """A bench, with changes to the settings by name."""

    def make(
        number: int = 10,
        gateway: bool = False,
        own_term: int = 0,
        reserved: int = 1,
        remembered: tuple[Peer, ...] = (),
        interval: float = 0.1,
        **changes: object,
    ) -> Bench:
        settings = replace(BASE, **{"timing": Timing(interval, 3, 3), **changes})  # type: ignore[arg-type]
        return Bench(settings, number, gateway, own_term, reserved, remembered)

    return make


@pytest.fixture
def bench() -> Bench:
    return Bench()
