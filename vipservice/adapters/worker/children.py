"""Runs programs of the operator's: without a shell, in a process group of their own, for a bounded time."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence

from vipservice.core.frozen import dataclass

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "LANG": "C.UTF-8"}
"""All that a child inherits: no credentials, no notification socket."""

UMASK = 0o022
KEPT_OUTPUT = 1024
"""Bytes at the end of what a child says: the reason of a failure is usually there."""

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


async def run(
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
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            env=environment,
            umask=UMASK,
        )
    except (OSError, ValueError) as error:
        return Ended(None, f"cannot be started: {error}")
    try:
        return await _attend(process, timeout, stdin)
    finally:
        _kill_group(process.pid)
        with contextlib.suppress(TimeoutError):  # what hangs in the kernel cannot be killed
            await asyncio.wait_for(process.wait(), LAST_WORDS)
        _let_go(process)


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


async def _attend(process: asyncio.subprocess.Process, timeout: float, stdin: bytes) -> Ended:
    tail = _Tail()
    reading = asyncio.create_task(tail.read(process.stdout))
    writing = asyncio.create_task(_write(process.stdin, stdin))
    try:
        async with asyncio.timeout(timeout):
            status = await process.wait()
        await asyncio.wait({reading}, timeout=LAST_WORDS)
        return Ended(status, tail.line())
    except TimeoutError:
        return Ended(None, tail.line(), timed_out=True)
    finally:
        for task in (reading, writing):
            task.cancel()
        await asyncio.gather(reading, writing, return_exceptions=True)


async def _write(stdin: asyncio.StreamWriter | None, text: bytes) -> None:
    if stdin is not None:
        with contextlib.suppress(OSError):  # it need not be interested
            stdin.write(text)
            await stdin.drain()
            stdin.close()


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _let_go(process: asyncio.subprocess.Process) -> None:
    """Close the pipes though a grandchild that left the group may hold their other ends."""
    transport = process._transport  # type: ignore[attr-defined] # noqa: SLF001 - asyncio has no public way
    transport.close()


class _Tail:
    """The end of a stream."""

    def __init__(self) -> None:
        self._kept = b""

    async def read(self, stream: asyncio.StreamReader | None) -> None:
        """Read to the end, however much it is."""
        while stream is not None and (chunk := await stream.read(65536)):
            self._kept = (self._kept + chunk)[-KEPT_OUTPUT:]

    def line(self) -> str:
        """The last line that has something in it."""
        lines = self._kept.decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""
