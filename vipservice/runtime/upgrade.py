"""Upgrade in place: this very process executes the new code, and the lease bridges the time that takes.

Nothing is torn down before: `execve` closes the sockets, the kernel goes on answering for the address, and
the new code adopts it as a restarted daemon would. So an `execve` that fails leaves a daemon that goes
on, and there is no moment in which neither of the two is there. See docs/decisions/0016-upgrade-by-exec.md.
"""

import asyncio
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol

from vipservice import __version__
from vipservice.core.frozen import dataclass as frozen
from vipservice.core.timing import ADOPT_MIN_LEASE
from vipservice.runtime.history import History
from vipservice.runtime.node import Node
from vipservice.runtime.ports import ServiceManager

log = logging.getLogger("vipservice")

HELD_BACK = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
"""Signals that wait while no code is there to handle them: the mask outlives execve(2), handlers do not."""

CALM_WITHIN = 5.0
"""Seconds that a turn that is under way has to end, before the upgrade is refused."""

LOOK_AGAIN = 0.02


class UpgradeError(Exception):
    """The code stays as it is; the message is a sentence for the operator."""


@frozen(frozen=True, slots=True)
class Rehearsal:
    """What the new code said and did when it was tried beside the running one."""

    version: str
    state_directory: Path
    control_socket: Path
    seconds: float
    """From its execution to its end: more than its start will take."""


@frozen(frozen=True, slots=True)
class Predecessor:
    """The code that ran in this process before."""

    version: str
    left_at: float
    """When its loop went round for the last time, on the loop's clock."""


class Code(Protocol):
    """What can be done with the installed code."""

    async def rehearse(self) -> Rehearsal:
        """Let it do all that a start does short of touching the machine. Raises UpgradeError."""

    def execute(self, predecessor: Predecessor) -> NoReturn:
        """Become it. Raises OSError where the kernel refuses; then nothing has changed."""


@dataclass(slots=True)
class Upgrade:
    """One upgrade of the running daemon.

    Args:
        settle: Puts onto the disk what is queued for it, and says what could not be; it blocks.
    """

    node: Node
    manager: ServiceManager
    code: Code
    settle: Callable[[], str | None]
    clock: Callable[[], float]
    history: History

    async def run(self) -> NoReturn:
        """Become the new code.

        Raises:
            UpgradeError: It is refused, and everything goes on.
        """
        rehearsal = await self.code.rehearse()
        self._check_places(rehearsal)
        await self._wait_for_calm(rehearsal.seconds)
        leaving = f"upgrading in place from vipservice {__version__} to {rehearsal.version}"
        log.info(leaving)
        self.history.stopped(leaving)
        try:
            if problem := await asyncio.to_thread(self.settle):
                raise UpgradeError(f"the state cannot be kept: {problem}")
            await self._wait_for_calm(rehearsal.seconds)
            self._execute(rehearsal)
        except UpgradeError as error:
            self.history.goes_on(str(error))
            raise

    def _execute(self, rehearsal: Rehearsal) -> NoReturn:
        self.manager.reloading()
        self.manager.status(f"upgrading to {rehearsal.version}")
        self.manager.alive()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
        try:
            self.code.execute(Predecessor(__version__, self.clock()))
        except OSError as error:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            self.manager.ready()
            raise UpgradeError(f"the new code cannot be executed: {error}") from error

    def _check_places(self, rehearsal: Rehearsal) -> None:
        """Elsewhere it would be another node, or nobody would find it."""
        here = self.node.settings.node
        for key in ("state_directory", "control_socket"):
            if getattr(here, key) != getattr(rehearsal, key):
                raise UpgradeError(f"node.{key} has changed in the file: that needs a restart")

    async def _wait_for_calm(self, seconds: float) -> None:
        """Leave at a moment when nothing turns, and each lease we hold outlives the start of the new code."""
        until = self.clock() + CALM_WITHIN
        while problem := self.node.in_the_way(seconds + ADOPT_MIN_LEASE):
            if self.clock() >= until:
                raise UpgradeError(problem)
            await asyncio.sleep(LOOK_AGAIN)


def take_signals() -> None:
    """Handlers are there: what was held back while the code changed may come now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
