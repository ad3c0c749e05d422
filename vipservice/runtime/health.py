"""Health of the service behind the address: tries become states, states one opinion for the election.

Pure. The worker counts tries (`Tally`), the daemon weighs states (`opinion`).
"""

from collections.abc import Iterable
from enum import Enum

from vipservice.core.frozen import dataclass
from vipservice.core.values import Health


class CheckState(Enum):
    """What a check says after rise and fall."""

    UNKNOWN = "unknown"
    PASSING = "passing"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Tried:
    """The result of one try."""

    good: bool | None
    """None where it could not be tried at all: that says nothing about the service."""
    detail: str
    """What was found, in words."""


class Tally:
    """Good and bad tries in a row of one check.

    The first good try passes at once, because nothing was wrong before it. `fall` bad ones are needed even at
    the start: an owner whose daemon was restarted must not lose the address to one lost packet.
    """

    def __init__(self, rise: int, fall: int) -> None:
        self.state = CheckState.UNKNOWN
        self._rise = rise
        self._fall = fall
        self._against = 0
        """Tries in a row that contradict the state."""

    def take(self, good: bool | None) -> bool:
        """Count a try; whether the state has changed."""
        if good is None:
            return False
        wanted = CheckState.PASSING if good else CheckState.FAILING
        if wanted is self.state:
            self._against = 0
            return False
        self._against += 1
        if self._against < self._needed(good):
            return False
        self.state, self._against = wanted, 0
        return True

    def _needed(self, good: bool) -> int:
        if not good:
            return self._fall
        return 1 if self.state is CheckState.UNKNOWN else self._rise


@dataclass(frozen=True, slots=True)
class CheckStatus:
    """One check of a group, now."""

    name: str
    kind: str
    weight: int | None
    """None for a must."""
    state: CheckState = CheckState.UNKNOWN
    since: float = 0.0
    """When it took that state, seconds on the clock."""
    detail: str = "not tried yet"
    """What the last try found."""
    seconds: float = 0.0
    """How long the last try took."""
    passed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Opinion:
    """What all checks of a group say together."""

    health: Health
    weight: int
    """Taken off the priority."""
    detail: str


def opinion(checks: Iterable[CheckStatus]) -> Opinion:
    """A failing must is bad, one without a result leaves it unknown; weights of failing others add up."""
    checks = tuple(checks)
    musts = [check for check in checks if check.weight is None]
    failing = [check for check in musts if check.state is CheckState.FAILING]
    weight = sum(check.weight or 0 for check in checks if check.state is CheckState.FAILING)
    if failing:
        return Opinion(Health.BAD, weight, "; ".join(f"{check.name}: {check.detail}" for check in failing))
    unknown = any(check.state is CheckState.UNKNOWN for check in musts)
    return Opinion(Health.UNKNOWN if unknown else Health.GOOD, weight, "")
