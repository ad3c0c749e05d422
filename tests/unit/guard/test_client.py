"""The daemon's side of the guard: a played guard at a real socket, which answers or hangs."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vipservice.adapters.guard import client, clock
from vipservice.adapters.guard.client import Guard
from vipservice.adapters.guard.messages import (
    Answer,
    Held,
    Keep,
    Request,
    Tell,
    lines,
    read_request,
    write_answer,
)

VIP = Held("en0", "192.168.3.234")


class PlayedGuard(threading.Thread):
    """Answers to everything but, in its first conversation, to what `hangs` names."""

    def __init__(self, path: Path, hangs: Callable[[Request], bool]) -> None:
        super().__init__(daemon=True)
        self.heard: list[list[Request]] = []
        """The words of each conversation."""
        self._hangs = hangs
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()

    def run(self) -> None:
        while True:
            try:
                daemon, _ = self._listener.accept()
            except OSError:
                return
            with daemon:
                self._talk(daemon)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.join(5)

    def _talk(self, daemon: socket.socket) -> None:
        first, said, received = not self.heard, list[Request](), bytearray()
        self.heard.append(said)
        while more := daemon.recv(4096):
            received += more
            for line in lines(received):
                request = read_request(line)
                said.append(request)
                if not (first and self._hangs(request)):
                    daemon.sendall(write_answer(Answer(request.number, {}, 0)))


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[PlayedGuard]:
    """It greets, and does not answer when an address is to be guarded."""
    played = PlayedGuard(tmp_path / "guard.sock", lambda request: isinstance(request, Keep))
    played.start()
    yield played
    played.close()


def test_a_new_address_waits_for_the_guards_word_and_another_guard_is_told_everything(
    hanging: PlayedGuard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PATIENCE", 0.05)
    warned: list[str] = []
    guard = Guard(tmp_path / "guard.sock", (), clock.now, warned.append)
    try:
        guard.keep(VIP, 1000.0)
    finally:
        guard.close()
    assert len(warned) == 1 and "has not answered" in warned[0]
    greeted, told = hanging.heard
    assert [type(request) for request in greeted] == [Tell, Keep]
    assert [(type(one), getattr(one, "held", None)) for one in told] == [(Keep, VIP), (Tell, None)]
