"""`vipservice upgrade`, beside a daemon that is played by its answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vipservice.cli import upgrade
from vipservice.cli.asking import HungUpError
from vipservice.cli.exit_codes import UNAVAILABLE, CommandError

Run = Callable[..., Any]
Answers = dict[str, list[dict[str, Any] | Exception]]


def status(version: str, incarnation: int, role: str, *, upgraded: bool = True) -> dict[str, Any]:
    came = {"from": "1.0", "stood_for": 0.412} if upgraded else None
    groups = [{"id": 1, "name": "vip", "role": role}]
    return {"version": version, "incarnation": incarnation, "upgraded": came, "groups": groups}


OLD = status("1.0", 7, "active", upgraded=False)
GONE = CommandError(UNAVAILABLE, "the daemon is not running")


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """What it says to each request, one after the other; the last one for ever."""
    found: Answers = {"status": [], "upgrade": [HungUpError()]}

    def ask(_path: Path, request: dict[str, Any], _timeout: float = 0.0) -> dict[str, Any]:
        said = found[request["command"]]
        answer = said.pop(0) if len(said) > 1 else said[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(upgrade, "ask", ask)
    monkeypatch.setattr("vipservice.cli.upgrade.time.sleep", lambda _seconds: None)
    return found


def test_it_waits_until_the_new_code_takes_part_and_says_how_it_went(run: Run, answers: Answers) -> None:
    answers["status"] = [OLD, OLD, GONE, status("2.0", 8, "initialize"), status("2.0", 8, "active")]
    result = run("upgrade")
    assert result.out == "vipservice 1.0 -> 2.0: the loop stood for 0.412 s; vip is active\n"
    assert (result.code, result.err) == (0, "")


def test_a_refusal_is_told_in_the_daemons_words(run: Run, answers: Answers) -> None:
    answers["status"] = [OLD]
    answers["upgrade"] = [{"ok": False, "detail": "refused, nothing has changed: SyntaxError"}]
    result = run("upgrade")
    assert (result.code, result.err) == (69, "vipservice: refused, nothing has changed: SyntaxError\n")


def test_a_role_that_moved_all_the_same_is_no_success(run: Run, answers: Answers) -> None:
    answers["status"] = [OLD, status("2.0", 8, "backup")]
    result = run("upgrade")
    assert result.code == 75
    assert "vip was active and is backup" in result.err


@pytest.mark.parametrize(
    "after", [GONE, status("2.0", 8, "initialize"), status("2.0", 8, "active", upgraded=False)]
)
def test_code_that_does_not_come_back_is_no_success(
    run: Run, answers: Answers, after: dict[str, Any] | Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upgrade, "BACK_WITHIN", 0.02)
    answers["status"] = [OLD, after]
    result = run("upgrade")
    assert result.code == 69
    assert "did not take part" in result.err
