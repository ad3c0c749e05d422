"""Notices that the machine stood still under live tests, whose verdict is then one on the machine.

A thread does nothing but sleep. Where it wakes much too late, a daemon may have missed its time without any
fault of its own. A session in which every failure was such a one ends with `EXIT_STATUS`, and says so: who
began it can run those tests again (`scripts/test` does).
"""

import os
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field

import pytest

from vipservice.core.timing import MIN_STALL

NAP = 0.005
"""Seconds between two looks."""

CALM = 2.0
"""Seconds in a row without such a pause that tests which are run again wait for."""

PATIENCE = 120.0
"""Seconds to wait for that at most."""

EXIT_STATUS = os.EX_TEMPFAIL
"""Of a session whose failures all came while the machine stood still."""

PROPERTY = "stood_still"
"""What a report of a failure says then: for how many seconds."""


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
        """Forget what was."""
        self.worst = 0.0

    def end(self) -> None:
        """Let the thread end."""
        self._over.set()


@dataclass(eq=False)  # pytest keeps its plugins in sets
class Excuses:
    """A pytest plugin: which failures came while the machine stood still, and whether all did.

    Counted since the first test of the same folder, for tests of a folder share what they set up.
    """

    allowed: float = MIN_STALL / 2
    """Seconds the machine may stand still without being an excuse: half of what a daemon takes in silence."""
    _stillness: Stillness = field(default_factory=Stillness)
    _folder: str = ""
    _excused: dict[str, float] = field(default_factory=dict)
    _inexcusable: bool = False

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._stillness.watch, daemon=True)

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._thread.start()
        if session.config.getoption("lf", default=False):
            self._wait_for_calm()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        self._stillness.end()
        self._thread.join()
        if exitstatus == pytest.ExitCode.TESTS_FAILED and self._excused and not self._inexcusable:
            session.exitstatus = EXIT_STATUS

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        folder = nodeid.partition("::")[0].rpartition("/")[0]
        if folder != self._folder:
            self._folder = folder
            self._stillness.begin()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        # In the process that ran the test; the report takes it to the one that counts.
        report = yield
        if report.failed and self._stillness.worst > self.allowed:
            report.user_properties = [*report.user_properties, (PROPERTY, self._stillness.worst)]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            still = dict(report.user_properties).get(PROPERTY)
            if isinstance(still, float):
                self._excused[report.nodeid] = still
            else:
                self._inexcusable = True

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._excused:
            terminalreporter.section("failed while the machine stood still")
            for nodeid, still in self._excused.items():
                terminalreporter.write_line(
                    f"{nodeid}: for {1000 * still:.0f} ms, of {1000 * self.allowed:.0f}"
                )

    def _wait_for_calm(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self._stillness.begin()
            time.sleep(CALM)
            if self._stillness.worst <= self.allowed:
                break
        self._stillness.begin()
