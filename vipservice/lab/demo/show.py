"""The demo as it happens: a live picture in a terminal, plain lines for pipes and files."""

import contextlib
import io
import sys
import threading
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console, RenderableType
from rich.live import Live

from vipservice.lab.clock import now
from vipservice.lab.demo import screen
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.demo.news import News, Reporter
from vipservice.lab.demo.report import Report
from vipservice.lab.owners import EventsLostError

LOOK_PERIOD = 0.1
"""Seconds between two looks; the record they are taken from is exact."""

FRAMES_PER_SECOND = 8


class Show(Protocol):
    """Somebody who tells people."""

    def of(self, cluster: Cluster) -> contextlib.AbstractContextManager[None]:
        """Tell what happens to a cluster, for the length of a block."""

    def announce(self, doing: str) -> None:
        """Something is about to be done."""

    def end(self, report: Report) -> None:
        """The table."""


class Lines:
    """Plain lines, each thing once. Written without rich, which would hide that the reader has gone."""

    def __init__(self) -> None:
        self._gone: OSError | None = None

    @contextlib.contextmanager
    def of(self, cluster: Cluster) -> Iterator[None]:
        """Print what happens until the end of the block."""
        zero = now()
        with _looking(cluster, lambda _reporter, news: self._print(news, zero)):
            yield

    def announce(self, doing: str) -> None:
        """Print it."""
        if self._gone is not None:
            raise self._gone
        _write(f"\n> {doing}")

    def end(self, report: Report) -> None:
        """Print the table, wide enough whatever the pipe's width."""
        console = Console(file=io.StringIO(), width=screen.WIDTH, color_system=None)
        with console.capture() as captured:
            console.print(screen.final_table(report))
            console.print(screen.verdict(report))
        _write(f"\n{captured.get()}".rstrip())

    def _print(self, news: list[News], zero: float) -> None:
        try:
            for one in news:
                _write(screen.line(one, zero))
        except BrokenPipeError as error:
            self._gone = error  # this is not the thread to end the demo


class Screen:
    """A live picture."""

    def __init__(self) -> None:
        self._console = Console()
        self._doing = "making three hosts and a client"
        self._latest: deque[News] = deque(maxlen=screen.LAST_LINES)
        self._reporter: Reporter | None = None
        self._zero = now()

    @contextlib.contextmanager
    def of(self, cluster: Cluster) -> Iterator[None]:
        """Draw until the end of the block, then give the terminal back."""
        self._zero = now()
        with (
            _looking(cluster, self._take),
            Live(
                console=self._console,
                get_renderable=self._draw,
                refresh_per_second=FRAMES_PER_SECOND,
                transient=True,
            ),
        ):
            yield

    def announce(self, doing: str) -> None:
        """Show it at the next frame."""
        self._doing = doing

    def end(self, report: Report) -> None:
        """Draw the table."""
        self._console.print(screen.final_table(report, self._console.width))
        self._console.print(screen.verdict(report))

    def _take(self, reporter: Reporter, news: list[News]) -> None:
        self._reporter = reporter
        self._latest.extend(news)

    def _draw(self) -> RenderableType:
        nodes = {} if self._reporter is None else dict(self._reporter.nodes)
        return screen.now_view(nodes, self._doing, tuple(self._latest), self._zero)


class _Take(Protocol):
    def __call__(self, reporter: Reporter, news: list[News], /) -> None: ...


@contextlib.contextmanager
def _looking(cluster: Cluster, take: _Take) -> Iterator[None]:
    """Look at a cluster from a thread for the length of a block, and once more at its end."""
    reporter = Reporter(cluster)
    ended = threading.Event()

    def look() -> None:
        # A hole in the record ends the looking here; the report raises it where it counts.
        with contextlib.suppress(EventsLostError):
            while not ended.wait(LOOK_PERIOD):
                take(reporter, reporter.look())
            take(reporter, reporter.look())

    thread = threading.Thread(target=look, name="demo-looks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
