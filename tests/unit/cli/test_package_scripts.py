"""What the .deb and the .rpm do to a running service: their scripts, with every command played."""

import subprocess
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parents[3] / "packaging" / "packages"
COMMANDS = ("systemctl", "systemd-sysusers", "chgrp", "chmod", "find", "rm", "python3", "vipservice")


@pytest.fixture
def ran(tmp_path: Path) -> "Ran":
    """Runs a script where systemd runs and nothing else is real."""
    return Ran(tmp_path)


class Ran:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._said = folder / "said"
        (folder / "bin").mkdir()
        for name in COMMANDS:
            command = folder / "bin" / name
            command.write_text(
                f'#!/bin/sh\necho "{name} $*" >> {self._said}\ntest ! -e {folder}/"{name} $1".fails\n'
            )
            command.chmod(0o755)

    def __call__(self, script: str, *arguments: str) -> list[str]:
        text = (PACKAGES / script).read_text()
        played = text.replace("/usr/bin/python3", "python3").replace("/run/systemd/system", str(self._folder))
        self._said.write_text("")
        subprocess.run(
            ["/bin/sh", "-c", played, script, *arguments],
            env={"PATH": str(self._folder / "bin")}, check=True, timeout=10,
        )  # fmt: skip
        told = self._said.read_text().splitlines()
        return [line for line in told if line.startswith(("systemctl", "vipservice"))]

    def fail(self, command: str) -> None:
        """Let this command, with this first argument, end with 1."""
        (self._folder / f"{command}.fails").touch()


@pytest.mark.parametrize("argument", [("configure", ""), ("1",)])
def test_a_first_installation_starts_nothing(ran: Ran, argument: tuple[str, ...]) -> None:
    assert ran("after_install.sh", *argument) == ["systemctl daemon-reload"]


UPGRADES = [("configure", "0.1.0"), ("2",)]
RUNS = ["systemctl daemon-reload", "systemctl --quiet is-active vipservice.service"]


@pytest.mark.parametrize("argument", UPGRADES)
def test_an_upgrade_happens_in_place(ran: Ran, argument: tuple[str, ...]) -> None:
    assert ran("after_install.sh", *argument) == [*RUNS, "vipservice upgrade"]


@pytest.mark.parametrize("argument", UPGRADES)
def test_where_it_cannot_the_service_is_restarted(ran: Ran, argument: tuple[str, ...]) -> None:
    ran.fail("vipservice upgrade")
    restarted = "systemctl try-restart vipservice.service"
    assert ran("after_install.sh", *argument) == [*RUNS, "vipservice upgrade", restarted]


@pytest.mark.parametrize("argument", UPGRADES)
def test_an_upgrade_leaves_a_service_that_is_stopped_alone(ran: Ran, argument: tuple[str, ...]) -> None:
    ran.fail("systemctl --quiet")
    assert ran("after_install.sh", *argument) == RUNS


@pytest.mark.parametrize("argument", ["upgrade", "1"])
def test_before_an_upgrade_the_service_is_left_alone(ran: Ran, argument: str) -> None:
    assert ran("before_remove.sh", argument) == []


@pytest.mark.parametrize("argument", ["remove", "0"])
def test_a_removal_ends_the_service_first(ran: Ran, argument: str) -> None:
    assert ran("before_remove.sh", argument) == ["systemctl disable --now vipservice.service"]
