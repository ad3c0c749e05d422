"""Booted machines for the tests: a pair that all of them share, and one on which nothing is installed."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from vipservice.lab.booted import layer as layers
from vipservice.lab.booted.control_groups import ControlGroups
from vipservice.lab.booted.machine import Machine
from vipservice.lab.booted.needs import problem
from vipservice.lab.booted.pair import ADDRESS, Pair
from vipservice.lab.client import Outage
from vipservice.lab.clock import now
from vipservice.lab.lan import Lan
from vipservice.lab.ownership import Ownership


@pytest.fixture(autouse=True, scope="session")
def _needs_systemd() -> None:
    reason = problem()
    if reason is not None and os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; in CI this is never skipped")
    if reason is not None:
        pytest.skip(reason)


@dataclass(frozen=True, slots=True)
class Watch:
    """What happens to the address from the making of this on, as the kernels and the client see it."""

    pair: Pair
    since: float
    role_lines_after: dict[str, str]

    @classmethod
    def begin(cls, pair: Pair) -> "Watch":
        cursors = {name: machine.cursor() for name, machine in pair.machines.items()}
        return cls(pair, now(), cursors)

    def seen(self, for_at_least: float = 0.0) -> Outage:
        return self.pair.seen(self.since, for_at_least)

    def owned(self) -> Ownership:
        return self.pair.lan.owned(ADDRESS, self.since)

    def said(self, machine: Machine) -> str:
        return machine.journal(f"--after-cursor={self.role_lines_after[machine.name]}")

    def roles(self, machine: Machine) -> list[str]:
        """Its changes of role."""
        return [line for line in self.said(machine).splitlines() if line.startswith("role ")]

    def assert_nothing_lost(self, for_at_least: float = 0.0) -> None:
        """The client had every answer, and one kernel the address all the time."""
        seen = self.seen(for_at_least)
        owned = self.owned()
        assert seen.nothing_lost, seen
        assert (owned.none, owned.several, owned.moves) == (0, 0, 0), owned


@pytest.fixture(scope="session")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What lies over this machine's root on the booted ones."""
    return layers.make(tmp_path_factory.mktemp("layer"))


@pytest.fixture(scope="session")
def shared_pair(layer: Path) -> Iterator[Pair]:
    with Pair(layer, lambda machine: machine.run(layers.COMMAND, "install")) as pair:
        yield pair


@pytest.fixture
def pair(shared_pair: Pair) -> Pair:
    """Both machines run the service as it comes, one of them with the address, and a client asks for it."""
    shared_pair.reset()
    return shared_pair


@pytest.fixture
def watch(pair: Pair) -> Watch:
    """Looks at the pair from the beginning of the test on."""
    return Watch.begin(pair)


@pytest.fixture
def active(pair: Pair) -> Machine:
    """The machine that has the address when the test begins."""
    return pair.active


@pytest.fixture(scope="module")
def lone(layer: Path) -> Iterator[Machine]:
    """A machine that has booted, with the program in /opt/vipservice and nothing else of ours."""
    with ControlGroups("lone") as groups, Lan(("lone",)) as lan:
        machine = Machine(lan.node("lone"), layer, groups.paths)
        machine.begin_boot()
        machine.wait_until_up()
        yield machine
