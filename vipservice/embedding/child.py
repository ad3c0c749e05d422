"""The daemon as a child of the application: tried first, started, heard, and ended with us however we end."""

import asyncio
import contextlib
import json
import os
import socket
import sys
import weakref
from collections.abc import Mapping
from pathlib import Path

from vipservice.embedding.errors import DaemonGoneError, RightsError, SettingsError
from vipservice.embedding.written import Written

COMMAND = (sys.executable, "-I", "-m", "vipservice", "run")

TRY_WITHIN = 15.0
END_WITHIN = 5.0
"""Seconds that a daemon has to hand over and end; its own limit is 1.5 s, and 3 s for hooks."""

NOT_OURS = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
"""Environment by which the application talks to its own service manager."""

_our_ends: "weakref.WeakSet[socket.socket]" = weakref.WeakSet()


def _forget_in_fork() -> None:
    """A fork of the application must not keep the daemon alive in its stead."""
    for end in _our_ends:
        end.close()


os.register_at_fork(after_in_child=_forget_in_fork)


async def try_out(written: Written) -> Path:
    """See whether the daemon would start; where its control socket will be.

    Raises:
        SettingsError: The settings cannot be used.
        RightsError: This process may not bind addresses.
        DaemonGoneError: The daemon cannot be executed.
    """
    process = await _execute(written, "--rehearse", stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(TRY_WITHIN):
            output, complaints = await process.communicate()
    except TimeoutError:
        raise DaemonGoneError(f"the daemon did not try its start within {TRY_WITHIN:g} s") from None
    finally:
        await _end(process)
    if process.returncode:
        raise _refusal(process.returncode, written.in_words(complaints.decode(errors="replace").strip()))
    return Path(json.loads(output)["control_socket"])


class Child:
    """One life of the daemon."""

    def __init__(self, process: asyncio.subprocess.Process, connection: socket.socket) -> None:
        self._process = process
        self._connection = connection

    @classmethod
    async def start(cls, written: Written) -> "Child":
        """Execute it. Its log goes where our standard error goes.

        Raises:
            DaemonGoneError: It cannot be executed.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        _our_ends.add(ours)
        try:
            with theirs:
                process = await _execute(written, "--embedded", stdin=theirs.fileno(), stderr=None)
        except BaseException:
            ours.close()
            raise
        return cls(process, ours)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    async def look(self, at_most: float) -> bool:
        """Wait until something may have changed, or for so many seconds; False once it has ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most):
                return bool(await asyncio.get_running_loop().sock_recv(self._connection, 4096))
        return True

    async def ended(self) -> int:
        """Wait for its end; the exit status, or minus the signal."""
        return await self._process.wait()

    async def close(self) -> None:
        """Let it hand over and end, and see that it has; a cancellation waits for that too."""
        self._connection.close()
        ending = asyncio.ensure_future(self._give_time())
        cancelled: asyncio.CancelledError | None = None
        while not ending.done():
            try:
                await asyncio.shield(ending)
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            raise cancelled

    async def _give_time(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_WITHIN):
                await self._process.wait()
        await _end(self._process)


async def _execute(
    written: Written,
    *more: str,
    stdin: int = asyncio.subprocess.DEVNULL,
    stdout: int = asyncio.subprocess.DEVNULL,
    stderr: int | None = asyncio.subprocess.PIPE,
) -> asyncio.subprocess.Process:
    """Run the daemon, in a session of its own: Ctrl-C is for the application, which then leaves properly."""
    try:
        return await asyncio.create_subprocess_exec(
            *COMMAND,
            "--config",
            str(written.path),
            *more,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=environment(os.environ),
            pass_fds=written.descriptors,
            start_new_session=True,
        )
    except OSError as error:
        raise DaemonGoneError(f"the daemon cannot be executed: {error}") from error


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """What the daemon finds: our environment, without our own service manager's."""
    return {name: value for name, value in ours.items() if name not in NOT_OURS}


def _refusal(status: int, sentences: str) -> Exception:
    match status:
        case os.EX_CONFIG:
            return SettingsError(sentences)
        case os.EX_NOPERM:
            return RightsError(sentences)
        case _:
            return DaemonGoneError(f"the daemon does not start: {sentences or f'it ended with {status}'}")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
