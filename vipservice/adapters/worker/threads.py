"""Blocking calls off the worker's loop: names are resolved and /proc is read in threads that nobody joins."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class StillBusyError(Exception):
    """The call before has not come back yet."""


class OneThread(Generic[T]):
    """One call at a time: a resolver that never answers costs one thread, however often it is asked."""

    def __init__(self) -> None:
        self._running: threading.Thread | None = None

    async def call(self, function: Callable[[], T]) -> T:
        """Run `function` in a thread and wait for it; cancelled, it runs on and is heard no more.

        Raises:
            StillBusyError: The call before is running still.
        """
        if self._running is not None and self._running.is_alive():
            raise StillBusyError
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                result = function()
            except Exception as error:  # it belongs to whoever asked
                tell(loop, answer, answer.set_exception, error)
            else:
                tell(loop, answer, answer.set_result, result)

        self._running = threading.Thread(target=work, daemon=True)
        self._running.start()
        return await answer


def tell(
    loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[Any]", put: Callable[[Any], None], what: object
) -> None:
    """Put something into a future of that loop, from any thread; nothing where nobody waits any more."""

    def unless_gone() -> None:
        if not answer.done():
            put(what)

    try:
        loop.call_soon_threadsafe(unless_gone)
    except RuntimeError:
        return  # the loop has ended
