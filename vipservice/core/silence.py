"""How long the active has been silent, and what follows: the end of D, our turn, the lapse of the lease."""

from dataclasses import dataclass
from math import inf

from vipservice.core.contenders import Contender
from vipservice.core.group import Group
from vipservice.core.settings import ProbeMode
from vipservice.core.timing import LAPSE_TAIL, PROBE_AFTER, UNKNOWN_LEASE
from vipservice.core.values import Mac, NodeId


@dataclass(slots=True)
class Watched:
    """The active, as we know it first-hand or by first-hand hearsay."""

    node: NodeId
    name: str
    macs: tuple[Mac, ...]
    interval: float
    priority: int
    lease_end: float


def watched_at(contender: Contender, now: float) -> Watched:
    """What an active's own advert shows."""
    entry = contender.entry
    return Watched(
        contender.node,
        contender.name,
        contender.macs,
        entry.interval,
        entry.priority,
        now + entry.lease_left,
    )


class Silence:
    """The silence that a backup hears: whose it is, since when, and what the clock makes of it."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self.watched: Watched | None = None
        self.last_watched: Watched | None = None
        self.since = 0.0
        self.not_before = -inf
        """A successor of ours has until then."""
        self.resigned = False
        """The last active let go and named nobody."""

    def forget(self, not_before: float) -> None:
        """A fresh full wait, for nobody in particular."""
        self.watched, self.resigned, self.not_before = None, False, not_before

    def heard(self, watched: Watched) -> None:
        """This one is active."""
        self.watched = self.last_watched = watched

    def words(self, now: float) -> str:
        """Whom we have not heard, and for how long: the same sentence wherever it is told."""
        whom = f"no advert from {self.watched.name}" if self.watched else "no active heard"
        return f"{whom} for {now - self.since:.3f} s"

    # Durations

    def interval(self) -> float:
        """The active's advertised interval; at boot our own."""
        return self.watched.interval if self.watched else self._group.settings.timing.advert_interval

    def down(self) -> float:
        """D without a place in the queue."""
        return self._group.settings.timing.down_interval(self.interval(), 0)

    def position(self, now: float) -> int:
        """How many of the backups come before us."""
        return self._group.contenders.position(self._group.standing, now)

    def spacing(self, now: float) -> float:
        """From one probe to the next, at the pace that this moment asks for."""
        timing, interval = self._group.settings.timing, self.interval()
        looking = timing.probe_spacing(interval)
        pace = looking if now < self.since + self.down() else timing.slow_spacing(interval)
        return min(pace, timing.fast_spacing(interval)) if self.lapsing(now) else pace

    def lapsing(self, now: float) -> bool:
        """The holder's lease can be running out just now."""
        end = self.watched.lease_end if self.watched else inf
        return end <= now <= end + LAPSE_TAIL

    # Moments

    def looking_from(self) -> float:
        """When asking and probing begin."""
        return self.since + PROBE_AFTER * self.interval()

    def down_end(self, now: float) -> float:
        """When D is over for us, our place in the queue included."""
        down = self._group.settings.timing.down_interval(self.interval(), self.position(now))
        return max(self.since + down, self.not_before)

    def lapse_at(self, now: float) -> float:
        """When the holder's lease ends, if that is still to come: then the pace quickens."""
        return self.watched.lease_end if self.watched and self.watched.lease_end > now else inf

    def elapsed_at(self, now: float) -> float:
        """When, under `probe: off`, waiting has replaced looking."""
        if self._group.settings.probe is not ProbeMode.OFF:
            return inf
        if self.resigned:
            return self.since
        holder, binds = self.watched or self.last_watched, self._group.binds
        # No kernel has the address under bind: none, so none is late to free it or keeps it from before.
        unknown = UNKNOWN_LEASE if binds else self._group.settings.timing.lease
        lease_end = holder.lease_end if holder else self.since + unknown
        return lease_end + LAPSE_TAIL * binds + self.position(now) * self.interval()
