"""Starts the worker, talks to it, and starts it again when it ends.

It has no capabilities, none of our descriptors and a minimal environment: what an operator's program can do
is what the service's user can do, and nothing of what this daemon can.
"""

import asyncio
import contextlib
import json
import logging
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from vipservice.adapters.worker.environment import ECHOES, ENVIRONMENT
from vipservice.runtime.worker import Message

log = logging.getLogger("vipservice")

AGAIN = 1.0
"""Seconds until a worker that ended by itself is started anew."""

LONGEST_LINE = 1024 * 1024
MOST_UNSENT = 4 * 1024 * 1024
"""Bytes that wait for a worker that does not read, before it is killed and started anew."""

END_WITHIN = 1.0
MODULE = "vipservice.adapters.worker"
POWERLESS = str(Path(__file__).with_name("powerless.py"))


class WorkerProcess(asyncio.Protocol):
    """The worker as the daemon sees it."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.Transport | None = None
        self._started: Callable[[], None] = lambda: None
        self._heard: Callable[[Message], None] = lambda _: None
        self._echoes = False
        self._wanted = False
        self._left = False
        self._received = b""
        self._gone = asyncio.Event()
        self._starting: asyncio.Task[None] | None = None

    def begin(self, started: Callable[[], None], heard: Callable[[Message], None], *, echoes: bool) -> None:
        """Start it, once the loop is free for it; again is fine."""
        self._started, self._heard = started, heard
        needs_socket, self._echoes = echoes and not self._echoes, echoes or self._echoes
        if self._wanted and needs_socket and self._process is not None:
            self._process.kill()  # its end starts another
        if not self._wanted:
            self._wanted = True
            self._start_after(0.0)

    def send(self, message: Message) -> None:
        """Say something; what cannot be said is said by `started` the next time."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(json.dumps(message).encode() + b"\n")
        if self._transport.get_write_buffer_size() > MOST_UNSENT:
            self._transport.abort()

    async def close(self, within: float) -> None:
        """Say goodbye, wait, and kill it where it does not go."""
        self._wanted = False
        if self._starting is not None:
            self._starting.cancel()
        if self._process is None:
            return
        self.send({"goodbye": within})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), within + END_WITHIN)
        self._end()

    def leave(self) -> None:
        """This process is about to become another program: leave it no dead child. May be called in a thread.

        Where it goes on as it was, the worker is started again.
        """
        self._left = True
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_WITHIN)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It can be spoken to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._received = transport, b""
        self._started()

    def data_received(self, data: bytes) -> None:
        """Lines of JSON."""
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError):
                self._heard(json.loads(line))
        if len(self._received) > LONGEST_LINE and self._transport is not None:
            self._transport.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        """It has ended."""
        self._transport = None
        self._gone.set()
        if self._wanted:
            if self._process is not None:
                self._process.kill()
            if not self._left:
                self.problem = "checks and hooks: the worker has ended; it is being started again"
                log.error(self.problem)
            self._left = False
            self._start_after(AGAIN)

    # Inside

    def _start_after(self, seconds: float) -> None:
        self._starting = asyncio.get_running_loop().create_task(self._start(seconds))

    async def _start(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if self._process is not None:
            self._process.poll()  # killed or dead long ago: nobody waits for it here
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = self._spawn(theirs)
        except OSError as error:
            ours.close()
            self.problem = f"checks and hooks: the worker cannot be started: {error}"
            log.error(self.problem)
            self._start_after(AGAIN)
            return
        self._gone.clear()
        self.problem = None
        await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=ours)

    def _spawn(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        environment, inherited = dict(ENVIRONMENT), _echo_socket() if self._echoes else None
        descriptors = () if inherited is None else (inherited.fileno(),)
        if inherited is not None:
            environment[ECHOES] = str(inherited.fileno())
        try:
            return subprocess.Popen(  # noqa: S603 - our own program, and words that nobody else writes
                command(),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                pass_fds=descriptors,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        finally:
            if inherited is not None:
                inherited.close()

    def _end(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        if self._process is not None:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_WITHIN)
            self._process = None


def command() -> tuple[str, ...]:
    """What to execute: Python, after `powerless` has given every capability away for good."""
    return (sys.executable, "-I", "-S", POWERLESS, sys.executable, "-I", "-m", MODULE)


def _echo_socket() -> socket.socket | None:
    """A raw ICMP socket, where the worker could not open an ordinary one itself."""
    with contextlib.suppress(PermissionError):
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP).close()
        return None
    with contextlib.suppress(OSError):
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    return None
