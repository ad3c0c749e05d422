"""What a group shows of itself: the same snapshot for `status`, systemd, the page and the metrics."""

from vipservice.core.actions import ConditionKind
from vipservice.core.frozen import dataclass
from vipservice.core.roles import Reason, Role
from vipservice.core.values import Address, GroupId, NodeId


@dataclass(frozen=True, slots=True)
class NodeView:
    """Another node of the group, as it was heard last."""

    node: NodeId
    name: str
    address: Address
    role: Role
    priority: int
    term: int
    heard_ago: float
    """Seconds since its last advert, first-hand."""
    hears_us_ago: float
    """Seconds since it last heard us, by its own word; inf for never."""
    living: bool
    fit: bool
    unfit_because: str | None = None
    """Why it could not take over now, in words; None for a node that could."""


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """One group on this node, now."""

    id: GroupId
    name: str
    addresses: tuple[Address, ...]
    role: Role
    since: float
    """Seconds on the clock."""
    reason: Reason
    detail: str
    priority: int
    term: int
    lease_left: float
    owner: str | None
    """Name of the node that holds the address, as far as we know; None for nobody."""
    verdict: str
    nodes: tuple[NodeView, ...]
    conditions: dict[ConditionKind, str]
    owners_observed: int
    """Own role, actives heard, and a holder who answers without adverts."""
    maintenance: bool
    healthy: bool
    failback_in: float | None = None
    """Seconds until this better node asks the active for the address; None where it won't."""
    recent_moves: int = 0
    """Voluntary moves within the last minute, seen here."""
    held_back_for: float = 0.0
    """Seconds for which further voluntary moves must wait; 0 for none."""
