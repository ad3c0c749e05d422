"""Notices that the machine stood still under a test, whose verdict is then one on the machine.

A thread does nothing but sleep. Where it wakes later than a daemon's own threshold for having stood still, a
daemon may have missed its time without any fault of its own: a test that failed meanwhile is run again, up to
twice.
"""

import threading
import time
from dataclasses import dataclass, field

import pytest

from vipservice.core.timing import MIN_STALL

NAP = 0.005
"""Seconds between two looks."""


@dataclass
class Stillness:
    """How late the sleeper woke at most since `begin`, seconds."""

    worst: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        """Sleep and note the lateness, until `end`."""
        before = time.monotonic()
        while not self._over.wait(NAP):
            woke = time.monotonic()
            self.worst, before = max(self.worst, woke - before - NAP), woke

    def begin(self) -> None:
        """A test begins."""
        self.worst = 0.0

    def end(self) -> None:
        """Let the thread end."""
        self._over.set()

    @property
    def disturbed(self) -> bool:
        """Whether the machine stood still for longer than a daemon takes without saying so."""
        return self.worst > MIN_STALL


class RunAgain:
    """Runs a live test that failed while the machine stood still again, up to twice; the summary names it."""

    def __init__(self) -> None:
        self.stillness = Stillness()
        self._thread = threading.Thread(target=self.stillness.watch, daemon=True)

    def pytest_sessionstart(self) -> None:
        self._thread.start()

    def pytest_sessionfinish(self) -> None:
        self.stillness.end()
        self._thread.join()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        again = pytest.mark.flaky(reruns=2, condition=lambda: self.stillness.disturbed)
        for item in items:
            if item.get_closest_marker("live") is not None:
                item.add_marker(again)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        self.stillness.begin()
