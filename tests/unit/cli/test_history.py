"""`vipservice history`, asked of a daemon or read from what the last one left."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vipservice.adapters.journal import FILE
from vipservice.core.actions import PhaseMeasured, Turned
from vipservice.core.roles import Reason, Role
from vipservice.core.values import GroupId
from vipservice.runtime.history import Forgetful, History

Run = Callable[..., Any]
Daemon = Callable[[dict[str, Any]], Path]


@pytest.fixture
def entries() -> list[dict[str, Any]]:
    """A start and a takeover."""
    history = History(7, Forgetful(), wall_clock=lambda: 1_795_348_994.12)
    history.started("0.1.0")
    history.measured(PhaseMeasured(GroupId(1), "bind", 0.0004))
    detail = "node-\x1b[2Jb handed over"
    history.turned(Turned(GroupId(1), Role.BACKUP, Role.ACTIVE, Reason.HANDOVER_TAKEN, detail), "vip", {})
    read: list[dict[str, Any]] = json.loads(history.to_json())
    return read


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")


def test_turns_are_told_the_newest_last_with_why_and_how_long(
    run: Run, daemon: Daemon, entries: list[dict[str, Any]], requests: list[dict[str, Any]]
) -> None:
    result = run("history", "--group", "vip", "-n", "5", "--socket", daemon({"history": entries}))
    assert requests == [{"command": "history", "group": "vip", "limit": 5}]
    first, last = result.out.splitlines()
    assert first.endswith("  vipservice 0.1.0 started")
    assert "  7-2  vip: backup -> active: node-?[2Jb handed over  (bind 0.4 ms)" in last
    assert result.code == 0


def test_as_json_every_detail_is_there(run: Run, daemon: Daemon, entries: list[dict[str, Any]]) -> None:
    result = run("history", "--json", "--socket", daemon({"history": entries}))
    assert json.loads(result.out) == entries


def test_without_a_daemon_its_file_is_read_and_that_is_said(
    run: Run, tmp_path: Path, entries: list[dict[str, Any]]
) -> None:
    (tmp_path / FILE).write_text("".join(f"{json.dumps(one)}\n" for one in reversed(entries)))
    result = run("history", "--socket", tmp_path / "none.sock", "--state", tmp_path)
    assert result.code == 0
    assert len(result.out.splitlines()) == 2
    assert "the daemon is not running" in result.err
    assert f"this is what it left in {tmp_path}" in result.err


def test_without_daemon_and_file_there_is_the_sentence_about_the_daemon(run: Run, tmp_path: Path) -> None:
    result = run("history", "--socket", tmp_path / "none.sock", "--state", tmp_path)
    assert (result.code, result.out) == (69, "")
    assert "the daemon is not running" in result.err


def test_a_limit_of_nothing_is_refused(run: Run) -> None:
    result = run("history", "-n", "0")
    assert result.code == 64
    assert "at least 1" in result.err
