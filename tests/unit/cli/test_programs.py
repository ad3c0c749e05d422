"""What `check` says of programs that cannot run here."""

import os
import pwd
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from vipservice.adapters.worker import landlock
from vipservice.cli import programs
from vipservice.config.check_settings import HookSettings
from vipservice.config.settings import ResolvedGroup


def why(program: Path, user: str = "") -> list[str]:
    return list(programs.cannot_run(str(program), user))


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(programs, "SERVICE_USER", pwd.getpwuid(os.geteuid()).pw_name)
    made = tmp_path / "hook"
    made.write_text("#!/bin/sh\n")
    made.chmod(0o755)
    return made


def test_an_executable_program_can_run(script: Path) -> None:
    assert why(script) == []


def test_a_program_that_is_missing_or_not_executable_cannot(script: Path) -> None:
    script.chmod(0o644)
    assert why(script) == [f"{script} is not executable for {programs.SERVICE_USER}"]
    script.unlink()
    assert why(script) == [f"{script}: No such file or directory"]


def test_what_only_its_owner_may_execute_cannot_run_for_somebody_else(
    script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "SERVICE_USER", "nobody")
    script.chmod(0o700)
    if script.stat().st_uid != pwd.getpwnam("nobody").pw_uid:
        assert why(script) == [f"{script} is not executable for nobody"]


def test_a_user_needs_systemd_and_must_exist(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "SYSTEMD_RUNS", Path("/nonexistent"))
    assert why(script, "no-such-user") == [
        "a 'user' needs a transient unit of systemd, and systemd does not manage this machine",
        "there is no user no-such-user",
    ]


@pytest.mark.parametrize(
    ("keys", "version", "warned"), [(True, 0, True), (True, 7, False), (False, 0, False)]
)
def test_without_landlock_programs_could_read_the_keys(
    script: Path, monkeypatch: pytest.MonkeyPatch, keys: bool, version: int, warned: bool
) -> None:
    monkeypatch.setattr(landlock, "version", lambda: version)
    hook = HookSettings("notify", (str(script),), frozenset({"active"}), 5.0)
    group = cast(ResolvedGroup, SimpleNamespace(checks=(), hooks=(hook,)))
    said = [one for one in programs.warnings(group, keys) if "can read the keys" in one]
    assert bool(said) is warned
