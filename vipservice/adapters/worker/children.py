"""Runs programs of the operator's: without a shell, in a process group of their own, for a bounded time."""

import asyncio
import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import Self

from vipservice.adapters.worker.environment import ENVIRONMENT
from vipservice.adapters.worker.threads import tell
from vipservice.core.frozen import dataclass

UMASK = 0o022
KEPT_OUTPUT = 1024
"""Bytes at the end of what a child says: the reason of a failure is usually there."""

CHUNK = 65536
LAST_WORDS = 0.2
"""Seconds that output is waited for after the end: a grandchild may keep the pipe open for ever."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    status: int | None
    """Exit status, minus the signal's number where one killed it; None for not started, or timed out."""
    output: str
    """The end of what it said, on one line."""
    timed_out: bool = False


class Programs:
    """What all programs have in common."""

    def __init__(self) -> None:
        self.secrets: tuple[str, ...] = ()
        """Files, and folders of files, that are kept from them, though the service's user may read them."""

    async def run(
        self,
        argv: Sequence[str],
        timeout: float,
        user: str = "",
        more: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Ended:
        """Run a program to its end, or kill its whole process group after `timeout` seconds."""
        environment = {**ENVIRONMENT, **(more or {})}
        if user:
            argv = as_user(argv, user, timeout, more or {})
        with _Tail() as tail, tempfile.TemporaryFile() as given:
            given.write(stdin)
            given.seek(0)
            child = _Child(argv, environment, self.secrets, given.fileno(), tail.written)
            try:
                await asyncio.shield(child.started)
            except (OSError, ValueError) as error:
                return Ended(None, f"cannot be started: {error}")
            finally:
                child.end_with_its_starter()
            try:
                return await _attend(child, timeout, tail)
            finally:
                _kill_group(child.started.result())
                with contextlib.suppress(TimeoutError):  # what hangs in the kernel cannot be killed
                    await asyncio.wait_for(asyncio.shield(child.ended), LAST_WORDS)


class _Child:
    """One program, and the thread that starts it and waits for it: what the thread may not, it may not.

    Nor does the loop wait while the kernel copies a process, or looks for a program on a disk that hangs.
    """

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        secrets: Sequence[str],
        stdin: int,
        output: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.started: asyncio.Future[int] = self._loop.create_future()
        """The number of its process."""
        self.ended: asyncio.Future[int] = self._loop.create_future()
        """Its exit status, or minus the number of the signal that killed it."""
        self._argv, self._environment, self._secrets = argv, environment, secrets
        # Copies: who waits for us may go, and close its own, before the program has them.
        self._stdin, self._output = os.dup(stdin), os.dup(output)
        threading.Thread(target=self._live, daemon=True).start()

    def end_with_its_starter(self) -> None:
        """Nobody waits for its start any more: where it is still to come, that is its end too."""
        if not self.started.done():
            self.started.add_done_callback(_kill_late)

    def _live(self) -> None:
        try:
            process = self._start()
        except (OSError, ValueError) as error:
            tell(self._loop, self.started, self.started.set_exception, error)
            return
        finally:
            os.close(self._stdin)
            os.close(self._output)
        tell(self._loop, self.started, self.started.set_result, process.pid)
        tell(self._loop, self.ended, self.ended.set_result, process.wait())

    def _start(self) -> "subprocess.Popen[bytes]":
        if self._secrets:
            from vipservice.adapters.worker.landlock import keep_from  # noqa: PLC0415 - ctypes is large

            keep_from(self._secrets)
        return subprocess.Popen(  # noqa: S603 - the operator's own words, and no shell
            self._argv,
            stdin=self._stdin,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            env=self._environment,
            umask=UMASK,
        )


def _kill_late(started: "asyncio.Future[int]") -> None:
    if not started.cancelled() and started.exception() is None:
        _kill_group(started.result())


def as_user(argv: Sequence[str], user: str, timeout: float, more: Mapping[str, str]) -> tuple[str, ...]:
    """The same program in a transient unit of systemd, which outlives neither its time nor its starter."""
    settings = (f"--setenv={name}={value}" for name, value in more.items())
    return (
        "systemd-run",
        "--quiet",
        "--collect",
        "--pipe",
        "--wait",
        "--service-type=exec",
        f"--uid={user}",
        f"--property=RuntimeMaxSec={timeout:g}",
        *settings,
        "--",
        *argv,
    )


async def _attend(child: _Child, timeout: float, tail: "_Tail") -> Ended:
    tail.begin()
    try:
        async with asyncio.timeout(timeout):
            status = await asyncio.shield(child.ended)
    except TimeoutError:
        return Ended(None, tail.line(), timed_out=True)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(tail.over.wait(), LAST_WORDS)
    return Ended(status, tail.line())


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


class _Tail:
    """A pipe, and the end of what comes out of it.

    Not asyncio's own: with that a program has only ended when every grandchild has let go of the pipe too.
    """

    def __init__(self) -> None:
        self._reading, self.written = os.pipe()
        os.set_blocking(self._reading, False)
        self._kept = b""
        self.over = asyncio.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop()
        for end in (self._reading, self.written):
            with contextlib.suppress(OSError):
                os.close(end)

    def begin(self) -> None:
        """The program has its end now: let go of that, and listen."""
        os.close(self.written)
        self.written = -1
        asyncio.get_running_loop().add_reader(self._reading, self._read)

    def line(self) -> str:
        """The last line that has something in it."""
        lines = self._kept.decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""

    def _read(self) -> None:
        try:
            chunk = os.read(self._reading, CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        self._kept = (self._kept + chunk)[-KEPT_OUTPUT:]
        if not chunk:
            self._stop()

    def _stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._reading)
        self.over.set()
