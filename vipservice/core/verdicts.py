"""What probing can say about the address. "Don't know" is an answer; the safe action differs for each."""

from vipservice.core.frozen import dataclass
from vipservice.core.values import Mac


@dataclass(frozen=True, slots=True)
class Silent:
    """Nobody answers, and we have proof that we would hear it. Void after `good_until`."""

    good_until: float


@dataclass(frozen=True, slots=True)
class HeldByPeer:
    """A known peer's kernel still answers: stay backup, keep looking."""

    mac: Mac


@dataclass(frozen=True, slots=True)
class Conflict:
    """A stranger answers: never bind, raise the alarm, keep looking."""

    mac: Mac


@dataclass(frozen=True, slots=True)
class Claimed:
    """Somebody else probes too; we yield until `until`."""

    mac: Mac
    until: float


@dataclass(frozen=True, slots=True)
class Unknown:
    """We could not look: do not bind."""

    reason: str


@dataclass(frozen=True, slots=True)
class Undecided:
    """Too few probes have gone unanswered so far."""


Verdict = Silent | HeldByPeer | Conflict | Claimed | Unknown | Undecided
