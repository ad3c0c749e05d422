"""What the LAN knows: since when which frames could pass, who held the address, whose daemon was awake.

The judges excuse nothing by what a node believes; only this record can excuse.
"""

from dataclasses import dataclass
from enum import Enum, auto
from itertools import permutations
from math import inf

from vipservice.adapters.memory.frames import AdvertFrame, ArpFrame, Frame
from vipservice.adapters.memory.host import MemoryHost
from vipservice.adapters.memory.lan import Blocks, MemoryLan
from vipservice.adapters.memory.ownership import Pair
from vipservice.adapters.memory.stage import VIP
from vipservice.adapters.memory.watching import Watcher
from vipservice.core.messages import Entry, Resign
from vipservice.core.roles import Role
from vipservice.core.values import Address, Rank

NEVER = inf


class Way(Enum):
    """By what two hosts can reach each other."""

    ARP = auto()
    UDP = auto()
    RAW = auto()


@dataclass(frozen=True, slots=True)
class Loss:
    """A frame that the weather took."""

    at: float
    pair: Pair
    arp: bool
    probing: bool
    """It was a probe for the address, or the answer to one."""


def is_probe(frame: ArpFrame) -> bool:
    """Whether it asks for the address as one does before taking it."""
    return frame.sender is None and frame.target == VIP and not frame.answer


