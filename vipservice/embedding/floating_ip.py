"""`FloatingIP`: what an application holds while it takes part."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vipservice.embedding.asking import HANDOVER_TIMEOUT, Answer, ask
from vipservice.embedding.child import Child, try_out
from vipservice.embedding.errors import DaemonGoneError, EmbeddingError, SettingsError
from vipservice.embedding.state import UNKNOWN, State, gone, read_state
from vipservice.embedding.written import CALLED, Settings, Written

log = logging.getLogger("vipservice")

BEGIN_WITHIN = 15.0
LOOK_AGAIN = 1.0
"""Seconds between two looks when nothing is said: who owns the address elsewhere is seen so late at most."""

LOOK_SOON = 0.02
"""The same while a daemon starts, or is about to bind."""

RESTART_AFTER = 0.1
"""Seconds from the end of a daemon to its next life, as in the unit file: within the lease it adopts."""

LONGEST_REASON = 128

MOST_ENDS, ENDS_WITHIN = 5, 10.0
"""So many ends in so many seconds are enough to give up."""


class FloatingIP:
    """Takes part in the election for a floating address, from `async with` to its end.

    Args:
        settings: The path of a configuration file, or a mapping that says what such a file would.
        group: Name or id of the group to follow, where the settings have several.
    """

    def __init__(self, settings: Settings, *, group: str | int | None = None) -> None:
        self._settings = settings
        self._group = group
        self._control = Path()
        self._state = UNKNOWN
        self._id = 0
        self._lease = 0.0
        self._answered = 0.0
        self._silences = 0
        self._changed = asyncio.Event()
        self._heard = False
        self._broken: EmbeddingError | None = None
        self._health: dict[str, object] = {}
        """What the application said of itself, as each life of the daemon is told it."""
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start the daemon; it takes part when this returns.

        Raises:
            SettingsError: The settings cannot be used.
            RightsError: This process may not bind addresses.
            DaemonGoneError: The daemon does not start.
        """
        async with contextlib.AsyncExitStack() as stack:
            written = stack.enter_context(Written(self._settings))
            self._control = await try_out(written)
            stack.push_async_callback(_cancel, asyncio.create_task(self._supervise(written)))
            try:
                async with asyncio.timeout(BEGIN_WITHIN):
                    await self._until(lambda: self._heard)
            except TimeoutError:
                raise DaemonGoneError(f"the daemon has said nothing for {BEGIN_WITHIN:g} s") from None
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hand the address over where we have it, and end the daemon."""
        try:
            await self._stack.aclose()
        finally:
            self._publish(gone(self._state))

    # What is so

    @property
    def state(self) -> State:
        """What the daemon said last."""
        return self._state

    @property
    def role(self) -> str:
        """`active`, `backup`, ..."""
        return self._state.role

    @property
    def reason(self) -> str:
        """Why, as a sentence."""
        return self._state.detail

    @property
    def owner(self) -> str | None:
        """Name of the node that has the address, as far as known here."""
        return self._state.owner

    async def status(self) -> Answer:
        """All that `vipservice status --json` says, asked now."""
        return await ask(self._control, {"command": "status"})

    # Waiting

    async def active(self) -> State:
        """Wait until the address is here.

        Raises:
            DaemonGoneError: The daemon does not stay: it will never be.
        """
        return await self._until(lambda: self._state.active)

    async def inactive(self) -> State:
        """Wait until the address is not here.

        Raises:
            DaemonGoneError: The daemon does not stay; the address goes with its lease.
        """
        return await self._until(lambda: not self._state.active)

    async def states(self) -> AsyncIterator[State]:
        """The state now and at each change; to who is slow, only the latest."""
        told: State | None = None
        while True:
            seen = told
            told = await self._until(lambda: self._state != seen)  # noqa: B023 - awaited before the next
            yield told

    # Doing

    async def handover(self, to: str | None = None, *, force: bool = False) -> str:
        """Move the address to another node (None: the best); what happened, as a sentence.

        Raises:
            RefusedError: It stays here, and why.
        """
        asked: dict[str, object] = {"command": "handover", "group": self._id}
        asked |= {"to": to} if to is not None else {}
        asked |= {"force": True} if force else {}
        return str((await ask(self._control, asked, HANDOVER_TIMEOUT))["detail"])

    async def unhealthy(self, reason: str) -> None:
        """Say that this application cannot serve now: the address goes to a healthy node, where there is one.

        Args:
            reason: Shown wherever the daemon explains itself; 128 characters of it.
        """
        await self._declare(False, reason)

    async def healthy(self) -> None:
        """Say that it can serve again. Who says nothing is healthy."""
        await self._declare(True, "")

    # Inside

    async def _declare(self, healthy: bool, reason: str) -> None:
        if self._broken is not None:
            raise self._broken
        self._health = {"command": "health", "healthy": healthy, "detail": reason[:LONGEST_REASON]}
        with contextlib.suppress(DaemonGoneError):  # its next life is told
            await ask(self._control, self._declaration())

    def _declaration(self) -> dict[str, object]:
        said = {name: value for name, value in self._health.items() if value != ""}
        return {**said, "group": self._id}

    async def _until(self, holds: Callable[[], bool]) -> State:
        while not holds():
            if self._broken is not None:
                raise self._broken
            await self._changed.wait()
        return self._state

    def _publish(self, state: State) -> None:
        if state != self._state:
            self._state = state
            self._wake()

    def _wake(self) -> None:
        """Let everybody who waits look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _supervise(self, written: Written) -> None:
        """One life of the daemon after the other."""
        try:
            ends: deque[float] = deque(maxlen=MOST_ENDS)
            while len(ends) < MOST_ENDS or ends[-1] - ends[0] > ENDS_WITHIN:
                status = await self._live(await Child.start(written))
                ends.append(time.monotonic())
                log.error("the daemon of the floating address ended with %d; it is started again", status)
                await asyncio.sleep(RESTART_AFTER)
            raise DaemonGoneError(f"the daemon ended {MOST_ENDS} times in {ENDS_WITHIN:g} s; see its log")
        except EmbeddingError as error:
            self._broken = error
        except Exception as error:  # whoever waits must not wait for ever
            self._broken = DaemonGoneError(f"following the daemon failed: {error!r}")
            log.exception("following the daemon of the floating address failed")
        self._state = gone(self._state)
        self._wake()

    async def _live(self, child: Child) -> int:
        """Follow one life to its end; the exit status."""
        try:
            await self._follow(child)
            return await child.ended()
        finally:
            await child.close()

    async def _follow(self, child: Child) -> None:
        """Ask whenever there may be something new."""
        soon = untold = True
        while await child.look(LOOK_SOON if soon else LOOK_AGAIN):
            try:
                if untold and self._health:
                    await ask(self._control, self._declaration(), LOOK_AGAIN)
                status = await ask(self._control, {"command": "status"}, LOOK_AGAIN)
                untold = False
            except DaemonGoneError:
                soon = True
                self._unanswered()
                continue
            if status["pid"] != child.pid:
                raise DaemonGoneError(f"another daemon has the control socket {self._control}")
            if (group := self._pick(status)) is not None:
                self._take(group)
                soon = group["role"] == "active" and not group["serving"]

    def _take(self, group: dict[str, Any]) -> None:
        self._answered, self._silences = time.monotonic(), 0
        self._id, self._lease = group["id"], group["lease"]
        if not self._heard:
            self._heard = True
            self._wake()
        self._publish(read_state(group))

    def _unanswered(self) -> None:
        """A daemon's word goes for a lease. The first silence may be our own: our loop stood still."""
        self._silences += 1
        if self._heard and self._silences > 1 and time.monotonic() - self._answered > self._lease:
            self._publish(gone(self._state))

    def _pick(self, status: Answer) -> dict[str, Any] | None:
        """The group that we follow; None while its interface is waited for."""
        groups: list[dict[str, Any]] = status["groups"]
        wanted = [one for one in groups if self._group is None or self._group in {one["name"], one["id"]}]
        if len(wanted) == 1:
            return wanted[0]
        if status["waiting"] and not wanted:
            return None
        if not groups:
            raise SettingsError(f"{CALLED}: no floating address is enabled (floating_ip.enabled)")
        names = ", ".join(str(one["name"]) for one in groups)
        raise SettingsError(f"{CALLED}: 'group' must be one of them: {names}; found {self._group!r}")


async def _cancel(task: "asyncio.Task[None]") -> None:
    """End it and wait for its end, also when we are cancelled meanwhile."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
