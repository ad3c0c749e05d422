"""A host in memory: a kernel that answers ARP whatever its daemon does, and the real core as that daemon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from math import inf
from random import Random
from typing import TYPE_CHECKING

from vipservice.adapters.memory.deeds import Deeds
from vipservice.adapters.memory.frames import AdvertFrame, ArpFrame, Frame
from vipservice.adapters.memory.kernel import LATEST_LAPSE, Kernel
from vipservice.core.actions import Action, CommandDone, Rejected, SendAdvert, Turned
from vipservice.core.events import (
    AddressAdded,
    AddressRemoved,
    AdvertReceived,
    Event,
    InterfaceReady,
    Leftover,
    LinkChanged,
    NeighbourSeen,
    Stalled,
    StopAsked,
)
from vipservice.core.roster import Peer
from vipservice.core.segment import Segment
from vipservice.core.settings import GroupSettings
from vipservice.core.values import Address, GroupId, Mac, NodeId

if TYPE_CHECKING:
    from vipservice.adapters.memory.lan import MemoryLan

INBOX = 256
"""Frames that wait for a daemon that stands still; the rest is dropped, as a socket buffer does."""

SPINS = 1000
"""Rounds of a loop in one moment, after which its deadline is one that nothing ever meets."""


MORNING = 1.8e9
"""When every run begins, seconds since 1970."""


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
        self.paused_at: float | None = None
        self.behind = 0.0
        """Seconds this host's clock has missed in pauses that its guest cannot see."""
        self.wall_clock_off_by = 0.0
        """Seconds by which somebody, or NTP, has set the wall clock wrong."""
        self.neighbours: dict[Address, Mac] = {}
        """The kernel's neighbour cache: who spoke last for an address."""
        self.segment: Segment | None = None
        self.disk = Disk()
        self.done: list[CommandDone] = []
        self.stopped: set[GroupId] = set()
        self.turned: list[tuple[float, Turned]] = []
        self.rejected: list[Rejected] = []
        self.sent: list[SendAdvert] = []
        self.announced = 0
        self._latest_lapse = latest_lapse
        self._inbox: list[Event] = []
        self._ring: list[Frame] = []
        self._armed = inf
        self._idle = 0
        self._turn = 0
        self._exits = False
        self._deeds = Deeds(self)

    def plug_in(self, lan: MemoryLan) -> None:
        """Called by the LAN."""
        self.lan = lan
        self.dice = Random(lan.dice.random())  # noqa: S311 - repeatable on purpose
        self.kernel = Kernel(self.address, self.dice, self._latest_lapse, lan.touch)

    @property
    def clock(self) -> float:
        """This host's own monotonic clock."""
        return self.lan.now - self.behind

    @property
    def wall_clock(self) -> float:
        """What the host takes for the time of day; nothing but a new incarnation ever asks."""
        return MORNING + self.lan.now + self.wall_clock_off_by

    @property
    def plugged(self) -> bool:
        """Whether frames reach its card, which keeps them while the machine stands still."""
        return self.powered and self.link_up

    @property
    def on_line(self) -> bool:
        """Whether frames can leave and reach the host."""
        return self.plugged and self.paused_at is None

    @property
    def awake(self) -> bool:
        """Whether the daemon runs and turns its loop."""
        return self.segment is not None and not self.hung and self.on_line

    # The daemon's life

    def start(self, wipe: bool = False) -> None:
        """Start the daemon, with what its state directory says."""
        self.lan.touch()
        disk = self.disk = Disk() if wipe else self.disk
        disk.incarnation = max(disk.incarnation, int(self.wall_clock)) + 1
        self.segment = Segment(
            self.node, self.name, disk.incarnation, lambda: self.dice.getrandbits(64), disk.peers
        )
        for settings in self.groups:
            own, reserved = disk.terms.get(settings.id, (0, 1))
            self.segment.add(settings, own, reserved)
        self._inbox, self.hung, self._exits = [], False, False
        self.stopped.clear()
        self._handle(self._interface())

    def kill(self) -> None:
        """SIGKILL: the daemon is gone, the kernel is not."""
        self.lan.touch()
        if self.segment is not None:
            known = self.segment.around.roster.peers.values()
            self.disk.peers = [Peer(p.node, p.name, p.macs, p.address) for p in known]
        self.segment, self._inbox, self._armed = None, [], inf

    def stop(self) -> None:
        """SIGTERM: the daemon leaves in good order, then it is gone."""
        self._exits = True
        self._event(StopAsked())

    def hang(self) -> None:
        """SIGSTOP."""
        self.lan.touch()
        self.hung = True

    def resume(self) -> None:
        """SIGCONT: first all sockets, then timers, then act."""
        self.lan.touch()
        self.hung = False
        inbox, self._inbox = self._inbox, []
        late = self.clock - self._armed
        for event in inbox:
            self._handle(event)
        if self.segment is not None and late > self.segment.stall_threshold():
            self._handle(Stalled(late))
        self._wake(self._turn)

    def pause(self) -> None:
        """A hypervisor stops the whole host, kernel and clock: frames wait in the ring meanwhile."""
        self.lan.touch()
        self.paused_at = self.lan.now

    def unpause(self) -> None:
        """The host goes on as if nothing had been; the ring is read first."""
        self.lan.touch()
        assert self.paused_at is not None
        self.behind += self.lan.now - self.paused_at
        self.paused_at = None
        ring, self._ring = self._ring, []
        for gone_at in self.kernel.ends():
            self._at(gone_at, self._lapse)
        for frame in ring:
            self.receive(frame)
        self._arm()

    def suspend(self) -> None:
        """The machine sleeps: as paused, but its clock will know."""
        self.lan.touch()
        self.paused_at = self.lan.now

    def wake(self) -> None:
        """It goes on: the kernel works off what the card has kept, then the daemon its sockets."""
        self.lan.touch()
        assert self.paused_at is not None
        ends = self.kernel.stood_still(self.lan.now - self.paused_at)
        self.paused_at = None
        for gone_at in ends:
            self._at(gone_at, self._lapse)
        self.hang()
        ring, self._ring = self._ring, []
        for frame in ring:
            self.receive(frame)
        self.resume()

    def die(self) -> None:
        """The whole host goes."""
        self.lan.touch()
        self.kill()
        self.paused_at, self._ring = None, []
        self.powered = False
        self.kernel.reboot()

    def boot(self) -> None:
        """The host is back, and its daemon with it."""
        self.lan.touch()
        self.powered = True
        self.start()

    def unplug(self) -> None:
        """The cable, with loss of carrier."""
        self.lan.touch()
        self.link_up = False
        self._event(LinkChanged(up=False))

    def plug(self) -> None:
        """The cable is back."""
        self.lan.touch()
        self.link_up = True
        self._event(LinkChanged(up=True))

    def tell(self, event: Event) -> None:
        """An event from outside: a command, a health check."""
        self._event(event)

    def remove(self, address: Address) -> None:
        """Somebody deletes the address."""
        if self.kernel.remove(address):
            self._event(AddressRemoved(address))

    def release(self, address: Address) -> None:
        """Our daemon takes it off; if it was somebody's own, the kernel's word of it is news to the core."""
        own = self.kernel.lease_left(address, self.clock) is None
        if self.kernel.remove(address) and own:
            self.lan.at(self.lan.now, lambda: self._event(AddressRemoved(address)))

    def add_by_hand(self, address: Address) -> None:
        """Somebody configures the address, for ever; the kernel refuses where it has it already."""
        if not self.powered or self.kernel.holds(address):
            return
        self.kernel.add_permanent(address)
        self._event(AddressAdded(address, ours=False))

    # What the core's deeds need of us

    def renew(self, address: Address, lease: float) -> None:
        """The kernel holds the address for `lease` seconds from now; late by its own whim it frees it."""
        self._at(self.kernel.bind(address, lease, self.clock), self._lapse)

    def group_stopped(self, group: GroupId) -> None:
        """Everything that SIGTERM asks of this group is done; after the last the process ends."""
        self.stopped.add(group)
        if self._exits and len(self.stopped) == len(self.groups):
            self.lan.note(self.name, "exits")
            self.lan.at(self.lan.now, self.kill)

    # The wire

    def receive(self, frame: Frame) -> None:
        """A frame arrives: the kernel answers what is its own, the daemon sees what passes its filter."""
        if self.paused_at is not None and self.plugged and len(self._ring) < INBOX:
            self._ring.append(frame)
        if not self.on_line:
            return
        match frame:
            case ArpFrame():
                self._arp(frame)
            case AdvertFrame():
                self._event(AdvertReceived(frame.advert, frame.path))

    def _arp(self, frame: ArpFrame) -> None:
        if frame.sender is not None:
            self.neighbours[frame.sender] = frame.source
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

    def _at(self, clock: float, call: Callable[[], None]) -> None:
        """Do `call` when our own clock has reached `clock`; rounding must not wake us before."""
        self.lan.at(clock + self.behind + (1e-9 if self.behind else 0.0), call)

    def _interface(self) -> InterfaceReady:
        assert self.segment is not None
        leftovers = tuple(
            Leftover(address, self.kernel.lease_left(address, self.clock), ours)
            for address in self.segment.around.floating
            if self.kernel.holds(address)
            for ours in [self.kernel.lease_left(address, self.clock) is not None]
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
            self._perform(self.segment.handle(event, self.clock))
            self._arm()

    def _perform(self, actions: list[Action]) -> None:
        for result in self._deeds.carry_out(actions):
            self._handle(result)

    def _arm(self) -> None:
        if self.segment is None:
            return
        self._turn += 1
        turn = self._turn
        self._armed = self.segment.deadline(self.clock)
        if self._armed < inf:
            self._at(self._armed, lambda: self._wake(turn))

    def _wake(self, turn: int) -> None:
        stands_still = self.hung or self.paused_at is not None
        if self.segment is None or stands_still or turn != self._turn:
            return
        self._perform(self.segment.tick(self.clock))
        self._arm()
        self._idle = self._idle + 1 if self._armed <= self.clock else 0
        if self._idle > SPINS:
            raise RuntimeError(f"{self.name} spins: what is due at {self._armed:.4f} is never done")

    def _lapse(self) -> None:
        if self.paused_at is not None:
            return
        for address in self.kernel.lapse(self.clock):
            self.lan.note(self.name, f"the kernel frees {address}")
            self._event(AddressRemoved(address))
