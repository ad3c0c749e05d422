"""An upgrade step by step: what must hold before this process becomes other code."""

import asyncio
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn, cast

import pytest

from vipservice import __version__
from vipservice.core.timing import ADOPT_MIN_LEASE
from vipservice.runtime.history import Forgetful, History
from vipservice.runtime.node import Node
from vipservice.runtime.upgrade import (
    CALM_WITHIN,
    HELD_BACK,
    LOOK_AGAIN,
    Predecessor,
    Rehearsal,
    Upgrade,
    UpgradeError,
    take_signals,
)

STATE, CONTROL = Path("/var/lib/vipservice"), Path("/run/vipservice/control.sock")
REHEARSED = Rehearsal("2.0", STATE, CONTROL, seconds=0.4)


class BecameOtherError(BaseException):
    """What a test gets instead of another process."""


class World:
    """Node, service manager and code of one upgrade, noting what happens in which order."""

    watchdog_interval = None

    def __init__(self) -> None:
        self.now = 50.0
        self.happened: list[str] = []
        self.rehearsal: Rehearsal | UpgradeError = REHEARSED
        self.refusal: OSError | None = None
        self.unsettled: str | None = None
        self.turning_until = 0.0
        self.needed: list[float] = []
        self.settings = SimpleNamespace(node=SimpleNamespace(state_directory=STATE, control_socket=CONTROL))
        self.history = History(7, Forgetful())

    # The node

    def in_the_way(self, lease_left: float) -> str | None:
        self.needed.append(lease_left)
        self.now += LOOK_AGAIN
        return "vip: a takeover is under way" if self.now < self.turning_until else None

    # The code

    async def rehearse(self) -> Rehearsal:
        if isinstance(self.rehearsal, UpgradeError):
            raise self.rehearsal
        return self.rehearsal

    def execute(self, predecessor: Predecessor) -> NoReturn:
        self.happened.append("execute")
        self.masked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        if self.refusal is not None:
            raise self.refusal
        self.predecessor = predecessor
        raise BecameOtherError

    # The service manager

    def ready(self) -> None:
        self.happened.append("ready")

    def status(self, text: str) -> None:
        self.happened.append(text)

    def alive(self) -> None:
        self.happened.append("alive")

    def reloading(self) -> None:
        self.happened.append("reloading")

    def stopping(self) -> None:
        self.happened.append("stopping")

    def settle(self) -> str | None:
        self.happened.append("settle")
        return self.unsettled

    def upgrade(self) -> None:
        made = Upgrade(cast(Node, self), self, self, self.settle, lambda: self.now, self.history)
        asyncio.run(made.run())

    def said(self) -> list[str]:
        return [entry.detail for entry in self.history.latest()]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    async def at_once(_seconds: float) -> None:
        pass

    monkeypatch.setattr("vipservice.runtime.upgrade.asyncio.sleep", at_once)
    return World()


def test_state_is_on_the_disk_and_signals_wait_when_the_new_code_begins(world: World) -> None:
    with pytest.raises(BecameOtherError):
        world.upgrade()
    assert world.happened == ["settle", "reloading", "upgrading to 2.0", "alive", "execute"]
    assert world.masked >= HELD_BACK
    assert world.predecessor == Predecessor(__version__, world.now)
    assert world.said() == [f"upgrading in place from vipservice {__version__} to 2.0"]
    take_signals()
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & HELD_BACK


def test_a_lease_must_outlive_the_start_and_what_adoption_asks_for(world: World) -> None:
    with pytest.raises(BecameOtherError):
        world.upgrade()
    take_signals()
    assert set(world.needed) == {REHEARSED.seconds + ADOPT_MIN_LEASE}


def test_it_waits_for_a_turn_that_is_under_way(world: World) -> None:
    world.turning_until = world.now + CALM_WITHIN - 1
    with pytest.raises(BecameOtherError):
        world.upgrade()
    take_signals()


def test_a_turn_without_end_is_a_refusal_and_nothing_has_happened(world: World) -> None:
    world.turning_until = world.now + CALM_WITHIN + 1
    with pytest.raises(UpgradeError, match="a takeover is under way"):
        world.upgrade()
    assert world.happened == []
    assert world.said() == []


@pytest.mark.parametrize(
    ("rehearsal", "said"),
    [
        (UpgradeError("the new code does not start: SyntaxError"), "does not start"),
        (replace(REHEARSED, state_directory=Path("/srv")), "node.state_directory has changed"),
        (replace(REHEARSED, control_socket=Path("/srv")), "node.control_socket has changed"),
    ],
)
def test_what_the_rehearsal_shows_is_a_refusal(
    world: World, rehearsal: Rehearsal | UpgradeError, said: str
) -> None:
    world.rehearsal = rehearsal
    with pytest.raises(UpgradeError, match=said):
        world.upgrade()
    assert world.happened == []


def test_without_a_disk_that_keeps_the_term_the_code_stays(world: World) -> None:
    world.unsettled = "No space left on device"
    with pytest.raises(UpgradeError, match="No space left"):
        world.upgrade()
    assert world.happened == ["settle"]
    assert world.said()[0] == "goes on: the state cannot be kept: No space left on device"


def test_a_kernel_that_refuses_leaves_a_daemon_that_goes_on(world: World) -> None:
    world.refusal = OSError(12, "Cannot allocate memory")
    with pytest.raises(UpgradeError, match="cannot be executed"):
        world.upgrade()
    assert world.happened[-2:] == ["execute", "ready"]
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & HELD_BACK
    assert "goes on" in world.said()[0]
