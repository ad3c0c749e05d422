"""The daemon with a stopwatch on its parts: for which of them the processor works while nothing happens.

Executed in the place of the daemon: `python -m vipservice.lab.cost.stopwatch run --config FILE`. SIGUSR2 has
the totals written. The clock is that of the main thread (CLOCK_THREAD_CPUTIME_ID), so that what the kernel
does for a system call counts as much as our own instructions, and time asleep does not.
"""

import json
import runpy
import select
import signal
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from time import thread_time_ns
from types import FrameType, SimpleNamespace
from typing import Any

from vipservice.adapters.datagrams import DatagramSockets
from vipservice.core.segment import Segment
from vipservice.runtime import adverts, waiting
from vipservice.runtime.bind import Binder
from vipservice.runtime.link import Link
from vipservice.wire import advert

TOTALS = Path("/run/vipservice/totals.json")
"""Where they are written, as the daemon's host sees it: nanoseconds by part."""

WAITING = "falling asleep and waking: select(2)"
SENDING = "sending the advert: sendto(2)"
WRITING = "writing and signing the advert (`wire`)"
ELECTING = "the election: what is due, what is said (`core`)"
READING = "reading and checking what came in"
BINDING = "renewing the lease: netlink(7)"
ROUND = "the round: timer, watchdog, counters, asyncio (`runtime`)"
PARTS = (WAITING, SENDING, WRITING, ELECTING, READING, BINDING, ROUND)

METHODS: tuple[tuple[str, type, tuple[str, ...]], ...] = (
    (SENDING, DatagramSockets, ("send_multicast", "send_unicast")),
    (ELECTING, Segment, ("handle", "tick", "deadline", "stall_threshold")),
    (READING, Link, ("read",)),
    (BINDING, Binder, ("bind",)),
)


class Stopwatch:
    """Whose turn it is, and how long each has had, nanoseconds of the main thread."""

    def __init__(self, clock: Callable[[], int] = thread_time_ns) -> None:
        self.totals = dict.fromkeys(PARTS, 0)
        self._clock = clock
        self._part = ROUND
        self._since = clock()

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function; while it runs it is this part's turn, except for parts that it calls."""

        @wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            outer = self._turn(part)
            try:
                return function(*arguments, **options)
            finally:
                self._turn(outer)

        return call

    def _turn(self, part: str) -> str:
        """Charge whoever had it; returns who that was."""
        now = self._clock()
        self.totals[self._part] += now - self._since
        self._since = now
        outer, self._part = self._part, part
        return outer


def put_on(stopwatch: Stopwatch) -> None:
    """Time the functions at which a part begins."""
    for part, owner, names in METHODS:
        for name in names:
            setattr(owner, name, stopwatch.timed(part, getattr(owner, name)))
    for module, name in ((adverts, "seal"), (advert, "encode"), (advert, "fit_entries")):
        setattr(module, name, stopwatch.timed(WRITING, getattr(module, name)))
    # Not the function for everybody: whatever else waits by select(2) does so in other threads.
    setattr(waiting, "select", SimpleNamespace(select=stopwatch.timed(WAITING, select.select)))  # noqa: B010 - a module's import is no attribute to the type checker


def _run() -> None:
    stopwatch = Stopwatch()
    put_on(stopwatch)

    def write(_number: int, _frame: FrameType | None) -> None:
        draft = TOTALS.with_suffix(".new")
        draft.write_text(json.dumps(stopwatch.totals))
        draft.replace(TOTALS)

    signal.signal(signal.SIGUSR2, write)
    runpy.run_module("vipservice", run_name="__main__")


if __name__ == "__main__":
    _run()
