"""The last round trips of each target, for people to see at a glance; the metrics count them all."""

from collections import deque
from collections.abc import Iterable
from dataclasses import field

from vipservice.core.frozen import dataclass
from vipservice.core.values import Address, GroupId
from vipservice.runtime.pinger import LOST_AFTER, Target

KEPT = 60
"""Echoes of each target."""

MAX_TARGETS = 64
"""Of all groups together: peers bring their own addresses, and every one of them is in every snapshot."""

MISSED = 3
"""Intervals without an echo after which a target is none any more: our own address, a forgotten peer."""


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """What the last echoes to one target took."""

    kind: str
    """vip, peer, gateway or witness."""
    address: Address
    recent: tuple[float | None, ...]
    """Seconds, oldest first; None for a lost one."""


@dataclass(slots=True)
class _Kept:
    recent: deque[float | None] = field(default_factory=lambda: deque(maxlen=KEPT))
    last: float = 0.0


class RecentRoundTrips:
    """Takes every echo's fate and keeps the last ones."""

    def __init__(self) -> None:
        self._kept: dict[Target, _Kept] = {}

    def take(self, target: Target, rtt: float | None, now: float) -> None:
        """An echo came back after `rtt` seconds, or was lost (None)."""
        kept = self._kept.get(target)
        if kept is None:
            if len(self._kept) >= MAX_TARGETS:
                del self._kept[min(self._kept, key=lambda one: self._kept[one].last)]
            kept = self._kept[target] = _Kept()
        kept.recent.append(rtt)
        kept.last = now

    def of(self, group: GroupId, now: float, interval: float) -> Iterable[RoundTrips]:
        """The targets that the group pings each `interval` seconds, in the order in which they joined."""
        since = now - MISSED * interval - LOST_AFTER
        for target, kept in self._kept.items():
            if target.group == group and kept.last >= since:
                yield RoundTrips(target.kind, target.address, tuple(kept.recent))
