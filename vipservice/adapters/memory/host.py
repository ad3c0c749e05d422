"""A host in memory: a kernel that answers ARP whatever its daemon does, and the real core as that daemon."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from math import inf
from random import Random
from typing import TYPE_CHECKING

from vipservice.adapters.memory.frames import AdvertFrame, ArpFrame, Frame
from vipservice.adapters.memory.kernel import LATEST_LAPSE, Kernel
from vipservice.core.actions import (
    Action,
    Announce,
    AskNeighbours,
    Bind,
    CommandDone,
    ConditionChanged,
    Probe,
    Rejected,
    Release,
    Renew,
    SendAdvert,
    Stopped,
    StoreIncarnation,
    StoreTerm,
    Turned,
)
from vipservice.core.events import (
    AddressRemoved,
    AdvertReceived,
    BindFailed,
    Bound,
    Event,
    InterfaceReady,
    Leftover,
    LinkChanged,
    NeighbourSeen,
    Stalled,
)
from vipservice.core.messages import Path
from vipservice.core.roster import Peer
from vipservice.core.segment import Segment
from vipservice.core.settings import GroupSettings
from vipservice.core.values import Address, GroupId, Mac, NodeId

if TYPE_CHECKING:
    from vipservice.adapters.memory.lan import MemoryLan

INBOX = 256
"""Frames that wait for a daemon that stands still; the rest is dropped, as a socket buffer does."""


@dataclass(slots=True)
class Disk:
    """What survives a restart of the daemon."""

    incarnation: int = 0
    terms: dict[GroupId, tuple[int, int]] = field(default_factory=dict)
    peers: list[Peer] = field(default_factory=list)


class MemoryHost:
    """One host on a MemoryLan. Without groups it is a bystander: a gateway, a client, a stranger."""

    def __init__(
        self,
        name: str,
        number: int,
        groups: tuple[GroupSettings, ...] = (),
        gateway: Address | None = None,
        latest_lapse: float = LATEST_LAPSE,
    ) -> None:
        self.name = name
        self.address = IPv4Address(f"192.168.3.{number}")
        self.macs = (Mac(bytes([2, 0, 0, 0, 0, number])),)
        self.node = NodeId(bytes(15) + bytes([number]))
        self.groups = groups
        self.gateway = gateway
        self.powered = True
        self.link_up = True
        self.hung = False
        self.segment: Segment | None = None
        self.disk = Disk()
        self.done: list[CommandDone] = []
        self.stopped: set[GroupId] = set()
        self.rejected: list[Rejected] = []
        self.sent: list[SendAdvert] = []
        self.announced = 0
        self._latest_lapse = latest_lapse
        self._inbox: list[Event] = []
        self._armed = inf
        self._turn = 0

    def plug_in(self, lan: MemoryLan) -> None:
        """Called by the LAN."""
        self.lan = lan
        self.dice = Random(lan.dice.random())  # noqa: S311 - repeatable on purpose
        self.kernel = Kernel(self.address, self.dice, self._latest_lapse)

    @property
    def on_line(self) -> bool:
        """Whether frames can leave and reach the host."""
        return self.powered and self.link_up

    # The daemon's life

    def start(self, wipe: bool = False) -> None:
        """Start the daemon, with what its state directory says."""
        disk = self.disk = Disk() if wipe else self.disk
        disk.incarnation += 1
        self.segment = Segment(
            self.node, self.name, disk.incarnation, lambda: self.dice.getrandbits(64), disk.peers
        )
        for settings in self.groups:
            own, reserved = disk.terms.get(settings.id, (0, 1))
            self.segment.add(settings, own, reserved)
        self._inbox, self.hung = [], False
        self._handle(self._interface())

    def kill(self) -> None:
        """SIGKILL: the daemon is gone, the kernel is not."""
        if self.segment is not None:
            known = self.segment.around.roster.peers.values()
            self.disk.peers = [Peer(p.node, p.name, p.macs, p.address) for p in known]
        self.segment, self._inbox, self._armed = None, [], inf

    def hang(self) -> None:
        """SIGSTOP."""
        self.hung = True

    def resume(self) -> None:
        """SIGCONT: first all sockets, then timers, then act."""
        self.hung = False
        inbox, self._inbox = self._inbox, []
        late = self.lan.now - self._armed
        for event in inbox:
            self._handle(event)
        if self.segment is not None and late > self.segment.stall_threshold():
            self._handle(Stalled(late))
        self._wake(self._turn)

    def die(self) -> None:
        """The whole host goes."""
        self.kill()
        self.powered = False
        self.kernel.reboot()

    def boot(self) -> None:
        """The host is back, and its daemon with it."""
        self.powered = True
        self.start()

    def unplug(self) -> None:
        """The cable, with loss of carrier."""
        self.link_up = False
        self._event(LinkChanged(up=False))

    def plug(self) -> None:
        """The cable is back."""
        self.link_up = True
        self._event(LinkChanged(up=True))

    def tell(self, event: Event) -> None:
        """An event from outside: a command, a health check."""
        self._event(event)

    def remove_by_hand(self, address: Address) -> None:
        """Somebody deletes the address."""
        if self.kernel.remove(address):
            self._event(AddressRemoved(address))

    # The wire

    def receive(self, frame: Frame) -> None:
        """A frame arrives: the kernel answers what is its own, the daemon sees what passes its filter."""
        if not self.on_line:
            return
        match frame:
            case ArpFrame():
                self._arp(frame)
            case AdvertFrame():
                self._event(AdvertReceived(frame.advert, frame.path))

    def _arp(self, frame: ArpFrame) -> None:
        if not frame.answer and frame.sender != frame.target and self.kernel.answers_for(frame.target):
            asker = frame.sender or IPv4Address(0)
            reply = ArpFrame(self.macs[0], frame.source, frame.target, asker, answer=True)
            self.lan.send(self.name, reply)
        to_us = frame.destination is not None
        if self.segment is not None:
            matters = {frame.sender, frame.target} & self.segment.listening_for()
            if matters or to_us:
                seen = NeighbourSeen(frame.source, frame.sender, frame.target, frame.answer, to_us)
                self._event(seen)

    # The daemon's loop

    def _interface(self) -> InterfaceReady:
        assert self.segment is not None
        leftovers = tuple(
            Leftover(address, self.kernel.lease_left(address, self.lan.now), ours)
            for address in self.segment.around.floating
            if self.kernel.holds(address)
            for ours in [self.kernel.lease_left(address, self.lan.now) is not None]
        )
        return InterfaceReady(self.address, self.macs, self.link_up, self.gateway, leftovers)

    def _event(self, event: Event) -> None:
        if self.segment is None:
            return
        if self.hung:
            if len(self._inbox) < INBOX:
                self._inbox.append(event)
            return
        self._handle(event)

    def _handle(self, event: Event) -> None:
        if self.segment is not None:
            self._perform(self.segment.handle(event, self.lan.now))
            self._arm()

    def _arm(self) -> None:
        if self.segment is None:
            return
        self._turn += 1
        turn = self._turn
        self._armed = self.segment.deadline(self.lan.now)
        if self._armed < inf:
            self.lan.at(self._armed, lambda: self._wake(turn))

    def _wake(self, turn: int) -> None:
        if self.segment is None or self.hung or turn != self._turn:
            return
        self._perform(self.segment.tick(self.lan.now))
        self._arm()

    def _lapse(self) -> None:
        for address in self.kernel.lapse(self.lan.now):
            self.lan.note(self.name, f"the kernel frees {address}")
            self._event(AddressRemoved(address))

    def _perform(self, actions: list[Action]) -> None:
        """Carry out in order; what the kernel says to it is handled after the last."""
        results = [result for action in actions if (result := self._carry_out(action))]
        for result in results:
            self._handle(result)

    def _carry_out(self, action: Action) -> Event | None:
        match action:
            case Bind() | Renew():
                return self._bind(action)
            case Release(addresses=addresses):
                for address in addresses:
                    self.kernel.remove(address)
            case SendAdvert():
                self._send_advert(action)
            case Probe(address=address, to=to):
                self._send_arp(None, address, to)
            case Announce(addresses=addresses):
                self.announced += 1
                for address in addresses:
                    self._send_arp(address, address)
            case AskNeighbours(sender=sender, targets=targets):
                for target in targets:
                    self._send_arp(sender, target)
            case _:
                self._record(action)
        return None

    def _record(self, action: Action) -> None:
        match action:
            case Turned():
                text = f"{action.old.value} -> {action.new.value}: {action.detail} [{action.reason.value}]"
                self.lan.note(self.name, text)
            case ConditionChanged():
                self.lan.note(
                    self.name, f"{action.kind.value} {'on' if action.on else 'off'}: {action.detail}"
                )
            case StoreTerm():
                self.disk.terms[action.group] = (action.own, action.reserved)
            case StoreIncarnation():
                self.disk.incarnation = action.incarnation
            case CommandDone():
                self.done.append(action)
            case Stopped():
                self.stopped.add(action.group)
            case Rejected():
                self.rejected.append(action)

    def _bind(self, action: Bind | Renew) -> Event:
        if self.lan.now > action.not_after:
            return BindFailed(action.group, "the right to bind had run out", late=True)
        for address in action.addresses:
            gone_at = self.kernel.bind(address, action.lease, self.lan.now)
            self.lan.at(gone_at, self._lapse)
            if isinstance(action, Bind):
                self.lan.bound_by(self.name, address)
        return Bound(action.group)

    def _send_arp(self, sender: Address | None, target: Address, to: Mac | None = None) -> None:
        self.lan.send(self.name, ArpFrame(self.macs[0], to, sender, target))

    def _send_advert(self, action: SendAdvert) -> None:
        self.sent.append(action)
        source, advert = self.macs[0], action.advert
        if Path.MULTICAST in action.paths:
            self.lan.send(self.name, AdvertFrame(advert, Path.MULTICAST, source, None))
        if Path.UNICAST in action.paths:
            macs = [h.macs[0] for h in self.lan.hosts.values() if h.address == action.peer_address]
            for mac in macs:
                self.lan.send(self.name, AdvertFrame(advert, Path.UNICAST, source, mac))
        if Path.RAW in action.paths:
            for to in action.raw_to or (None,):
                self.lan.send(self.name, AdvertFrame(advert, Path.RAW, source, to))
