"""`vipservice status --watch`: asks again and again, also while the daemon is away, and shows the answers."""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from vipservice.cli import exit_codes
from vipservice.cli.asking import Answer, ask
from vipservice.cli.exit_codes import CommandError
from vipservice.cli.status_tables import addresses, owner, printable, sentences

TURNS = 50
"""Entries of the history asked for: as many as the tallest screen shows."""


class Show(AbstractContextManager["Show"], Protocol):
    """What becomes of the answers, from `with` to its end."""

    def take(self, status: Answer, turns: Callable[[], list[dict[str, Any]]]) -> None:
        """The daemon answered; `turns` asks it for its latest history, newest first."""

    def silence(self, sentence: str) -> None:
        """It did not, and why."""


def watch(
    path: Path, period: float, *, as_json: bool = False, sleep: Callable[[float], None] = time.sleep
) -> int:
    """Ask each `period` seconds until Ctrl-C; the exit code.

    Raises:
        CommandError: Nobody answered the very first question.
    """
    first: Answer | None = ask(path, {"command": "status"})
    try:
        with _choose(as_json) as show:
            while True:
                _ask_once(path, show, first)
                first = None
                sleep(period)
    except KeyboardInterrupt:
        return exit_codes.OK


def _ask_once(path: Path, show: Show, answer: Answer | None) -> None:
    def turns() -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = ask(path, {"command": "history", "limit": TURNS})["history"]
        return entries

    try:
        show.take(answer or ask(path, {"command": "status"}), turns)
    except CommandError as error:
        show.silence(error.sentence)


def _choose(as_json: bool) -> Show:
    """A screen where there is one that can be drawn on."""
    if as_json:
        return JsonLines()
    if sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in {"dumb", "unknown", ""}:
        from vipservice.cli.status_screen import Screen  # noqa: PLC0415 - Rich costs 60 ms

        return Screen()
    return Lines()


class Printed:
    """A show that prints and has nothing to tidy up."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class JsonLines(Printed):
    """Each answer as one line of JSON."""

    def take(self, status: Answer, turns: Callable[[], list[dict[str, Any]]]) -> None:  # noqa: ARG002
        """Print it."""
        print(json.dumps(status), flush=True)

    def silence(self, sentence: str) -> None:
        """Say it where it is no JSON."""
        print(f"vipservice: {sentence}", file=sys.stderr, flush=True)


class Lines(Printed):
    """A line for each thing that is different now; for pipes and for terminals that can only print."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def take(self, status: Answer, turns: Callable[[], list[dict[str, Any]]]) -> None:  # noqa: ARG002
        """Print what is over, and what is new or different."""
        told = {group["name"]: _tell(group) for group in status["groups"]}
        told |= {f"! {sentence}": f"! {sentence}" for sentence in sentences(status)}
        for key in self._said:
            if key not in told:
                _print(f"over: {key.removeprefix('! ')}")
        for key, line in told.items():
            if self._said.get(key) != line:
                _print(line)
        self._said = told

    def silence(self, sentence: str) -> None:
        """Print it once."""
        if self._said != {sentence: sentence}:
            _print(f"! {sentence}")
            self._said = {sentence: sentence}


def _tell(group: dict[str, Any]) -> str:
    """A group without any number that ticks: `vip: active; node-a has 10.99.0.234; standbys 1; because`."""
    standbys = group["standbys"] or "none"
    return (
        f"{group['name']}: {group['role']}; {owner(group)} has {addresses(group)}; "
        f"standbys {standbys}; {group['detail']}"
    )


def _print(line: str) -> None:
    print(time.strftime("%Y-%m-%d %H:%M:%S"), printable(line), sep="  ", flush=True)
