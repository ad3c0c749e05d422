"""What the application that embeds the daemon is told, on a real socket."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from vipservice.adapters.embedder import Embedder, take_embedder


@pytest.fixture
def pair() -> Iterator[tuple[Embedder, socket.socket]]:
    ours, theirs = socket.socketpair()
    embedder = take_embedder(ours.fileno())
    with ours, theirs:
        theirs.setblocking(False)
        yield embedder, theirs
        embedder.close()


def test_each_turn_is_a_byte_and_a_sign_of_life_is_none(pair: tuple[Embedder, socket.socket]) -> None:
    embedder, application = pair
    embedder.ready()
    embedder.status("vip: active")
    embedder.alive()
    embedder.reloading()
    embedder.stopping()
    assert application.recv(100) == b"..."
    assert embedder.watchdog_interval is None


def test_an_application_that_does_not_read_or_is_gone_does_not_hold_the_daemon_up(
    pair: tuple[Embedder, socket.socket],
) -> None:
    embedder, application = pair
    for _ in range(2000):
        embedder.status("vip: active")
    application.close()
    embedder.stopping()


def test_a_standard_input_that_is_no_socket_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file, pytest.raises(OSError, match="socket"):
        take_embedder(file.fileno())
