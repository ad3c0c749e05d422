"""Who else is on the link: which adverts to believe, who a MAC belongs to, and who hears us.

A recording can be replayed, so nothing from a node counts until one of its adverts names *our present
incarnation* among the peers it has heard; no recording can. And (incarnation, sequence) of a node only grows.
"""

from collections.abc import Iterable
from dataclasses import field
from math import inf

from vipservice.core.frozen import dataclass
from vipservice.core.messages import Advert, Path, PathCheck, PeerHeard
from vipservice.core.roles import Role
from vipservice.core.timing import ANSWERED_WINDOW, LIVING_INTERVALS
from vipservice.core.values import Address, GroupId, Mac, NodeId

MAX_PEERS = 256
"""More nodes than a group has priorities; a forger's invented ids push each other out, not real ones."""

MAX_NAMED = 200
"""Peers that an advert names as heard: fewer than the 255 it can carry, so that groups fit in beside them."""

MAX_INCARNATION = 2**62
"""Wall-clock seconds never get there; a greater one is somebody's mistake or malice."""

GREETING_GAP = 0.02
"""A recording that knocks all day is answered at most this often, seconds."""

RAW_RETRY = 1.0
"""How often a peer that has been silent for long, or nobody in particular, gets a raw frame, seconds."""

RAW_PATIENCE = 16
"""A peer that has been silent for this many seconds gets a raw frame a second, for half as many two a second.

A dead host took one with every advert for a minute, 500 a second at 2 ms. One that is heard by raw frames
alone was heard within an interval, and gets one with every advert as before.
"""

TWIN_MEMORY = 60.0


@dataclass(slots=True)
class Peer:
    """A node we have heard, or remember from an earlier life."""

    node: NodeId
    name: str
    macs: tuple[Mac, ...]
    address: Address
    incarnation: int = -1
    sequence: int = -1
    interval: float = 1.0
    """The shortest pace among its groups, seconds."""
    acquainted: bool = False
    """It has named our present incarnation: its words count."""
    heard_at: float = -inf
    heard_us_at: float = -inf
    """When it last heard us, by its own word."""
    greeted_at: float = -inf
    raw_at: float = -inf
    by_path: dict[Path, float] = field(default_factory=dict)
    """When an advert came by each path last."""
    told_at: float = -inf
    """When it last told by which paths it hears us."""
    hears_us_by: dict[Path, float] = field(default_factory=dict)
    """When it last heard us by each path, by its own word."""

    def living(self, now: float) -> bool:
        """Heard within three of its own intervals."""
        return self.acquainted and now - self.heard_at <= LIVING_INTERVALS * self.interval

    def hears_us(self, now: float, our_interval: float) -> bool:
        """By its own word, which comes with each of its adverts."""
        allowed = LIVING_INTERVALS * max(our_interval, self.interval) + self.interval
        return now - self.heard_us_at <= allowed

    def udp_silent(self, now: float) -> bool:
        """Both ordinary paths have been silent for three intervals."""
        last = max(self.by_path.get(Path.MULTICAST, -inf), self.by_path.get(Path.UNICAST, -inf))
        return now - last > LIVING_INTERVALS * self.interval


@dataclass(frozen=True, slots=True)
class Accepted:
    """Act on it. `greet`: answer at once, the node may not know that we are here."""

    peer: Peer
    greet: bool
    learned: bool
    """Its name, address or MACs are news worth remembering."""


