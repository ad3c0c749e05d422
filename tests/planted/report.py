"""Planted bugs as a table: on the terminal, in the record, and on the page."""

from collections.abc import Sequence
from typing import Any

from tests.planted.trial import Trial
from vipservice.lab.results import Record, table

NAME = "planted_bugs"
"""Of the record."""

NAMED = 5
"""Tests that the record names for each bug; the others are counted."""


def line_of(trial: Trial) -> str:
    """One line for the terminal."""
    if trial.survived:
        return f"SURVIVED  {trial.bug.name} ({trial.seconds:.0f} s)"
    first, *others = trial.catchers
    more = f" and {len(others)} more" if others else ""
    return f"caught    {trial.bug.name}: {first}{more} ({trial.seconds:.0f} s)"


def figures_of(trials: Sequence[Trial], every_part: bool) -> dict[str, Any]:
    """What is kept: each bug with the tests that caught it. `every_part`: nothing was left out."""
    return {
        "every_part": every_part,
        "bugs": [
            {
                "name": trial.bug.name,
                "breaks": trial.bug.breaks,
                "file": trial.bug.file,
                "caught_by": trial.catchers[:NAMED],
                "catchers": len(trial.catchers),
                "parts": [part for part, tests in trial.caught.items() if tests],
                "seconds": round(trial.seconds, 1),
            }
            for trial in trials
        ],
    }


def with_kept(
    figures: dict[str, Any], kept: dict[str, dict[str, Any]], names: Sequence[str]
) -> dict[str, Any]:
    """The figures with those of an earlier record, in the order of `names`."""
    found = {**kept, **{one["name"]: one for one in figures["bugs"]}}
    return {**figures, "bugs": [found[name] for name in names]}


def markdown(record: Record) -> str:
    """The record as the page shows it."""
    bugs = record.figures["bugs"]
    survived = [bug for bug in bugs if not bug["catchers"]]
    verdict = f"{len(bugs)} bugs were planted, the suite caught {len(bugs) - len(survived)} of them."
    counted = "in the whole suite" if record.figures["every_part"] else "in the first part that failed"
    header = ["bug", "what it breaks", "a test that catches it", f"tests {counted}"]
    return f"{verdict} {record.provenance}\n\n{table(header, [_row(bug) for bug in bugs])}\n"


def _row(bug: dict[str, Any]) -> list[str]:
    first = f"`{bug['caught_by'][0].removeprefix('tests/')}`" if bug["catchers"] else "**none**"
    return [bug["name"], bug["breaks"], first, str(bug["catchers"])]
