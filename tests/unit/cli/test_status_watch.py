"""`status --watch`: a screen, lines for a pipe, JSON; while the daemon answers and while it doesn't."""

import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, ConsoleDimensions

from tests.unit.cli.test_asking import snapshot
from vipservice.cli import status_watch
from vipservice.cli.exit_codes import CommandError
from vipservice.cli.status_screen import LOWEST_TOP, Screen, chart, picture

Status = dict[str, Any]
Play = Callable[..., None]

TURNS = [
    {
        "time": "2026-11-22T12:03:04.120Z",
        "event": "transition",
        "group": "web",
        "from": "probing",
        "to": "active",
        "detail": "6 probes unanswered\x1b[2J",
    },
    {
        "time": "2026-11-22T12:03:00Z",
        "event": "started",
        "group": "",
        "from": "",
        "to": "",
        "detail": "it began",
    },
]


def changed(**group: Any) -> Status:
    """What the daemon answers when its first group is different."""
    status = snapshot()
    status["groups"][0] |= group
    return status


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    """Have these answers (or silences) given one after the other, and then Ctrl-C."""

    def play(*answers: Status | CommandError, **how: Any) -> None:
        left: Iterator[Status | CommandError] = iter(answers)
        slept: list[float] = []

        def ask(path: Path, request: Status) -> Status:
            if request["command"] == "history":
                return {"history": TURNS[: request["limit"]]}
            answer = next(left)
            if isinstance(answer, CommandError):
                raise answer
            return answer

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == len(answers):
                raise KeyboardInterrupt

        monkeypatch.setattr(status_watch, "ask", ask)
        assert status_watch.watch(Path("socket"), 0.5, sleep=sleep, **how) == 0
        assert slept == [0.5] * len(answers)

    return play


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines without their time."""
    return [line.split("  ", 1)[1] for line in capsys.readouterr().out.splitlines()]


def test_in_a_pipe_only_what_changes_is_told(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    moved = changed(role="backup", owner="node-b", detail="handed over to node-b", since_ago=0.1)
    play(snapshot(), changed(since_ago=11.0, lease_left=2.2), moved)
    assert said(capsys) == [
        "web: active; node-a has 192.168.3.234; standbys 1; because",
        "mail: backup; 2 OWNERS has 192.168.3.234 (bound); standbys none; because",
        "! mail: conflict: a stranger?[2J answers",
        "! there is no interface eth7",
        "! the last reload failed; the configuration before it is in force",
        "web: backup; node-b has 192.168.3.234 (bound); standbys 1; handed over to node-b",
    ]


def test_in_a_pipe_what_is_over_is_told_too(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    play(snapshot(), snapshot() | {"waiting": []})
    assert said(capsys)[-1] == "over: there is no interface eth7"


def test_a_daemon_that_goes_away_and_comes_back_is_told_once(
    play: Play, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = CommandError(69, "the daemon is not running")
    play(snapshot(), gone, gone, snapshot())
    lines = said(capsys)
    assert lines.count("! the daemon is not running") == 1
    assert lines[-6:-4] == [
        "over: the daemon is not running",
        "web: active; node-a has 192.168.3.234; standbys 1; because",
    ]


def test_a_daemon_that_never_answered_is_an_error(play: Play) -> None:
    with pytest.raises(CommandError):
        play(CommandError(69, "the daemon is not running"))


def test_json_is_a_line_for_each_answer(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    play(snapshot(), changed(role="backup"), as_json=True)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        snapshot(),
        changed(role="backup"),
    ]


@pytest.mark.parametrize("term", ["dumb", "unknown", None])
def test_a_terminal_that_can_only_print_is_treated_as_a_pipe(
    play: Play, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, term: str | None
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    if term is None:
        monkeypatch.delenv("TERM", raising=False)
    else:
        monkeypatch.setenv("TERM", term)
    play(snapshot())
    assert "\x1b" not in capsys.readouterr().out


def drawn(
    status: Status, width: int = 150, height: int = 40, *, turns: Sequence[Status] = TURNS, silence: str = ""
) -> str:
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(picture(status, turns, ConsoleDimensions(width, height), silence=silence))
    written = console.file
    assert isinstance(written, io.StringIO)
    return written.getvalue()


def test_the_screen_has_groups_nodes_charts_alarms_and_turns() -> None:
    screen = drawn(snapshot())
    for words in (
        "node-a, vipservice 0.1.0",
        "! mail: conflict: a stranger?[2J answers",
        "● active",
        "2 OWNERS",
        "! silent",
        "▄x▅",
        "web: probing → active",
        "6 probes unanswered?[2J",
        "started",
    ):
        assert words in screen
    assert "\x1b" not in screen


@pytest.mark.parametrize("width", [40, 60, 80, 100, 150, 250])
def test_no_line_of_the_screen_is_wider_than_the_terminal_and_names_and_roles_stay(width: int) -> None:
    screen = drawn(snapshot(), width)
    assert max(map(len, screen.splitlines())) <= width
    assert "node-b" in screen
    assert width < 60 or "● active" in screen


def test_a_low_terminal_shows_the_latest_turns_only() -> None:
    screen = drawn(snapshot(), height=12, turns=TURNS * 10)
    assert screen.count("probing → active") + screen.count("it began") == 3


def test_round_trips_are_bars_of_one_scale() -> None:
    assert chart((0.0, LOWEST_TOP / 2, LOWEST_TOP, None), LOWEST_TOP) == "▁▅█x"


def test_the_screen_is_drawn_with_each_answer_and_given_back_at_the_end() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=30)
    written = console.file
    assert isinstance(written, io.StringIO)
    with Screen(console) as screen:
        screen.silence("nothing has been drawn yet")
        screen.take(snapshot(), lambda: TURNS)
        assert "● active" in written.getvalue()
        screen.silence("the daemon is not running")
    assert "! the daemon is not running" in written.getvalue()
    assert written.getvalue().startswith("\x1b[?1049h")  # the alternate screen, and back from it
    assert "\x1b[?1049l" in written.getvalue()
