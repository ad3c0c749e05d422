"""What installing does on a Mac: the plist by launchd.plist(5), and the steps, in a folder of its own."""

import plistlib
from pathlib import Path

import pytest

from vipservice.cli.installation import changes, launchd
from vipservice.cli.installation.changes import carry_out

PROGRAM = Path("/opt/other place/bin/vipservice")

KEYS = {
    "Label": str,
    "ProgramArguments": list,
    "RunAtLoad": bool,
    "KeepAlive": bool,
    "ThrottleInterval": int,
    "ProcessType": str,
    "ExitTimeOut": int,
    "AbandonProcessGroup": bool,
    "SoftResourceLimits": dict,
    "Umask": int,
    "StandardErrorPath": str,
}
"""Those of launchd.plist(5) that we use, with the types that it takes."""


@pytest.fixture
def job() -> dict[str, object]:
    return dict(plistlib.loads(launchd.plist(PROGRAM).encode()))


def test_every_key_is_one_of_launchds_and_has_its_type(job: dict[str, object]) -> None:
    assert {key: type(value) for key, value in job.items()} == KEYS
    assert job["ProcessType"] in {"Background", "Standard", "Adaptive", "Interactive"}


def test_the_job_runs_the_program_that_is_installed(job: dict[str, object]) -> None:
    assert job["ProgramArguments"] == [str(PROGRAM), "run", "--config", "/etc/vipservice/vipservice.yml"]


def test_a_killed_daemon_is_started_again_within_a_lease_and_its_guard_outlives_it(
    job: dict[str, object],
) -> None:
    assert (job["KeepAlive"], job["ThrottleInterval"], job["AbandonProcessGroup"]) == (True, 1, True)


def test_the_file_is_named_after_the_label(job: dict[str, object]) -> None:
    assert Path(f"/Library/LaunchDaemons/{job['Label']}.plist") == launchd.PLIST
    assert f"launchctl bootstrap system {launchd.PLIST}" == launchd.START


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host whose folders lie in a folder."""
    monkeypatch.setattr(launchd, "PLIST", tmp_path / "LaunchDaemons" / launchd.PLIST.name)
    monkeypatch.setattr(launchd, "MANUAL", tmp_path / "man")
    monkeypatch.setattr(launchd, "COMMAND", tmp_path / "bin" / "vipservice")
    monkeypatch.setattr(launchd, "DEFAULT_CONFIG", tmp_path / "etc" / "vipservice.yml")
    monkeypatch.setattr(launchd, "DEFAULT_STATE_DIRECTORY", tmp_path / "state")
    return tmp_path


def test_installing_twice_does_nothing_the_second_time(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert carry_out(launchd.install(PROGRAM), pretend=False)
    assert launchd.PLIST.stat().st_mode & 0o777 == 0o644
    assert (here / "etc" / "vipservice.yml").stat().st_mode & 0o777 == 0o600
    assert launchd.COMMAND.readlink() == PROGRAM
    capsys.readouterr()
    assert not carry_out(launchd.install(PROGRAM), pretend=False)


def test_uninstalling_stops_it_first_and_leaves_the_configuration(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out(launchd.install(PROGRAM), pretend=False)
    capsys.readouterr()
    carry_out(launchd.uninstall(PROGRAM, purge=False), pretend=True)
    assert capsys.readouterr().out.splitlines()[0] == "would hand the address over and stop the service"
    steps = list(launchd.uninstall(PROGRAM, purge=False))[1:]
    carry_out(steps, pretend=False)
    assert not launchd.PLIST.exists()
    assert not launchd.COMMAND.is_symlink()
    assert (here / "etc" / "vipservice.yml").exists()


def test_a_job_that_is_not_loaded_is_no_reason_to_stop_uninstalling() -> None:
    changes.run_if_there("stop", "/bin/sh", "-c", "exit 3").do()