@dataclass(frozen=True, slots=True)
class NotYet:
    """From somebody who has not named our present incarnation: counts as not heard."""

    peer: Peer
    greet: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Not acted on, for this reason (a metric's label)."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Twin:
    """A node with our own id and none of our MACs answers to us: a cloned machine."""

    macs: tuple[Mac, ...]
    name: str
    active_in: frozenset[GroupId]


Reception = Accepted | NotYet | Refused | Twin


class Roster:
    """The peers on one link."""

    def __init__(self, node: NodeId, incarnation: int, remembered: Iterable[Peer] = ()) -> None:
        self.node = node
        self.incarnation = incarnation
        self.peers: dict[NodeId, Peer] = {peer.node: peer for peer in remembered}
        self._twin: PeerHeard | None = None
        self._twin_at = -inf
        self._broadcast_at = -inf

    def receive(self, advert: Advert, path: Path, own_macs: tuple[Mac, ...], now: float) -> Reception:
        """Decide whether `advert` counts, and remember what it shows."""
        if advert.node == self.node:
            return self._own_or_twin(advert, own_macs, now)
        peer = self.peers.get(advert.node)
        if peer is None:
            peer = self._admit(advert)
        if refused := self._old(peer, advert, path, now):
            return refused
        return self._hear(peer, advert, path, now)

    def outgrown_by(self, advert: Advert, now: float) -> int | None:
        """The incarnation to take when a peer has heard a greater one of us (our state directory was lost).

        Not while a clone is about: the two would outbid each other for ever.
        """
        if now - self._twin_at < TWIN_MEMORY:
            return None
        greater = [
            h.incarnation for h in advert.heard if h.node == self.node and h.incarnation > self.incarnation
        ]
        return max(greater) + 1 if greater and max(greater) < MAX_INCARNATION else None

    def twin_gone(self, now: float) -> bool:
        """Whether a clone that was about has not been heard for a minute; says so once."""
        if self._twin is None or now - self._twin_at <= TWIN_MEMORY:
            return False
        self._twin = None
        return True

    def begin_incarnation(self, incarnation: int) -> None:
        """We are another life from now on; nobody has named it yet."""
        self.incarnation = incarnation
        for peer in self.peers.values():
            peer.acquainted = False

    def owner_of(self, mac: Mac) -> Peer | None:
        """The known peer whose MAC this is; None for a stranger."""
        for peer in self.peers.values():
            if mac in peer.macs:
                return peer
        return None

    def heard(self, now: float) -> tuple[PeerHeard, ...]:
        """What we tell others: whom we have heard first-hand in the last minute, strangers last."""
        recent = [peer for peer in self.peers.values() if now - peer.heard_at < ANSWERED_WINDOW]
        if len(recent) > MAX_NAMED:
            recent.sort(key=lambda peer: (peer.acquainted, peer.heard_at), reverse=True)
        peers = tuple(
            PeerHeard(peer.node, peer.incarnation, now - peer.heard_at) for peer in recent[:MAX_NAMED]
        )
        return peers if self._twin is None or now - self._twin_at > TWIN_MEMORY else (*peers, self._twin)

    def raw_targets(self, now: float, our_interval: float) -> tuple[Mac, ...] | None:
        """Whose MAC gets this advert as a raw frame too; empty for broadcast, None for no raw frame.

        The third path is for every peer from whom UDP has been silent for three intervals, or who says that
        it does not hear us; the longer one has been away, the more rarely, down to once a second.
        """
        if not self.peers:
            if now - self._broadcast_at < RAW_RETRY:
                return None
            self._broadcast_at = now
            return ()
        targets = [peer for peer in self.peers.values() if self._needs_raw(peer, now, our_interval)]
        for peer in targets:
            peer.raw_at = now
        return tuple(peer.macs[0] for peer in targets if peer.macs) or None

    def forget(self, node: NodeId) -> bool:
        """Drop a peer that will not come back; True if it was known."""
        return self.peers.pop(node, None) is not None

    def check_of(self, node: NodeId, asks: bool, now: float) -> PathCheck:
        """What we tell a peer of the paths by which we hear it."""
        by_path = self.peers[node].by_path
        return PathCheck(node, asks, tuple(now - by_path.get(path, -inf) for path in Path))

    def told(self, peer: Peer, check: PathCheck, now: float) -> bool:
        """A peer tells by which paths it hears us; True where it asks the same of us, and may."""
        if check.to != self.node:
            return False
        peer.hears_us_by = {path: now - ago for path, ago in zip(Path, check.heard_ago, strict=True)}
        rested = now - peer.told_at >= GREETING_GAP
        peer.told_at = now
        return check.asks and rested

    def _needs_raw(self, peer: Peer, now: float, our_interval: float) -> bool:
        if not peer.udp_silent(now) and (not peer.acquainted or peer.hears_us(now, our_interval)):
            return False
        return now - peer.raw_at >= min(RAW_RETRY, (now - peer.heard_at) / RAW_PATIENCE)

    def _own_or_twin(self, advert: Advert, own_macs: tuple[Mac, ...], now: float) -> Reception:
        if set(advert.macs) & set(own_macs):
            return Refused("own", "our own advert came back")
        self._twin = PeerHeard(advert.node, advert.incarnation, 0.0)
        self._twin_at = now
        if any(heard.node == self.node and heard.incarnation == self.incarnation for heard in advert.heard):
            active_in = frozenset(entry.group for entry in advert.entries if entry.role is Role.ACTIVE)
            return Twin(advert.macs, advert.name, active_in)
        return Refused("own", "an advert with our node id from another machine, perhaps a recording")

    def _admit(self, advert: Advert) -> Peer:
        if len(self.peers) >= MAX_PEERS:
            self._evict()
        peer = Peer(advert.node, advert.name, advert.macs, advert.address)
        self.peers[advert.node] = peer
        return peer

    def _evict(self) -> None:
        oldest = min(self.peers.values(), key=lambda peer: (peer.acquainted, peer.heard_at))
        del self.peers[oldest.node]

    def _old(self, peer: Peer, advert: Advert, path: Path, now: float) -> Refused | None:
        if advert.incarnation > peer.incarnation:
            return None
        if advert.incarnation < peer.incarnation or advert.sequence < peer.sequence:
            return Refused("replayed", f"{peer.name}: an advert older than one already heard")
        if advert.sequence > peer.sequence:
            return None
        peer.by_path[path] = now
        return Refused("copy", f"{peer.name}: the same advert by another path")

    def _hear(self, peer: Peer, advert: Advert, path: Path, now: float) -> Reception:
        interval = min((entry.interval for entry in advert.entries), default=peer.interval)
        news = advert.incarnation != peer.incarnation
        greet = news or now - peer.heard_at > LIVING_INTERVALS * interval
        learned = self._remember(peer, advert)
        if news:
            peer.acquainted = False
            peer.by_path.clear()
        peer.incarnation, peer.sequence, peer.interval = advert.incarnation, advert.sequence, interval
        peer.heard_at = peer.by_path[path] = now
        learned = self._acquaint(peer, advert, now) or learned
        greet = greet or not peer.acquainted
        if greet and now - peer.greeted_at < GREETING_GAP:
            greet = False
        if greet:
            peer.greeted_at = now
        return Accepted(peer, greet, learned) if peer.acquainted else NotYet(peer, greet)

    def _acquaint(self, peer: Peer, advert: Advert, now: float) -> bool:
        """Note whether the peer hears us; True on the advert that makes its words count."""
        was = peer.acquainted
        for heard in advert.heard:
            if heard.node == self.node and heard.incarnation == self.incarnation:
                peer.acquainted = True
                peer.heard_us_at = now - heard.age
        return peer.acquainted and not was

    def _remember(self, peer: Peer, advert: Advert) -> bool:
        learned = (peer.name, peer.macs, peer.address) != (advert.name, advert.macs, advert.address)
        peer.name, peer.macs, peer.address = advert.name, advert.macs, advert.address
        return learned
