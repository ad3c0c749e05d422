"""The rounds of the daemon, one by one: the loop is there and never runs."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.unit.runtime.conftest import Machine, Memory
from vipservice.runtime.daemon import Daemon
from vipservice.runtime.link import Link


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
def daemon(machine: Machine, memory: Memory, link: Link, manager: Manager) -> Iterator[Daemon]:
    async def make() -> Daemon:
        return Daemon([link], machine, machine, manager, memory, link._observer, lambda: "")

    with asyncio.Runner() as runner:
        made = runner.run(make())
        made._opened = [link.generation]  # nothing to wait on: the rounds are asked for here
        yield made
        if made._timer is not None:
            made._timer.cancel()


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
    daemon: Daemon, machine: Machine, manager: Manager, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_now: float) -> None:
        raise RuntimeError("a bug")

    daemon.round()
    monkeypatch.setattr(link, "tick", fail)
    for _ in range(8):
        machine.now += 0.25
        with pytest.raises(RuntimeError):
            daemon.round()
        assert daemon._timer is not None
        assert not daemon._timer.cancelled()
    assert manager.signs == 1
