"""Proof of life for the service manager: given by a loop that has gone round, never by a timer of its own."""

from math import inf

from vipservice.runtime.ports import ServiceManager

SHARE = 4
"""A sign of life each quarter of the interval: three may be late before systemd loses patience."""


class Watchdog:
    """Feeds the watchdog at the end of a round."""

    def __init__(self, manager: ServiceManager) -> None:
        self._manager = manager
        interval = manager.watchdog_interval
        self._period = interval / SHARE if interval else inf
        self._due = 0.0
        self.notifications = 0

    def deadline(self) -> float:
        """The loop must have gone round by then, also when nothing else is due."""
        return self._due if self._period < inf else inf

    def round_done(self, now: float) -> bool:
        """A whole round is over: read, decided, carried out. True when a sign was given."""
        if now < self.deadline():
            return False
        self._due = now + self._period
        self._manager.alive()
        return True
