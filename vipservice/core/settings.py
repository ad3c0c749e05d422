"""What the election needs to know of a group's configuration: frozen, complete, already checked.

`config` fills these in from the operator's file and from what was detected; nothing in here has a default
that could hide a forgotten value.
"""

from enum import Enum

from vipservice.core.frozen import dataclass
from vipservice.core.timing import Timing
from vipservice.core.values import Address, GroupId


class ProbeMode(Enum):
    """How the verdict falls."""

    ON = "on"
    OFF = "off"
    """For networks whose gateway answers ARP for everything: waiting out the lease replaces looking."""


class Isolation(Enum):
    """What a deaf active does."""

    RELEASE = "release"
    HOLD = "hold"


class WhenAllFail(Enum):
    """What an active does whose service is bad while nobody healthy could take over."""

    KEEP = "keep"
    RELEASE = "release"
    """The one chosen exception to "never without an owner"."""


class BindMode(Enum):
    """Who moves the address."""

    KERNEL = "kernel"
    """This daemon, by putting it on the interface."""
    NONE = "none"
    """A hook, by telling a cloud or a load balancer; nothing is bound, announced or probed here."""


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """One group as the election sees it."""

    id: GroupId
    name: str
    addresses: tuple[Address, ...]
    priority: int
    timing: Timing
    failback: float | None
    """Seconds a better node waits before it asks for the address; None is never, 0 is immediate."""
    probe: ProbeMode
    arp_suppression: bool
    on_isolation: Isolation
    isolation_wait: float
    """Seconds of deafness beyond the lease before a release (`on_isolation: 30s`); 0 for plain release."""
    announce_refresh: float
    """Seconds between announcements at rest; 0 for never."""
    when_all_fail: WhenAllFail
    bind: BindMode
