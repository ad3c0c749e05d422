"""The tutorial, from its first line to its last, on two machines on which nothing is installed yet."""

import os
import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from tests.unit.documents.samples import TOP, samples_of
from vipservice.lab.booted import layer as layers
from vipservice.lab.booted.control_groups import ControlGroups
from vipservice.lab.booted.machine import CONFIGURED, Machine
from vipservice.lab.booted.needs import problem
from vipservice.lab.clock import wait_until
from vipservice.lab.lan import Lan

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

ADDRESS = IPv4Address("192.168.3.234")
SAMPLES = samples_of(TOP / "docs/tutorial.md")
TIME = re.compile(r"[0-9]+(\\\.[0-9]+)?(\\? )?(ms|s|m|h)\b")
"""How long something took, in a pattern that re.escape has made."""
COPY = re.compile(r"scp (?P<path>\S+) node-b:(?P<target>\S+)")


class Play:
    """Two hosts and a client who do what the page says."""

    def __init__(self, lan: Lan, machines: dict[str, Machine]) -> None:
        self.lan = lan
        self.machines = machines
        self.down: Machine | None = None
        """Whose interface has been taken down."""

    @property
    def active(self) -> Machine:
        [name] = self.lan.owners(ADDRESS)
        return self.machines[name]

    def run(self, place: str, command: str) -> str:
        """Carry a line out where the page says; what it prints."""
        if place == "client":
            return self.lan.client.run(shlex.split(command))
        if copied := COPY.fullmatch(command):
            self.machines["b"].write(copied["target"], self.machines["a"].run("cat", copied["path"]))
            return ""
        if place == "both":
            return "".join(machine.run("sh", "-c", command) for machine in self.machines.values())
        machine = self.at(place)
        printed = machine.run("sh", "-c", command)
        self.follow(command, machine)
        return printed

    def at(self, place: str) -> Machine:
        """The host that the page means."""
        match place:
            case "node-a" | "node-b":
                return self.machines[place[-1]]
            case "active":
                return self.active
            case "down" if self.down is not None:
                return self.down
        raise AssertionError(f"{place}: no such place")

    def follow(self, command: str, machine: Machine) -> None:
        """Wait for what the page says happens then, as its reader would."""
        if "enable" in command:
            wait_until(lambda: len(self.lan.owners(ADDRESS)) == 1, 10, "an owner")
        if "enable" in command and machine is self.machines["b"]:
            wait_until(lambda: all(map(hears, self.machines.values())), 10, "they hear each other")
        if command.endswith("eth0 down"):
            self.down = machine
            wait_until(self.other_has_it, 10, "the other has the address")
        if command.endswith("eth0 up"):
            wait_until(lambda: all(map(hears, self.machines.values())), 10, "they hear each other again")

    def other_has_it(self) -> bool:
        [other] = (machine for machine in self.machines.values() if machine is not self.down)
        return self.lan.owners(ADDRESS) == {other.name}


def hears(machine: Machine) -> bool:
    return "peers 1" in machine.show("StatusText")


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    reason = problem()
    if reason is not None and os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; in CI this is never skipped")
    if reason is not None:
        pytest.skip(reason)
    return layers.make(tmp_path_factory.mktemp("layer"))


@pytest.fixture
def play(layer: Path) -> Iterator[Play]:
    with ExitStack() as stack:
        groups = {name: stack.enter_context(ControlGroups(f"tutorial-{name}")) for name in ("a", "b")}
        lan = stack.enter_context(Lan(("a", "b"), gateway=True, network=IPv4Network("192.168.3.0/24")))
        machines = {name: Machine(lan.node(name), layer, group.paths) for name, group in groups.items()}
        for machine in machines.values():
            machine.begin_boot()
        for machine in machines.values():
            machine.wait_until_up()
        yield Play(lan, machines)


def test_the_tutorial_goes_as_it_says(play: Play) -> None:
    printed = ""
    for sample in SAMPLES:
        if sample.kind == "yaml vipservice":
            for machine in play.machines.values():
                machine.write(CONFIGURED, sample.text)
        elif sample.kind == "text":
            assert_alike(sample.text, printed)
        elif sample.place:
            printed = "".join(play.run(sample.place, line) for line in sample.text.splitlines())


def assert_alike(shown: str, printed: str) -> None:
    """Every line that is shown is printed, in that order: times may be others, and `...` is whatever."""
    rest = [squeezed(line) for line in printed.splitlines()]
    for line in filter(None, map(squeezed, shown.splitlines())):
        pattern = re.compile(TIME.sub("[0-9.]+ ?(ms|s|m|h)", re.escape(line)).replace(r"\.\.\.", ".*"))
        place = next((index for index, real in enumerate(rest) if pattern.fullmatch(real)), None)
        assert place is not None, f"{line!r} is not printed, or not there:\n{printed}"
        del rest[: place + 1]


def squeezed(line: str) -> str:
    return " ".join(line.split())


def test_an_output_that_is_otherwise_is_noticed() -> None:
    assert_alike("took 3 ms\nnode-... is active", "x\ntook  412 ms\nnode-b is active\n")
    for printed in ("took it", "node-b is active\ntook 3 ms", ""):
        with pytest.raises(AssertionError):
            assert_alike("took 3 ms\nnode-... is active", printed)
