"""How often is too often: repairs of a removed address, and voluntary moves."""

from collections import deque
from math import inf

REPAIRS_A_MINUTE = 5
REPAIR_RETRY = 1.0
REPAIR_FAULT = 60.0
"""Seconds in fault after a handover because somebody keeps removing the address."""

MOVES_A_MINUTE = 3
CALM = 60.0
WINDOW = 60.0


class Repairs:
    """Five repairs in a minute are a repair; the sixth is somebody else's will."""

    def __init__(self) -> None:
        self._at: deque[float] = deque(maxlen=REPAIRS_A_MINUTE)

    def exhausted(self, now: float) -> bool:
        """Whether the budget of this minute is spent."""
        return len(self._at) == REPAIRS_A_MINUTE and now - self._at[0] < WINDOW

    def spend(self, now: float) -> None:
        """A repair is being made."""
        self._at.append(now)


class Damping:
    """More than three voluntary moves in 60 s hold back further ones until 60 s of calm."""

    def __init__(self) -> None:
        self._at: deque[float] = deque(maxlen=MOVES_A_MINUTE + 1)
        self.until = -inf

    def moved(self, now: float) -> None:
        """The address moved by a handover, given, taken or seen: whoever is asked next must know."""
        self._at.append(now)
        if len(self._at) > MOVES_A_MINUTE and now - self._at[0] < WINDOW:
            self.until = now + CALM

    def recent(self, now: float) -> int:
        """How many there were in the last minute, as far as they count."""
        return sum(now - at < WINDOW for at in self._at)

    def holds_back(self, now: float) -> bool:
        """Whether voluntary moves must wait."""
        return now < self.until