class Record(Watcher):
    """Kept from the LAN's own events; the judges ask it."""

    def __init__(self, lan: MemoryLan) -> None:
        self.lan = lan
        self.open_since: dict[Way, dict[Pair, float]] = {way: {} for way in Way}
        """Since when a frame sent this way arrives, where it does now."""
        self.awake_since: dict[str, float] = {}
        self.deaf_since: dict[str, float] = {}
        """Since when no frame of any other host can come in."""
        self.held_since: dict[str, float] = {}
        self.held_until: dict[str, float] = {}
        self.losses: list[Loss] = []
        self.said: dict[str, tuple[Entry, Rank]] = {}
        """What each node said of itself last, as sent."""
        self.resigned: dict[str, tuple[str, float]] = {}
        """To whom somebody has resigned: who, and when."""
        self.answers: dict[Pair, float] = {}
        """When an answer or announcement for the address last came in, from whom to whom."""
        self.heard: dict[Pair, float] = {}
        """When an advert or an answer came in last, from whom to whom."""
        self.adverts: dict[Pair, float] = {}
        """When an advert last came in, from whom to whom."""
        self.answered_at: dict[str, float] = {}
        """When an ARP answer last came in at a daemon that was awake."""
        self.questions: dict[Pair, list[float]] = {}
        """When a probe for the address left, from whom to whom it was for or who would answer it."""
        self.claims: dict[Pair, float] = {}
        """When a probe for the address last came in, from whom to whom."""
        self.longest_interval = 0.0

    # What happens

    def changed(self) -> None:
        """Take stock."""
        now = self.lan.now
        for name, host in self.lan.hosts.items():
            self._note_awake(name, host, now)
            holds = host.powered and host.kernel.holds(VIP)
            if holds:
                self.held_since.setdefault(name, now)
            elif self.held_since.pop(name, None) is not None:
                self.held_until[name] = now
        for pair in permutations(self.lan.hosts, 2):
            self._note_open(pair, now)
        reached = {to for way in Way for _, to in self.open_since[way]}
        for name in self.lan.hosts:
            if name in reached:
                self.deaf_since.pop(name, None)
            else:
                self.deaf_since.setdefault(name, now)

    def sent(self, source: str, frame: Frame) -> None:
        """Remember what nodes say of themselves."""
        if isinstance(frame, AdvertFrame) and self.lan.hosts[source].groups:
            for entry in frame.advert.entries:
                self.said[source] = entry, frame.advert.rank(entry)
                self.longest_interval = max(self.longest_interval, self._pace(entry))
                for message in entry.messages:
                    if isinstance(message, Resign) and message.successor is not None:
                        self.resigned[self.name_of(message.successor)] = source, self.lan.now
        if isinstance(frame, ArpFrame) and is_probe(frame):
            self._note_question(source, frame)

    def _note_question(self, source: str, frame: ArpFrame) -> None:
        groups = self.lan.hosts[source].groups
        if frame.destination is None and groups and groups[0].arp_suppression:
            return  # whose answer may be a switch's, and decides nothing
        for name in self.held_since:
            host = self.lan.hosts[name]
            if name != source and (frame.destination is None or frame.destination in host.macs):
                self.questions.setdefault((source, name), []).append(self.lan.now)

    def lost(self, source: str, destination: str, frame: Frame) -> None:
        """Remember what the weather took."""
        arp = isinstance(frame, ArpFrame)
        probing = isinstance(frame, ArpFrame) and (is_probe(frame) or (frame.answer and frame.sender == VIP))
        pair = self._speaker(source, destination, frame), destination
        self.losses.append(Loss(self.lan.now, pair, arp, probing))

    def arrived(self, source: str, destination: str, frame: Frame) -> None:
        """Remember who was told by ARP who has the address, and whom a daemon has heard in its life."""
        if not self.lan.hosts[destination].awake:
            return
        by_fabric, source = source == destination, self._speaker(source, destination, frame)
        if isinstance(frame, ArpFrame) and frame.sender == VIP:
            self.answers[source, destination] = self.lan.now
        if by_fabric:
            return  # which says nothing of the host in whose name it speaks
        if isinstance(frame, ArpFrame) and is_probe(frame):
            self.claims[source, destination] = self.lan.now
        if isinstance(frame, ArpFrame) and frame.answer:
            self.answered_at[destination] = self.lan.now
        if isinstance(frame, AdvertFrame):
            self.adverts[source, destination] = self.lan.now
        if isinstance(frame, AdvertFrame) or frame.answer:
            self.heard[source, destination] = self.lan.now

    def _speaker(self, source: str, destination: str, frame: Frame) -> str:
        """Whose word this is: what the wire itself sends back is the fabric's, for whom it has learned."""
        if source != destination:
            return source
        return next(name for name, host in self.lan.hosts.items() if frame.source in host.macs)

    # What the judges ask

    @property
    def holders(self) -> list[str]:
        """Whose kernels hold the address."""
        return sorted(
            name for name, host in self.lan.hosts.items() if host.powered and host.kernel.holds(VIP)
        )

    def node(self, name: str) -> MemoryHost:
        """That host."""
        return self.lan.hosts[name]

    def name_of(self, node: bytes) -> str:
        """Whose id this is."""
        return next((name for name, host in self.lan.hosts.items() if host.groups and host.node == node), "?")

    def both_ways_since(self, one: str, other: str, way: Way) -> float:
        """Since when frames pass between the two both ways, NEVER where they do not."""
        since = self.open_since[way]
        return max(since.get((one, other), NEVER), since.get((other, one), NEVER))

    def adverts_since(self, source: str, destination: str) -> float:
        """Since when adverts pass from one to the other by any path."""
        pair = source, destination
        return min(self.open_since[way].get(pair, NEVER) for way in (Way.UDP, Way.RAW))

    def lost_between(self, one: str, other: str, since: float, arp: bool | None = None) -> int:
        """How many frames (of a sort) between the two the weather has taken."""
        pairs = {(one, other), (other, one)}
        return sum(
            loss.at >= since and arp in {None, loss.arp} and loss.pair in pairs for loss in self.losses
        )

    def questions_in_vain(self, asker: str, holder: str, count: int, since: float) -> bool:
        """Whether the weather took each of the last `count` probes that had the time, or its answer.

        Who has not asked has not asked in vain.
        """
        ripe = self.lan.now - 2 * self.lan.weather.longest_delay
        asked = [at for at in self.questions.get((asker, holder), []) if since <= at <= ripe][-count:]
        pairs = {(asker, holder), (holder, asker)}
        if not asked:
            return False
        return sum(
            loss.probing and loss.at >= asked[0] and loss.pair in pairs for loss in self.losses
        ) >= len(asked)

    def claims_in_vain(self, claimant: str, other: str, since: float) -> bool:
        """Whether of the probes that would have told the other of a claimant the weather took all."""
        lost = any(
            loss.probing and loss.at >= since and loss.pair == (claimant, other) for loss in self.losses
        )
        return lost and self.claims.get((claimant, other), -NEVER) < since

    def others_heard(self, name: str) -> int:
        """How many other hosts the daemon of this node has heard since it began, and has turned its loop."""
        since = self.awake_since.get(name, NEVER)
        return sum(to == name and at >= since for (_, to), at in self.heard.items())

    def leased(self, name: str, address: Address = VIP) -> bool:
        """Whether a daemon has bound it, and not somebody's hand for ever."""
        host = self.lan.hosts[name]
        return host.kernel.lease_left(address, host.clock) is not None

    def down(self) -> float:
        """The longest down interval that any of the nodes may reckon with, without a place in the queue."""
        misses = [host.groups[0].timing.misses for host in self.lan.hosts.values() if host.groups]
        return max(misses) * self.longest_interval

    def interval_of(self, name: str) -> float:
        """The pace at which a node says it advertises."""
        said = self.said.get(name)
        own = self.lan.hosts[name].groups[0].timing.advert_interval
        return max(own, said[0].interval) if said and said[0].role is Role.ACTIVE else own

    def _pace(self, entry: Entry) -> float:
        configured = [
            host.groups[0].timing.advert_interval for host in self.lan.hosts.values() if host.groups
        ]
        return max([*configured, entry.interval if entry.role is Role.ACTIVE else 0.0])

    # Taking stock

    def _note_awake(self, name: str, host: MemoryHost, now: float) -> None:
        if host.awake and name not in self.awake_since:
            self.awake_since[name] = now
        elif not host.awake:
            self.awake_since.pop(name, None)

    def _note_open(self, pair: Pair, now: float) -> None:
        blocks, open_since = self.lan.blocks, self.open_since
        passes = self.lan.passes(*pair)
        for way in Way:
            if passes and pair not in _part(blocks, way):
                open_since[way].setdefault(pair, now)
            else:
                open_since[way].pop(pair, None)


def _part(blocks: Blocks, way: Way) -> set[Pair]:
    return {Way.ARP: blocks.arp, Way.UDP: blocks.udp, Way.RAW: blocks.raw}[way]
