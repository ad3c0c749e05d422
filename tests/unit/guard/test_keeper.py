"""The guard's loop, turn by turn: a played clock, a played removal, a real socket."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vipservice.adapters.guard import register
from vipservice.adapters.guard.keeper import Keeper, removing_with
from vipservice.adapters.guard.messages import (
    Answer,
    Drop,
    Held,
    Keep,
    Request,
    Tell,
    read_answer,
    write_request,
)

VIP = Held("en0", "192.168.3.234")


class Stage:
    def __init__(self, folder: Path) -> None:
        self.now = 100.0
        self.removed: list[tuple[float, Held]] = []
        self.register = folder / "guard.json"
        self._path = str(folder / "guard.sock")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(self._path)
        listener.listen()
        self.keeper = Keeper(listener, self.register, self._remove, lambda: self.now)

    def connect(self) -> socket.socket:
        daemon = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        daemon.connect(self._path)
        self.keeper.turn(0)
        return daemon

    def ask(self, daemon: socket.socket, request: Request) -> Answer:
        daemon.sendall(write_request(request))
        self.keeper.turn(0)
        return read_answer(daemon.recv(65536).rstrip(b"\n"))

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.keeper.turn(0)

    def _remove(self, held: Held) -> str | None:
        self.removed.append((round(self.now, 1), held))
        return None


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.keeper.close()


def test_a_daemon_that_is_silent_for_a_lease_loses_its_address(stage: Stage) -> None:
    with stage.connect() as daemon:
        stage.ask(daemon, Keep(1, VIP, 103.0))
        stage.wait(2.9)
        assert stage.removed == []
        stage.wait(0.2)
        assert [held for _, held in stage.removed] == [VIP]


def test_a_daemon_that_renews_keeps_it(stage: Stage) -> None:
    with stage.connect() as daemon:
        for number in range(20):
            stage.ask(daemon, Keep(number, VIP, stage.now + 3.0))
            stage.wait(0.5)
        assert stage.removed == []


def test_a_dead_daemons_address_stays_to_the_end_of_its_lease(stage: Stage) -> None:
    with stage.connect() as daemon:
        stage.ask(daemon, Keep(1, VIP, 103.0))
    stage.wait(2.9)
    assert stage.removed == []
    stage.wait(0.2)
    assert stage.removed[0][1] == VIP


def test_the_next_daemon_is_told_the_leases_and_renews_them(stage: Stage) -> None:
    with stage.connect() as daemon:
        stage.ask(daemon, Keep(1, VIP, 103.0))
    stage.wait(1.0)
    with stage.connect() as daemon:
        assert stage.ask(daemon, Tell(1)).leases == {VIP: 103.0}
        stage.ask(daemon, Keep(2, VIP, 105.0))
        stage.wait(3.5)
        assert stage.removed == []


def test_the_newest_daemon_counts(stage: Stage) -> None:
    with stage.connect() as hung, stage.connect() as daemon:
        assert hung.recv(1) == b""
        stage.ask(daemon, Keep(2, VIP, 103.0))
        assert stage.ask(daemon, Tell(3)).leases == {VIP: 103.0}


def test_words_that_have_come_count_before_the_clock_does(stage: Stage) -> None:
    with stage.connect() as daemon:
        stage.ask(daemon, Keep(1, VIP, 103.0))
        daemon.sendall(write_request(Keep(2, VIP, 110.0)))
        stage.now = 106.0  # the guard itself stood still
        stage.keeper.turn(0)
        assert stage.removed == []


def test_nonsense_ends_the_conversation_and_no_lease(stage: Stage) -> None:
    with stage.connect() as daemon:
        stage.ask(daemon, Keep(1, VIP, 103.0))
        daemon.sendall(b"\xff\n")
        stage.keeper.turn(0)
        assert daemon.recv(1) == b""
    stage.wait(3.2)
    assert stage.removed[0][1] == VIP


def test_it_ends_when_nobody_is_there_and_nothing_is_left(stage: Stage) -> None:
    with stage.connect() as daemon:
        stage.ask(daemon, Keep(1, VIP, 103.0))
        stage.ask(daemon, Drop(2, VIP))
    stage.keeper.run()
    assert stage.removed == []


def test_it_outlives_its_daemon_until_what_that_held_is_removed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stage.connect() as daemon:
        stage.ask(daemon, Keep(1, VIP, 103.0))
    monkeypatch.setattr(Keeper, "turn", _later(stage, Keeper.turn))
    stage.keeper.run()
    assert [held for _, held in stage.removed] == [VIP] * 3


def _later(stage: Stage, turn: Callable[[Keeper, float], None]) -> Callable[[Keeper, float], None]:
    """Each turn takes 0.1 s of the played clock."""

    def later(keeper: Keeper, _longest: float) -> None:
        stage.now += 0.1
        turn(keeper, 0)

    return later


def test_the_next_guard_knows_what_a_killed_one_guarded(stage: Stage, tmp_path: Path) -> None:
    with stage.connect() as daemon:
        stage.ask(daemon, Keep(1, VIP, 103.0))
    second = tmp_path / "second"
    second.mkdir()
    (second / "guard.json").write_text(stage.register.read_text())
    other = Stage(second)
    try:
        other.wait(3.1)
        assert [held for _, held in other.removed] == [VIP]
    finally:
        other.keeper.close()


def test_the_register_is_not_written_by_renewals(stage: Stage) -> None:
    with stage.connect() as daemon:
        stage.ask(daemon, Keep(1, VIP, 103.0))
        stage.register.unlink()
        stage.ask(daemon, Keep(2, VIP, 104.0))
        assert not stage.register.exists()
        stage.ask(daemon, Drop(3, VIP))
        assert register.load(stage.register) == {}
        assert stage.register.exists()


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '[["en0"]]', '[["en0","x",1]]', '[["-x","192.0.2.1",1]]', "[" * 10_000]
)
def test_a_spoilt_register_guards_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "guard.json"
    path.write_text(text)
    assert register.load(path) == {}


def test_a_register_cannot_make_an_address_stay_for_years(tmp_path: Path) -> None:
    path = tmp_path / "guard.json"
    register.save(path, {VIP: 1e9})
    assert register.load(path) == {VIP: register.LONGEST_LEASE}


def test_a_removal_that_fails_says_why_and_one_that_works_nothing() -> None:
    assert (
        removing_with(["/bin/sh", "-c", "echo no such {address} >&2; exit 3"])(VIP)
        == f"no such {VIP.address}"
    )
    assert removing_with(["/bin/sh", "-c", "exit 3"])(VIP) == "exit code 3"
    assert removing_with(["/bin/sh", "-c", "test {interface} = en0"])(VIP) is None
    assert "No such file" in (removing_with(["/does/not/exist"])(VIP) or "")
