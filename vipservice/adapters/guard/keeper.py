"""The guard's loop: it listens to one daemon, and removes what that one no longer renews.

It ends when nobody is connected and nothing is left to guard. It stays when its daemon is killed or stopped:
the next daemon connects to the same socket and renews the same leases.
"""

import os
import selectors
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from vipservice.adapters.guard import register
from vipservice.adapters.guard.leases import Leases
from vipservice.adapters.guard.messages import (
    Answer,
    Drop,
    GuardMessageError,
    Held,
    Keep,
    Request,
    Tell,
    lines,
    read_request,
    write_answer,
)

LONGEST_WAIT = 0.25
"""Seconds between looks at the clock while there are leases: select(2) does not count a machine's sleep."""

FIRST_DAEMON = 10.0
"""Seconds that a guard waits for the daemon that started it."""

REMOVAL_WITHIN = 5.0
"""Seconds for one removal."""


class Keeper:
    """One guard.

    Args:
        listener: Where daemons connect; the newest one counts.
        registered: The file that says what is guarded.
        remove: Takes an address off; says what went wrong, or None.
        clock: Shared with the daemon.
    """

    def __init__(
        self,
        listener: socket.socket,
        registered: Path,
        remove: Callable[[Held], str | None],
        clock: Callable[[], float],
    ) -> None:
        self._listener = listener
        self._registered = registered
        self._remove = remove
        self._clock = clock
        self._leases = Leases()
        self._daemon: socket.socket | None = None
        self._received = bytearray()
        self._selector = selectors.DefaultSelector()
        self._alone_until = clock() + FIRST_DAEMON
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        now = clock()
        for held, seconds in register.load(registered).items():
            self._leases.keep(held, now + seconds)

    def run(self) -> None:
        """Guard until there is nothing to guard and nobody to ask for it."""
        while not self._done():
            self.turn(LONGEST_WAIT)

    def turn(self, longest: float) -> None:
        """Wait, listen, and remove what is due; words that have come count before the clock does."""
        wait = max(0.0, min(longest, self._leases.deadline() - self._clock()))
        for key, _ in self._selector.select(wait):
            key.data()
        for held in self._leases.lapsed(self._clock()):
            problem = self._remove(held)
            _say(f"{held.address} on {held.interface} was not renewed: {problem or 'removed'}")
        if self._daemon is None and self._leases.forget_removed():
            self._write_register()

    def close(self) -> None:
        """Let the sockets go, and the socket's name."""
        self._selector.close()
        self._let_go()
        self._listener.close()

    def _done(self) -> bool:
        alone = self._daemon is None and self._clock() >= self._alone_until
        return alone and not self._leases.all()

    def _accept(self) -> None:
        try:
            daemon, _ = self._listener.accept()
        except OSError:
            return
        self._let_go()
        daemon.setblocking(False)
        self._daemon = daemon
        self._received.clear()
        self._selector.register(daemon, selectors.EVENT_READ, self._hear)

    def _let_go(self) -> None:
        if self._daemon is not None:
            if self._selector.get_map():
                self._selector.unregister(self._daemon)
            self._daemon.close()
            self._daemon = None
            self._alone_until = self._clock()

    def _hear(self) -> None:
        """Take what the daemon says; its end, and nonsense, end the conversation and nothing else."""
        assert self._daemon is not None
        try:
            received = self._daemon.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        self._received += received
        try:
            for line in lines(self._received):
                self._obey(read_request(line))
        except (GuardMessageError, OSError):
            received = b""
        if not received:
            self._let_go()
            self._leases.abandoned(self._clock())

    def _obey(self, request: Request) -> None:
        assert self._daemon is not None
        changed, told = False, {}
        match request:
            case Keep(_, held, until):
                changed = self._leases.keep(held, until)
            case Drop(_, held):
                changed = self._leases.drop(held)
            case Tell():
                told = self._leases.all()
        if changed:
            self._write_register()
        self._daemon.sendall(write_answer(Answer(request.number, told, os.getpid())))

    def _write_register(self) -> None:
        now = self._clock()
        try:
            register.save(self._registered, {held: u - now for held, u in self._leases.all().items()})
        except OSError as error:
            _say(f"{self._registered} cannot be written: {error.strerror}")


def removing_with(words: Sequence[str]) -> Callable[[Held], str | None]:
    """Run a program in whose words {interface} and {address} stand for what is removed."""

    def remove(held: Held) -> str | None:
        command = [word.format(interface=held.interface, address=held.address) for word in words]
        try:
            done = subprocess.run(  # noqa: S603 - words of our own; names and addresses have been checked
                command, check=False, capture_output=True, text=True, errors="replace", timeout=REMOVAL_WITHIN
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        return " ".join(done.stderr.split()) or f"exit code {done.returncode}" if done.returncode else None

    return remove


def _say(sentence: str) -> None:
    sys.stderr.write(f"guard: {sentence}\n")
    sys.stderr.flush()
