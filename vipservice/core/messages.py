"""What nodes say to each other: an advert, its entry for each group, and the words of a handover.

These are values. Their bytes are `wire.advert`'s business and are described in docs/wire.md.
"""

from enum import Enum, IntFlag

from vipservice.core.frozen import dataclass
from vipservice.core.roles import Role
from vipservice.core.values import Address, GroupId, Mac, NodeId, Rank


class Path(Enum):
    """How an advert reached us."""

    MULTICAST = "multicast"
    UNICAST = "unicast"
    RAW = "raw"

    __hash__ = object.__hash__
    """Each path is one object; Enum's own hash is a Python function, four calls of it in every round."""


class Capability(IntFlag):
    """What a node can do beyond the first version of the format; unknown bits are ignored."""

    NONE = 0
    KERNEL_LEASE = 1
    """Its address dies by itself when its daemon does."""


@dataclass(frozen=True, slots=True)
class PeerHeard:
    """A peer that the sender has heard first-hand, and how long ago (seconds)."""

    node: NodeId
    incarnation: int
    age: float


@dataclass(frozen=True, slots=True)
class Request:
    """A better node asks the active for a handover (failback). It never just takes."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The active asks `to` whether it is ready to take over; `hold` is its H in seconds."""

    to: NodeId
    hold: float


@dataclass(frozen=True, slots=True)
class Ready:
    """The successor's yes to the offer of `to`, with a fresh random 64-bit number."""

    to: NodeId
    nonce: int


@dataclass(frozen=True, slots=True)
class Resign:
    """The active has released; `successor` may bind at once if term and nonce are those of its own Ready.

    Without a successor it says that nobody holds the address now.
    """

    successor: NodeId | None
    term: int
    nonce: int


@dataclass(frozen=True, slots=True)
class Question:
    """Who hears the active? Sent while it is silent for us."""


@dataclass(frozen=True, slots=True)
class Hearsay:
    """First-hand answer to a Question: this active's advert reached the sender `age` seconds ago."""

    active: NodeId
    incarnation: int
    age: float
    term: int
    priority: int
    interval: float
    lease_left: float


@dataclass(frozen=True, slots=True)
class PathCheck:
    """By which paths the sender has heard `to`, for whoever looks for a blocked one (`vipservice doctor`).

    It travels by all paths at once and only when somebody has asked; everybody else skips it.
    """

    to: NodeId
    asks: bool
    """`to` shall answer with a check of its own."""
    heard_ago: tuple[float, ...]
    """Seconds since an advert of `to` came, for each `Path` in order; inf for not in this life."""


Message = Request | Offer | Ready | Resign | Question | Hearsay


@dataclass(frozen=True, slots=True)
class Entry:
    """One group's part of an advert."""

    group: GroupId
    role: Role
    priority: int
    """Effective priority, 1 to 254."""
    term: int
    """Of an active its own; of anybody else the greatest it has stored or heard."""
    interval: float
    """The pace kept now, seconds."""
    lease_left: float
    """Seconds until the kernel frees the address if nobody renews it; 0 when the sender does not hold it."""
    digest: bytes
    """Eight bytes that are equal exactly where the addresses are."""
    addresses: tuple[Address, ...]
    fit: bool
    """Healthy and not in maintenance: able to take over."""
    messages: tuple[Message, ...] = ()
    maintenance: bool = False
    """Why it is not fit, where an operator wants it so; older nodes do not say it."""


@dataclass(frozen=True, slots=True)
class Advert:
    """A node's periodic message on one interface."""

    node: NodeId
    name: str
    incarnation: int
    sequence: int
    address: Address
    """The sender's own primary address on this link; part of its rank."""
    macs: tuple[Mac, ...]
    """All MACs of the host on this link, the sending interface's first."""
    capabilities: Capability
    heard: tuple[PeerHeard, ...]
    entries: tuple[Entry, ...]
    check: PathCheck | None = None

    def rank(self, entry: Entry) -> Rank:
        """The rank that `entry` claims for its sender."""
        return Rank(entry.term, entry.priority, self.address.packed)
