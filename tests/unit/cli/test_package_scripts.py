"""What the .deb and the .rpm do to a running service: their scripts, with every command played."""

import subprocess
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parents[3] / "packaging" / "packages"
COMMANDS = ("systemctl", "systemd-sysusers", "chgrp", "chmod", "find", "rm", "python3")


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
            command.write_text(f'#!/bin/sh\necho "{name} $*" >> {self._said}\n')
            command.chmod(0o755)

    def __call__(self, script: str, *arguments: str) -> list[str]:
        text = (PACKAGES / script).read_text()
        played = text.replace("/usr/bin/python3", "python3").replace("/run/systemd/system", str(self._folder))
        self._said.write_text("")
        subprocess.run(
            ["/bin/sh", "-c", played, script, *arguments],
            env={"PATH": str(self._folder / "bin")}, check=True, timeout=10,
        )  # fmt: skip
        return [line for line in self._said.read_text().splitlines() if line.startswith("systemctl")]


@pytest.mark.parametrize("argument", [("configure", ""), ("1",)])
def test_a_first_installation_starts_nothing(ran: Ran, argument: tuple[str, ...]) -> None:
    assert ran("after_install.sh", *argument) == ["systemctl daemon-reload"]


@pytest.mark.parametrize("argument", [("configure", "0.1.0"), ("2",)])
def test_an_upgrade_restarts_what_runs_and_nothing_else(ran: Ran, argument: tuple[str, ...]) -> None:
    assert ran("after_install.sh", *argument) == [
        "systemctl daemon-reload",
        "systemctl try-restart vipservice.service",
    ]


@pytest.mark.parametrize("argument", ["upgrade", "1"])
def test_before_an_upgrade_the_service_is_left_alone(ran: Ran, argument: str) -> None:
    assert ran("before_remove.sh", argument) == []


@pytest.mark.parametrize("argument", ["remove", "0"])
def test_a_removal_ends_the_service_first(ran: Ran, argument: str) -> None:
    assert ran("before_remove.sh", argument) == ["systemctl disable --now vipservice.service"]
