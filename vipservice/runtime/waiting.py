"""Where the daemon waits: inside asyncio's own wait, so that a round costs asyncio next to nothing.

A reader's callback or a timer of asyncio passes a dozen Python calls before a round begins and as many to arm
the next one; in a process that has slept an interval each of them is fetched from memory anew. asyncio calls
its selector when it has nothing to do; this selector waits for asyncio's descriptors and for ours together,
goes the round if it was for us, and tells asyncio of what is asyncio's: the control socket, signals, threads.
See docs/decisions/0003-one-round.md.
"""

import asyncio
import select
import selectors
from collections.abc import Callable, Iterable
from math import inf


class Waiting(selectors.DefaultSelector):
    """The selector of the loop in which the daemon runs.

    select(2) waits for two descriptors (epoll or kqueue, asyncio's and ours) because its time-out has
    microseconds, where that of epoll_wait(2) has whole milliseconds, rounded up.

    Args:
        clock: What `due` is read from, seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self.due = inf
        """When the next round must begin at the latest."""
        self._clock = clock
        self._ours = selectors.DefaultSelector()
        self._both = (self.fileno(), self._ours.fileno())
        self._round: Callable[[bool], object] = bool

    def go(self, go_round: Callable[[bool], object]) -> None:
        """From now on go a round when one is due or a socket of ours is ready; the latter is its argument."""
        self._round = go_round

    def stop(self) -> None:
        """Go no more rounds, and wait for nothing but what asyncio waits for."""
        self._round, self.due = bool, inf
        self.watch(())

    def watch(self, filenos: Iterable[int]) -> None:
        """Wait for these, and for no others of ours any more."""
        for known in list(self._ours.get_map()):  # all of them: a new socket may have a closed one's number
            self._ours.unregister(known)
        for fileno in filenos:
            self._ours.register(fileno, selectors.EVENT_READ)

    def ready(self) -> frozenset[int]:
        """Which of ours can be read at this moment."""
        return frozenset([key.fd for key, _ in self._ours.select(0)])

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait, go the round that is due, and return what is ready of asyncio's."""
        left = self.due - self._clock()
        wait = left if timeout is None else min(left, timeout)
        readable, _, _ = select.select(self._both, (), (), max(0.0, wait) if wait < inf else None)
        ours = self._both[1] in readable
        if ours or self._clock() >= self.due:
            self._go_round(ours)
        return super().select(0) if self._both[0] in readable else []

    def close(self) -> None:
        """Let both descriptors go."""
        self._ours.close()
        super().close()

    def _go_round(self, ours: bool) -> None:
        """Whatever a round does wrong, asyncio goes on: who is not fed any more is restarted."""
        try:
            self._round(ours)
        except Exception as error:
            loop = asyncio.get_running_loop()
            loop.call_exception_handler({"message": "a round failed", "exception": error})
