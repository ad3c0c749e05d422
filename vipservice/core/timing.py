"""Every duration of the election, derived in one place from the operator's three: interval, misses, lease."""

from vipservice.core.frozen import dataclass

PROBE_AFTER = 1.25
"""Probing starts this many intervals after the active's last advert."""

PROBES_FOR_SILENCE = 6
FAST_PROBES_FOR_SILENCE = 3
MIN_PROBE_WAIT = 0.001
"""The shortest time an answer is waited for, seconds."""

FAST_SPACING = 0.004
"""Pace of the probes while a lease can be lapsing: three of them decide within 16 ms of the lapse."""

LAPSE_TAIL = 2.5
"""The kernel frees a lapsed address 0 to 2 s late, never early; 2.1 s was the worst of 920 expiries."""

LIVING_INTERVALS = 3
"""A node is living while it was heard within this many of its own intervals."""

MIN_BACKUP_INTERVAL = 1.0
MIN_STALL = 0.05
HANDOVER_MIN_HOLD = 0.05
HANDOVER_READY_WAIT = 0.05
HANDOVER_STOP_BUDGET = 1.0
HANDOVER_STOP_HOLD = 0.8
RESIGN_REPEATS = (0.002, 0.005, 0.010)
ADOPT_MIN_LEASE = 0.5
ANNOUNCE_AT = (0.0, 0.05, 0.2, 0.5, 1.1, 2.2, 5.0)
"""Seconds after a takeover; 1.1 s apart at the end because Linux neighbours ignore a change within 1 s."""

SELF_PROBE_PERIOD = 1.0
WITNESS_PERIOD = 1.0
ANSWERED_WINDOW = 60.0
UNKNOWN_LEASE = 60.0
"""What `probe: off` waits for where the holder's lease was never heard."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The operator's three values and what follows from them. All in seconds."""

    advert_interval: float
    misses: int
    lease: int

    @property
    def backup_interval(self) -> float:
        """How often a backup advertises."""
        return max(self.advert_interval, MIN_BACKUP_INTERVAL)

    @property
    def renew_period(self) -> float:
        """How often the active renews the lease."""
        return self.lease / 6

    def down_interval(self, active_interval: float, position: int) -> float:
        """D: how long the active may be silent before the node at `position` takes over."""
        return (self.misses + position) * active_interval

    def probe_spacing(self, active_interval: float) -> float:
        """Spread the probes from 1.25 intervals on so that the last is waited for when D ends."""
        span = (self.misses - PROBE_AFTER) * active_interval
        return min(span / PROBES_FOR_SILENCE, (span - MIN_PROBE_WAIT) / (PROBES_FOR_SILENCE - 1))

    def slow_spacing(self, active_interval: float) -> float:
        """The pace of probes while a peer's kernel answers: D/6."""
        return self.down_interval(active_interval, 0) / PROBES_FOR_SILENCE

    def fast_spacing(self, active_interval: float) -> float:
        """The pace while the holder's lease can be lapsing."""
        return max(MIN_PROBE_WAIT, min(FAST_SPACING, self.slow_spacing(active_interval)))
