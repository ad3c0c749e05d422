"""The daemon's side of the guard: starts it, tells it how long each address may stay, notices its death.

A first word for an address is waited for, so that nothing is ever bound unguarded. Renewals are not: their
answers are looked at by the next one, and a guard that has been silent for `PATIENCE` is replaced.
"""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from vipservice.adapters.guard.messages import (
    Drop,
    GuardMessageError,
    Held,
    Keep,
    Request,
    Tell,
    lines,
    read_answer,
    write_request,
)

PATIENCE = 0.5
"""Seconds a living guard may take for an answer; it has nothing else to do."""

START_WITHIN = 2.0
"""Seconds until a new guard answers: an interpreter starts meanwhile, in about 0.1 s."""


class GuardError(Exception):
    """There is no guard, and none can be started: nothing may be bound."""


class _SilenceError(GuardError):
    """It is there and does not answer: hung, or stopped."""


class Guard:
    """A connection to the guard, whoever started it.

    Args:
        path: Its socket; who connects here may renew leases, so its folder must be ours alone.
        command: What removes {address} from {interface}.
        clock: Shared with the guard.
        warn: Is told when a guard had to be replaced.
    """

    def __init__(
        self, path: Path, command: Sequence[str], clock: Callable[[], float], warn: Callable[[str], None]
    ) -> None:
        self._path = path
        self._command = command
        self._clock = clock
        self._warn = warn
        self._number = 0
        self._unanswered: dict[int, float] = {}
        self._received = bytearray()
        self._child: subprocess.Popen[bytes] | None = None
        self._process = 0
        self.leases: dict[Held, float] = {}
        """What is guarded, and until when."""
        self._socket = self._connect()
        try:
            self._wait_for(self._say(Tell(self._next())), START_WITHIN)
        except GuardError as error:  # it may have been about to end
            self._replace(error)

    @property
    def process(self) -> int:
        """The guard's process."""
        return self._process

    def keep(self, held: Held, until: float) -> None:
        """Let `held` be until then, and no longer without another word.

        Raises:
            GuardError: Nobody will remove it.
        """
        new = held not in self.leases
        self.leases[held] = until
        try:
            self._hear()
            number = self._say(Keep(self._next(), held, until))
            if new:
                self._wait_for(number, PATIENCE)
            self._require_answers()
        except GuardError as error:
            try:
                self._replace(error)
            except GuardError:
                if new:
                    del self.leases[held]
                raise

    def drop(self, held: Held) -> None:
        """Forget it: it has been removed."""
        if self.leases.pop(held, None) is not None:
            with suppress(GuardError):  # the next word to a guard that is gone starts another one
                self._say(Drop(self._next(), held))

    def close(self) -> None:
        """Let the connection go: the guard ends when there is nothing to guard, or when all has lapsed."""
        self._socket.close()
        if self._child is not None:
            self._child.poll()
            self._child.returncode = self._child.returncode or 0  # Popen would complain that it outlives us

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _say(self, request: Request) -> int:
        try:
            self._socket.sendall(write_request(request))
        except OSError as error:
            raise GuardError(f"the guard does not listen: {error.strerror or error}") from error
        self._unanswered[request.number] = self._clock()
        return request.number

    def _wait_for(self, number: int, patience: float) -> None:
        until = self._clock() + patience
        while number in self._unanswered:
            readable, _, _ = select.select([self._socket], [], [], max(0.0, until - self._clock()))
            if not readable:
                raise _SilenceError(f"the guard has not answered within {patience:g} s")
            self._hear()

    def _hear(self) -> None:
        """Take the answers that are there."""
        try:
            while received := self._socket.recv(65536):
                self._received += received
                for line in lines(self._received):
                    answer = read_answer(line)
                    self._unanswered.pop(answer.number, None)
                    self._process = answer.process
                    self.leases = {**answer.leases, **self.leases}
        except BlockingIOError:
            return
        except (OSError, GuardMessageError) as error:
            raise GuardError(f"the guard cannot be understood: {error}") from error
        raise GuardError("the guard is gone")

    def _require_answers(self) -> None:
        oldest = min(self._unanswered.values(), default=self._clock())
        if self._clock() - oldest > PATIENCE:
            raise _SilenceError(f"the guard has not answered for {PATIENCE:g} s")

    def _replace(self, reason: GuardError) -> None:
        """End it where it hangs, take the one that is there or a new one, and tell that one everything.

        A guard that only hung up is there still: another daemon has talked to it, which counts no more.
        """
        self._warn(f"{reason}: another one is taken")
        self._end(hung=isinstance(reason, _SilenceError))
        self._socket = self._connect()
        for held, until in self.leases.items():
            self._say(Keep(self._next(), held, until))
        self._wait_for(self._say(Tell(self._next())), START_WITHIN)

    def _end(self, *, hung: bool) -> None:
        """Let the connection go. One that hangs still has the other end: its number is nobody else's."""
        process = self._process or (self._child.pid if self._child else 0)
        if hung and process > 1:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        self._socket.close()
        self._unanswered.clear()
        self._received.clear()
        if hung and self._child is not None:
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(PATIENCE)

    def _connect(self) -> socket.socket:
        """To a guard that is there already: of a daemon before us; else to a new one."""
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            opened.connect(str(self._path))
        except OSError:
            opened.close()
            return self._start()
        opened.setblocking(False)
        return opened

    def _start(self) -> socket.socket:
        """Bind the socket, hand it to a new process, and connect to it; that need not have begun to run."""
        try:
            with self._listener() as listener:
                self._child = self._spawn(listener)
                opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                opened.connect(str(self._path))
        except OSError as error:
            raise GuardError(f"the guard cannot be started: {error}") from error
        opened.setblocking(False)
        return opened

    def _listener(self) -> socket.socket:
        self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self._path))
        self._path.chmod(0o600)  # before anybody can connect: listen comes after
        listener.listen()
        return listener

    def _spawn(self, listener: socket.socket) -> subprocess.Popen[bytes]:
        number, registered = str(listener.fileno()), str(self._path.with_suffix(".json"))
        return subprocess.Popen(  # noqa: S603 - words of our own
            [sys.executable, "-I", "-m", "vipservice.adapters.guard", number, registered, *self._command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
