"""Hooks: in order, one at a time in a group, the latest word of each matter, and everything they are told."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from vipservice.adapters.worker.children import Programs
from vipservice.adapters.worker.errands import AllErrands, environment
from vipservice.config.check_settings import HookSettings, hook_to_json

ROLES = frozenset({"active", "backup", "fault"})


def hook(script: str, name: str = "hook", on: frozenset[str] = ROLES, timeout: float = 5.0) -> dict[str, Any]:
    return hook_to_json(HookSettings(name, ("/bin/sh", "-c", script), on, timeout))


def run(hooks: list[dict[str, Any]], *occasions: tuple[str, str]) -> list[Mapping[str, Any]]:
    """What the worker says after these occasions (a matter and an event each), all told at once."""

    async def play() -> list[Mapping[str, Any]]:
        said: list[Mapping[str, Any]] = []
        errands = AllErrands(said.append, Programs())
        errands.take({"1": hooks})
        for number, (matter, event) in enumerate(occasions):
            errands.happened(1, matter, {"event": event, "number": number})
        await errands.finish(10)
        await errands.close()
        return said

    return asyncio.run(play())


def test_hooks_are_run_in_the_order_of_the_file(tmp_path: Path) -> None:
    log = tmp_path / "log"
    run([hook(f"sleep 0.1; echo first >> {log}"), hook(f"echo second >> {log}", "b")], ("role", "active"))
    assert log.read_text() == "first\nsecond\n"


def test_of_several_roles_that_wait_only_the_latest_is_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    said = run(
        [hook(f'echo "$VIPSERVICE_EVENT $VIPSERVICE_STANDS_FOR" >> {log}')],
        ("role", "active"),
        ("role", "backup"),
        ("role", "active"),
        ("role", "backup"),
    )
    assert log.read_text() == "backup 4\n"
    assert len(said) == 1


def test_an_occasion_is_run_only_by_hooks_that_want_it() -> None:
    said = run(
        [hook("exit 0"), hook("exit 0", "conflicts", frozenset({"conflict"}))],
        ("role", "active"),
        ("conflict", "conflict"),
    )
    assert [(one["hook"], one["event"]) for one in said] == [("hook", "active"), ("conflicts", "conflict")]


@pytest.mark.parametrize(
    ("script", "result", "status"),
    [("exit 0", "ok", 0), ("exit 7", "failed", 7), ("kill -9 $$", "failed", -9)],
)
def test_the_end_of_each_run_is_told(script: str, result: str, status: int) -> None:
    (said,) = run([hook(f"echo because; {script}")], ("role", "active"))
    assert (said["result"], said["status"], said["output"]) == (result, status, "because")


def test_a_hook_that_takes_too_long_is_killed_and_the_next_one_runs() -> None:
    said = run([hook("sleep 60", "slow", timeout=0.1), hook("exit 0")], ("role", "active"))
    assert [one["result"] for one in said] == ["timed_out", "ok"]


def test_a_program_that_is_not_there_is_not_started() -> None:
    missing = hook_to_json(HookSettings("gone", ("/nonexistent/hook",), ROLES, 5.0))
    (said,) = run([missing], ("role", "active"))
    assert (said["result"], said["status"]) == ("not_started", None)


def test_the_context_comes_on_standard_input_and_in_the_environment(tmp_path: Path) -> None:
    given, variables = tmp_path / "given", tmp_path / "variables"
    run([hook(f"cat > {given}; env > {variables}")], ("role", "active"))
    assert json.loads(given.read_text()) == {"event": "active", "number": 0, "stands_for": 1}
    lines = variables.read_text().splitlines()
    assert {"VIPSERVICE_EVENT=active", "VIPSERVICE_NUMBER=0"} <= set(lines)
    assert {line.split("=")[0] for line in lines if not line.startswith("VIPSERVICE_")} <= {
        "PATH", "LANG", "PWD", "SHLVL", "_", "OLDPWD",
    }  # fmt: skip


def test_values_become_words() -> None:
    context = {"replay": True, "addresses": ["10.0.0.1", "10.0.0.2"], "detail": "a\0b"}
    assert environment(context) == {
        "VIPSERVICE_REPLAY": "true",
        "VIPSERVICE_ADDRESSES": "10.0.0.1 10.0.0.2",
        "VIPSERVICE_DETAIL": "ab",
    }


def test_groups_do_not_wait_for_each_other() -> None:
    async def play() -> list[Mapping[str, Any]]:
        said: list[Mapping[str, Any]] = []
        errands = AllErrands(said.append, Programs())
        errands.take({"1": [hook("sleep 60", timeout=60.0)], "2": [hook("exit 0")]})
        errands.happened(1, "role", {"event": "active"})
        errands.happened(2, "role", {"event": "active"})
        await errands.finish(0.5)
        await errands.close()
        return said

    assert [one["group"] for one in asyncio.run(play())] == [2]
