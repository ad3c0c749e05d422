"""The files for systemd and launchd: parsed, checked by systemd itself where it is, and held to the code."""

import plistlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from vipservice.cli import check, exit_codes
from vipservice.cli.main import make_parser
from vipservice.config.durations import parse_duration
from vipservice.config.settings import DEFAULT_CONFIG, DEFAULT_CONTROL_SOCKET, DEFAULT_STATE_DIRECTORY

PACKAGING = Path(__file__).parents[3] / "packaging"
UNIT = PACKAGING / "systemd" / "vipservice.service"
EXECUTABLE = "/opt/vipservice/bin/vipservice"
MOST_EXPOSURE = 1.8
"""Of ten, as systemd 252 counts."""


@pytest.fixture
def unit() -> dict[str, list[str]]:
    """Every setting of the unit with all its values."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        if line and line[0] not in "#[":
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def test_systemd_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace(EXECUTABLE, "/bin/true"))
    ended = subprocess.run(
        ["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_systemd_finds_the_unit_hardly_exposed() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    ended = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    level = re.search(r"Overall exposure level for vipservice\.service: ([0-9.]+)", ended.stdout)
    assert level is not None, ended.stdout
    assert float(level[1]) <= MOST_EXPOSURE


def test_what_check_reckons_with_is_what_the_unit_says(unit: dict[str, list[str]]) -> None:
    assert parse_duration(unit["WatchdogSec"][0]) == check.WATCHDOG
    assert parse_duration(unit["RestartSec"][0]) == check.RESTART


def test_a_broken_configuration_does_not_loop_and_everything_else_is_restarted(
    unit: dict[str, list[str]],
) -> None:
    assert unit["Restart"] == ["always"]
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert unit["RestartPreventExitStatus"] == [f"{exit_codes.NOPERM} {exit_codes.CONFIG}"]


def test_a_hung_daemon_is_killed_and_its_address_left_to_the_lease(unit: dict[str, list[str]]) -> None:
    assert unit["Type"] == ["notify"]
    assert unit["WatchdogSignal"] == ["SIGKILL"]
    assert "ExecStopPost" not in unit


def test_two_capabilities_and_no_root(unit: dict[str, list[str]]) -> None:
    two = ["CAP_NET_ADMIN CAP_NET_RAW"]
    assert unit["AmbientCapabilities"] == unit["CapabilityBoundingSet"] == two
    assert unit["User"] == ["vipservice"]
    assert re.search(
        r"^u vipservice - ", (PACKAGING / "systemd" / "vipservice.sysusers").read_text(), re.MULTILINE
    )


def test_the_directories_are_the_defaults_of_the_configuration(unit: dict[str, list[str]]) -> None:
    assert Path("/run", unit["RuntimeDirectory"][0]) == DEFAULT_CONTROL_SOCKET.parent
    assert Path("/var/lib", unit["StateDirectory"][0]) == DEFAULT_STATE_DIRECTORY
    assert Path("/etc", unit["ConfigurationDirectory"][0]) == DEFAULT_CONFIG.parent


@pytest.mark.parametrize("key", ["ExecStart", "ExecReload"])
def test_the_units_commands_are_ones_that_we_take(unit: dict[str, list[str]], key: str) -> None:
    executable, *words = unit[key][0].split()
    assert executable == EXECUTABLE
    assert make_parser(words[0]).parse_args(words).command == words[0]


def test_the_launch_daemon_is_kept_alive_without_a_long_wait() -> None:
    [path] = (PACKAGING / "launchd").glob("*.plist")
    job = plistlib.loads(path.read_bytes())
    assert f"{job['Label']}.plist" == path.name
    assert job["KeepAlive"] is True
    assert job["ThrottleInterval"] == 1
    assert job["AbandonProcessGroup"] is True
    assert job["ProcessType"] == "Interactive"
    words = job["ProgramArguments"][1:]
    assert make_parser(words[0]).parse_args(words).config == DEFAULT_CONFIG
