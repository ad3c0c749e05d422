"""The three timers of a group: presets, defaults, and which combinations make no sense.

After a stall the active renews only when a whole down interval has passed without a rival, and it must be
able to do that before its lease ends. So misses x advert_interval has to fit into the lease less one renewal
period (a sixth of it). Where no lease is written, the default grows to the shortest that fits.
"""

from math import ceil

from vipservice.core.frozen import dataclass
from vipservice.core.timing import Timing

DEFAULT_MISSES = 3
DEFAULT_LEASE = 3
MAX_LEASE = 60
SHORTEST_INTERVAL = 0.002
LONGEST_INTERVAL = 60.0

RENEWALS = 6
"""Renewals in a lease; Timing.renew_period divides by the same."""

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Preset:
    """A pace with the reason to choose it."""

    advert_interval: float
    reason: str


PRESETS = {
    "relaxed": Preset(
        1.0, "for links that lose or delay packets for long, and for hosts that are often paused"
    ),
    "standard": Preset(0.1, "sub-second failover on any network and hypervisor that is not badly overloaded"),
    "fast": Preset(0.01, "for bare metal: a hypervisor that steals 8 ms is a host that stood still"),
    "extreme": Preset(0.002, "for bare metal with idle processors and a switch that does nothing else"),
}
DEFAULT_PRESET = "standard"


def shortest_lease(advert_interval: float, misses: int) -> int:
    """The least whole number of seconds into which the down interval fits."""
    return ceil(misses * advert_interval * RENEWALS / (RENEWALS - 1) - ROUNDING)


def default_lease(advert_interval: float, misses: int) -> int:
    """The lease of a group that writes none."""
    return max(DEFAULT_LEASE, shortest_lease(advert_interval, misses))


def fits(timing: Timing) -> bool:
    """Whether the lease leaves room for the down interval and one renewal."""
    return shortest_lease(timing.advert_interval, timing.misses) <= timing.lease <= MAX_LEASE
