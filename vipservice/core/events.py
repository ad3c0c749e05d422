"""Everything that can happen to a segment (our place on one link), as values.

The runtime turns bytes, kernel messages and commands into these; `Segment.handle` takes them.
"""

from vipservice.core.frozen import dataclass
from vipservice.core.messages import Advert, Path
from vipservice.core.settings import GroupSettings
from vipservice.core.values import Address, GroupId, Health, Mac, NodeId


@dataclass(frozen=True, slots=True)
class Leftover:
    """One of our group's addresses that the kernel already has when we start."""

    address: Address
    lease_left: float | None
    """Seconds the kernel will keep it; None when it is permanent."""
    ours: bool
    """Bound by our own earlier life (protocol number, or remembered)."""


@dataclass(frozen=True, slots=True)
class InterfaceReady:
    """The interface exists and has an address of its own."""

    address: Address
    macs: tuple[Mac, ...]
    """All MACs of this host on the link, this interface's first."""
    link_up: bool
    gateway: Address | None
    leftovers: tuple[Leftover, ...] = ()


@dataclass(frozen=True, slots=True)
class InterfaceLost:
    """The interface is gone or has no address of its own; `problem` says which, in words."""

    problem: str
    bare: bool = False
    """It is there, and only its address is missing."""


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """The carrier came or went."""

    up: bool


@dataclass(frozen=True, slots=True)
class AddressRemoved:
    """The kernel says that the address is gone from our interface (not by our own Release)."""

    address: Address


@dataclass(frozen=True, slots=True)
class AddressAdded:
    """The kernel says that the address is on our interface though we did not bind it."""

    address: Address
    ours: bool
    """It carries our protocol number: a leftover of ours, not somebody's configuration."""


@dataclass(frozen=True, slots=True)
class AdvertReceived:
    """A decoded advert whose signature is right (or that needs none)."""

    advert: Advert
    path: Path


@dataclass(frozen=True, slots=True)
class NeighbourSeen:
    """An ARP packet or a neighbour solicitation/advertisement that passed the kernel filter.

    `sender` is the protocol address it speaks for, None for a probe (0.0.0.0 or ::); `target` the one it
    asks about or answers to.
    """

    mac: Mac
    sender: Address | None
    target: Address | None
    answer: bool
    to_us: bool


@dataclass(frozen=True, slots=True)
class Bound:
    """The kernel holds the group's addresses from `now`, for one lease."""

    group: GroupId


@dataclass(frozen=True, slots=True)
class BindFailed:
    """The addresses are not bound; `problem` in words. `late` when the right to bind had run out."""

    group: GroupId
    problem: str
    late: bool = False


@dataclass(frozen=True, slots=True)
class SendFailed:
    """A probe could not be sent: what it would have shown is unknown."""

    group: GroupId
    problem: str


@dataclass(frozen=True, slots=True)
class Stalled:
    """We stood still for `seconds`. Delivered after all sockets were read and before any timer."""

    seconds: float


@dataclass(frozen=True, slots=True)
class HandoverAsked:
    """An operator wants the address moved, to `to` or to the best backup. Answered by CommandDone."""

    group: GroupId
    command: int
    to: NodeId | None = None
    force: bool = False
    """Even where we would ask for it back at once."""


@dataclass(frozen=True, slots=True)
class StopAsked:
    """The daemon shall end, or take no part in this group any more: hand over what we hold, say goodbye.

    Answered by Stopped.
    """

    group: GroupId | None = None
    """None for all."""


@dataclass(frozen=True, slots=True)
class MaintenanceSet:
    """Stay out (`on`) or take part again."""

    group: GroupId
    on: bool


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """The checks of the service behind the address have another result, or another weight."""

    group: GroupId
    health: Health
    detail: str
    """Which check fails and why, in words; empty where none does."""
    weight: int = 0
    """Taken off the priority: what the failing checks weigh that are no must."""


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """A reload changed a group's numbers, not its addresses."""

    settings: GroupSettings


@dataclass(frozen=True, slots=True)
class PeerForgotten:
    """An operator says that this node will not come back."""

    node: NodeId


@dataclass(frozen=True, slots=True)
class PathsAsked:
    """An operator wants to know by which paths each peer is heard, and hears us."""


Event = (
    InterfaceReady
    | InterfaceLost
    | LinkChanged
    | AddressRemoved
    | AddressAdded
    | AdvertReceived
    | NeighbourSeen
    | Bound
    | BindFailed
    | SendFailed
    | Stalled
    | HandoverAsked
    | StopAsked
    | MaintenanceSet
    | HealthChanged
    | SettingsChanged
    | PeerForgotten
    | PathsAsked
)
