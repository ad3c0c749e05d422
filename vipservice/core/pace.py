"""The advertised interval: what we say must be true before the others count on it."""

LONGER_ANNOUNCED = 3
"""A longer interval is advertised this often at the old pace before it is used."""


class Pace:
    """The pace at which the active advertises, through reloads that change it."""

    def __init__(self, interval: float) -> None:
        self.advertised = interval
        """What the adverts say."""
        self.kept = interval
        """What the timer does; not longer than what has been advertised three times."""
        self._left = 0

    def change(self, interval: float) -> None:
        """A reload: a shorter interval holds at once, a longer one is announced first."""
        self.advertised = interval
        if interval > self.kept:
            self._left = LONGER_ANNOUNCED
        else:
            self.kept, self._left = interval, 0

    def sent(self) -> None:
        """One periodic advert went out."""
        if self._left:
            self._left -= 1
            if not self._left:
                self.kept = self.advertised
