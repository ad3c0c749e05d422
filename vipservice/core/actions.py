"""Everything a segment can ask for, as values. The runtime carries them out in the order given."""

from enum import Enum

from vipservice.core.frozen import dataclass
from vipservice.core.messages import Advert, Path
from vipservice.core.roles import Reason, Role
from vipservice.core.values import Address, GroupId, Mac, NodeId


@dataclass(frozen=True, slots=True)
class Bind:
    """Put the addresses on the interface for `lease` seconds: all of them or none.

    The clock is read again immediately before and after the system call: past `not_after` the addresses
    must not be there. Answered by Bound or BindFailed.
    """

    group: GroupId
    addresses: tuple[Address, ...]
    lease: int
    not_after: float


@dataclass(frozen=True, slots=True)
class Renew:
    """Extend the lease of addresses we hold, under the same rule. Answered by Bound or BindFailed."""

    group: GroupId
    addresses: tuple[Address, ...]
    lease: int
    not_after: float


@dataclass(frozen=True, slots=True)
class Release:
    """Take the addresses off the interface and verify it; fine if they are gone already."""

    group: GroupId
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class SendAdvert:
    """Sign and send this advert: to everybody, or to one peer."""

    advert: Advert
    to: NodeId | None = None
    peer_address: Address | None = None
    paths: frozenset[Path] = frozenset({Path.MULTICAST})
    raw_to: tuple[Mac, ...] = ()
    """For Path.RAW: the peers' MACs, or nothing for broadcast."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask for `address` with sender 0.0.0.0 (RFC 5227) or :: (RFC 4862); by unicast when `to` is given."""

    group: GroupId
    address: Address
    to: Mac | None


@dataclass(frozen=True, slots=True)
class Announce:
    """Gratuitous ARP in request and reply form, or an unsolicited neighbour advertisement."""

    group: GroupId
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class AskNeighbours:
    """Ask each target for its MAC: from our own address (do we hear?) or from a floating one (proof).

    By unicast when `to` is given: only the target itself answers that.
    """

    sender: Address
    targets: tuple[Address, ...]
    to: Mac | None = None


@dataclass(frozen=True, slots=True)
class Turned:
    """A role change, with its cause and its inputs in one sentence: for log, history, status, metrics."""

    group: GroupId
    old: Role
    new: Role
    reason: Reason
    detail: str


class ConditionKind(Enum):
    """Something an operator should know, true for a while."""

    RIVAL = "rival"
    CONFLICT = "conflict"
    HELD_BY_SILENT_PEER = "held_by_silent_peer"
    DUPLICATE_NODE = "duplicate_node"
    DEAF = "deaf"
    DAMPED = "damped"
    UNHEALTHY = "unhealthy"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class ConditionChanged:
    """A condition began or ended."""

    group: GroupId
    kind: ConditionKind
    on: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Repaired:
    """An address that somebody removed is being put back."""

    group: GroupId
    address: Address


@dataclass(frozen=True, slots=True)
class PhaseMeasured:
    """How long a phase of a takeover took: detect, probe, bind or proof."""

    group: GroupId
    phase: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StoreTerm:
    """Remember off the loop: our own term as the last active, and the next one reserved."""

    group: GroupId
    own: int
    reserved: int


@dataclass(frozen=True, slots=True)
class StorePeers:
    """The set of known peers has changed; remember it off the loop."""


@dataclass(frozen=True, slots=True)
class StoreIncarnation:
    """We have taken a greater incarnation; remember it off the loop."""

    incarnation: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """An advert was not acted on, for this reason (a label of adverts_rejected_total)."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class CommandDone:
    """An operator's command ended."""

    command: int
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """Everything that SIGTERM asks of this group is done."""

    group: GroupId


Action = (
    Bind
    | Renew
    | Release
    | SendAdvert
    | Probe
    | Announce
    | AskNeighbours
    | Turned
    | ConditionChanged
    | Repaired
    | PhaseMeasured
    | StoreTerm
    | StorePeers
    | StoreIncarnation
    | Rejected
    | CommandDone
    | Stopped
)
