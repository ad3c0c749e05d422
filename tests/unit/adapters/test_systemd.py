"""What systemd is told, read from a real notification socket."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vipservice.adapters.systemd import NoManager, SystemdManager, service_manager, watchdog_interval

OURS = 4711

Make = Callable[[], SystemdManager]


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        yield listener


@pytest.fixture
def manager(inbox: socket.socket) -> Iterator[SystemdManager]:
    made = SystemdManager({})
    yield made
    made.close()


def test_each_turn_is_told_in_systemds_words(inbox: socket.socket, manager: SystemdManager) -> None:
    manager.ready()
    manager.alive()
    manager.stopping()
    assert [inbox.recv(500) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_a_reload_carries_the_monotonic_time(inbox: socket.socket, manager: SystemdManager) -> None:
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    manager.reloading()
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    first, second = inbox.recv(500).decode().split("\n")
    assert first == "RELOADING=1"
    name, _, microseconds = second.partition("=")
    assert name == "MONOTONIC_USEC"
    assert before <= int(microseconds) <= after


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("role backup: node-a is active", "role backup: node-a is active"),
        ("one\nREADY=1\r\n\ttwo", "one READY=1 two"),
        ("Zürich → 雪", "Zürich → 雪"),
        ("x" * 300, "x" * 300),
        ("x" * 301, "x" * 299 + "…"),
        ("lone \udc80 surrogate", "lone ? surrogate"),
    ],
)
def test_a_status_is_one_line_of_utf8_and_cannot_smuggle_a_state(
    inbox: socket.socket, manager: SystemdManager, text: str, told: str
) -> None:
    manager.status(text)
    assert inbox.recv(5000).decode() == f"STATUS={told}"


def test_a_full_socket_neither_blocks_nor_raises(inbox: socket.socket, manager: SystemdManager) -> None:
    for _ in range(5000):
        manager.alive()
    received = 0
    while True:
        try:
            assert inbox.recv(500) == b"WATCHDOG=1"
        except BlockingIOError:
            break
        received += 1
    assert 0 < received < 5000


def test_a_manager_that_went_away_does_not_matter(inbox: socket.socket, manager: SystemdManager) -> None:
    inbox.close()
    manager.alive()
    manager.status("still here")


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # sdnotify leaves its socket open
def test_a_socket_that_is_not_there_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "absent"))
    manager = SystemdManager({})
    manager.ready()
    manager.close()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "1500000"}, 1.5),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "4711"}, 1.5),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "²"}, None),
    ],
)
def test_the_watchdogs_terms_are_honoured(environment: dict[str, str], seconds: float | None) -> None:
    assert watchdog_interval(environment, OURS) == seconds


def test_the_manager_watches_this_process_where_nothing_else_is_said(inbox: socket.socket) -> None:
    manager = SystemdManager({"WATCHDOG_USEC": "2000000"})
    assert manager.watchdog_interval == 2.0
    manager.close()


def test_without_a_notification_socket_nobody_is_told_and_nobody_watches() -> None:
    nobody = service_manager({"WATCHDOG_USEC": "2000000"})
    assert isinstance(nobody, NoManager)
    assert nobody.watchdog_interval is None
    for tell in (nobody.ready, nobody.alive, nobody.reloading, nobody.stopping):
        tell()
    nobody.status("nobody hears this")


def test_with_a_notification_socket_systemd_is_told(inbox: socket.socket, tmp_path: Path) -> None:
    manager = service_manager({"NOTIFY_SOCKET": str(tmp_path / "notify")})
    assert isinstance(manager, SystemdManager)
    manager.ready()
    assert inbox.recv(500) == b"READY=1"
    manager.close()
