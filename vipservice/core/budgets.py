"""How often is too often: repairs of a removed address, and voluntary moves."""

from collections import deque
from collections.abc import Iterable
from math import inf

from vipservice.core.values import Address

REPAIRS_A_MINUTE = 5
REPAIR_RETRY = 1.0
REPAIR_FAULT = 60.0
"""Seconds in fault after a handover because somebody keeps removing the address."""

REPAIR_SETTLE = 0.025
"""Seconds in which removals of an address are one deed: `ip address flush` goes on until none is left."""

MOVES_A_MINUTE = 3
CALM = 60.0
WINDOW = 60.0


class Repairs:
    """Five repairs in a minute are a repair; the sixth is somebody else's will."""

    def __init__(self) -> None:
        self._at: deque[float] = deque(maxlen=REPAIRS_A_MINUTE)
        self._last: dict[Address, float] = {}

    def due(self, address: Address, now: float) -> float:
        """When it may be put back: at once, or when whoever removes it again has had time to end."""
        return max(now, self._last.get(address, -inf) + REPAIR_SETTLE)

    def exhausted(self, now: float) -> bool:
        """Whether the budget of this minute is spent."""
        return len(self._at) == REPAIRS_A_MINUTE and now - self._at[0] < WINDOW

    def spend(self, addresses: Iterable[Address], now: float) -> None:
        """These are being put back."""
        self._at.append(now)
        self._last.update(dict.fromkeys(addresses, now))


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
