"""Brings the loop's snapshot to other threads: built between two rounds, so never half a change."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError

from vipservice.runtime.status import NodeStatus

FRESH_FOR = 0.05
"""Seconds that a snapshot serves everybody who asks: a crowd of readers costs the loop one build."""

ANSWER_WITHIN = 1.0


class SnapshotUnavailableError(Exception):
    """The loop did not answer in time; what is known of it is too old to show."""


class LoopSnapshot:
    """A callable for threads that are not the loop's.

    Args:
        submit: Runs a callable in the loop's thread soon (`loop.call_soon_threadsafe`); raises RuntimeError
            once the loop is closed.
        build: Makes the snapshot; called in the loop's thread only.
    """

    def __init__(
        self,
        submit: Callable[[Callable[[], None]], object],
        build: Callable[[], NodeStatus],
        *,
        fresh_for: float = FRESH_FOR,
        answer_within: float = ANSWER_WITHIN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._submit = submit
        self._build = build
        self._fresh_for = fresh_for
        self._answer_within = answer_within
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: Future[NodeStatus] = Future()
        self._asked_at = float("-inf")

    def __call__(self) -> NodeStatus:
        """The snapshot, at most `fresh_for` old.

        Raises:
            SnapshotUnavailableError: The loop is closed, or busy for longer than `answer_within`.
        """
        future = self._ask()
        try:
            return future.result(self._answer_within)
        except FutureTimeoutError as error:
            raise SnapshotUnavailableError(
                f"the loop has not answered for {self._answer_within:g} s"
            ) from error

    def _ask(self) -> "Future[NodeStatus]":
        """Join the question that is under way or was just answered, or put a new one."""
        with self._lock:
            now = self._clock()
            pending = not self._asked.done() and self._asked_at > float("-inf")
            if pending or now - self._asked_at < self._fresh_for:
                return self._asked
            asked: Future[NodeStatus] = Future()
            try:
                self._submit(lambda: self._answer(asked))
            except RuntimeError as error:
                raise SnapshotUnavailableError("the loop has ended") from error
            self._asked, self._asked_at = asked, now
            return asked

    def _answer(self, asked: "Future[NodeStatus]") -> None:
        try:
            asked.set_result(self._build())
        except Exception as error:
            # It belongs to whoever asked: a page that cannot be drawn must not end the loop.
            asked.set_exception(error)
