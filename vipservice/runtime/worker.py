"""The port to the process beside the daemon, where checks are asked and hooks are run."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

Message = Mapping[str, Any]
"""One line of JSON."""


class Worker(Protocol):
    """The process, started again whenever it ends by itself."""

    @property
    def problem(self) -> str | None:
        """Why it does not run, in words; None while it does, or where nobody wants it."""

    def begin(self, started: Callable[[], None], heard: Callable[[Message], None], *, echoes: bool) -> None:
        """Start it; `started` is called at each start and says what there is to do. Again is fine.

        Args:
            started: Called when it can be spoken to.
            heard: Called with what it says.
            echoes: Leave it a socket for ICMP; where it has none, it is started anew.
        """

    def send(self, message: Message) -> None:
        """Say something, or nothing while it is not there. Never waits."""

    async def close(self, within: float) -> None:
        """Let it run the hooks that wait, for so many seconds at most, and end it."""


class NoWorker:
    """For who has nothing to ask or run."""

    problem: str | None = None

    def begin(self, started: Callable[[], None], heard: Callable[[Message], None], *, echoes: bool) -> None:
        """Nothing to start."""

    def send(self, message: Message) -> None:
        """Nobody to tell."""

    async def close(self, within: float) -> None:
        """Nothing to end."""
