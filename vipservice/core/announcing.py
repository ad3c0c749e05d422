"""When to announce: the takeover schedule, and a refresh for switches that forget."""

from math import inf

from vipservice.core.timing import ANNOUNCE_AT

REANNOUNCE_GAP = 1.0
"""A rival's frames make us announce again at most this often, seconds."""


class Announcing:
    """The announcements of an active."""

    def __init__(self, refresh: float) -> None:
        self._refresh = refresh
        self._due: list[float] = []
        self._again_at = -inf

    def start(self, now: float) -> None:
        """The whole schedule, from now: on takeover, after a rival, on a change of carrier or MAC."""
        self._due = [now + offset for offset in ANNOUNCE_AT]

    def again(self, now: float) -> bool:
        """A rival's ARP was seen: announce once more, unless we just did."""
        if now - self._again_at < REANNOUNCE_GAP:
            return False
        self._again_at = now
        self._due = [now, *self._due]
        return True

    def stop(self) -> None:
        """We hold the address no more."""
        self._due = []

    @property
    def deadline(self) -> float:
        """When the next announcement is due."""
        return self._due[0] if self._due else inf

    @property
    def opening(self) -> bool:
        """Whether the takeover schedule still runs."""
        return len(self._due) > 1

    def due(self, now: float) -> bool:
        """Whether to announce now; the refresh follows the last of the schedule."""
        if now < self.deadline:
            return False
        self._due = [at for at in self._due if at > now]
        if not self._due and self._refresh:
            self._due = [now + self._refresh]
        return True
