"""The rounds of the daemon, one by one: the loop is there and never runs."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from math import inf

import pytest

from tests.unit.runtime.conftest import Machine, Memory
from vipservice.runtime.daemon import Daemon
from vipservice.runtime.link import Link
from vipservice.runtime.waiting import Waiting


class Manager:
    """A service manager that counts signs of life."""

    watchdog_interval = 1.0

    def __init__(self) -> None:
        self.signs = 0

    def alive(self) -> None:
        self.signs += 1

    def ready(self) -> None:
        pass

    def status(self, text: str) -> None:
        pass

    def reloading(self) -> None:
        pass

    def stopping(self) -> None:
        pass


@pytest.fixture
def manager() -> Manager:
    return Manager()


@pytest.fixture
def waiting(machine: Machine) -> Iterator[Waiting]:
    with closing(Waiting(machine.clock)) as made:
        yield made


@pytest.fixture
def daemon(
    machine: Machine, memory: Memory, link: Link, manager: Manager, waiting: Waiting
) -> Iterator[Daemon]:
    async def make() -> Daemon:
        return Daemon([link], machine, machine, manager, memory, link._observer, lambda: "", waiting)

    with asyncio.Runner() as runner:
        made = runner.run(make())
        made._opened = [(link, link.generation)]  # nothing to wait on: the rounds are asked for here
        yield made


def test_each_whole_round_feeds_the_watchdog_when_it_is_due(
    daemon: Daemon, machine: Machine, manager: Manager
) -> None:
    daemon.round()
    daemon.round()
    assert manager.signs == 1
    machine.now += 0.25
    daemon.round()
    assert manager.signs == 2


def test_a_round_that_fails_feeds_nobody_and_the_next_one_comes_all_the_same(
    daemon: Daemon,
    machine: Machine,
    manager: Manager,
    link: Link,
    waiting: Waiting,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_now: float) -> None:
        raise RuntimeError("a bug")

    daemon.round()
    monkeypatch.setattr(link, "tick", fail)
    for _ in range(8):
        machine.now += 0.25
        waiting.due = inf
        with pytest.raises(RuntimeError):
            daemon.round()
        assert waiting.due <= machine.now + 1.0
    assert manager.signs == 1
