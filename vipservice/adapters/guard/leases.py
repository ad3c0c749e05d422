"""What the guard guards: until when each address may stay, and when to remove it. Pure."""

from dataclasses import dataclass
from math import inf

from vipservice.adapters.guard.messages import Held

REMOVALS = 3
"""A lapsed address is removed so many times: one may fail, or a command of the dead daemon may still run."""

AGAIN = 1.0
"""Seconds between them."""


@dataclass(slots=True)
class _Lease:
    until: float
    due: float
    left: int = REMOVALS


class Leases:
    """Addresses and their leases; `now` is passed in."""

    def __init__(self) -> None:
        self._leases: dict[Held, _Lease] = {}

    def keep(self, held: Held, until: float) -> bool:
        """Let it be until then; True where it was not known."""
        new = held not in self._leases
        self._leases[held] = _Lease(until, until)
        return new

    def drop(self, held: Held) -> bool:
        """Forget it; True where it was known."""
        return self._leases.pop(held, None) is not None

    def abandoned(self, now: float) -> None:
        """The daemon is gone: what lapsed in its life is removed again, it may have bound it since."""
        for lease in self._leases.values():
            if lease.due == inf:
                lease.due, lease.left = now, REMOVALS

    def lapsed(self, now: float) -> list[Held]:
        """What is to be removed now; each is named `REMOVALS` times."""
        due = [(held, lease) for held, lease in self._leases.items() if lease.due <= now]
        for _, lease in due:
            lease.left -= 1
            lease.due = now + AGAIN if lease.left else inf
        return [held for held, _ in due]

    def forget_removed(self) -> bool:
        """Nobody is left who could bind them again; True where there were any."""
        removed = [held for held, lease in self._leases.items() if lease.due == inf]
        for held in removed:
            del self._leases[held]
        return bool(removed)

    def deadline(self) -> float:
        """When the next removal is due."""
        return min((lease.due for lease in self._leases.values()), default=inf)

    def all(self) -> dict[Held, float]:
        """Every address, and until when it may stay; those that were removed are in the past."""
        return {held: lease.until for held, lease in self._leases.items()}
