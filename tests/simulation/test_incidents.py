"""Incidents drawn by dice break no promise, nor does any that broke one before."""

import os
from pathlib import Path

import pytest

from tests.simulation.drawing import incident_of
from tests.simulation.incident import read
from tests.simulation.run import Run
from tests.simulation.soak import report, soak

RUNS = 64
"""The same in each run of CI, on all cores; more of them is the soak's business."""

INCIDENTS = Path(__file__).parent / "incidents"
BROKE_ONCE = sorted(INCIDENTS.glob("*.incident"))
OPEN = sorted((INCIDENTS / "open").glob("*.incident"))
"""Known and not mended yet, docs/reliability.md names them; who mends one moves its file."""


@pytest.mark.parametrize("path", BROKE_ONCE, ids=lambda path: path.stem)
def test_an_incident_that_broke_a_promise_never_does_again(path: Path) -> None:
    run = Run(read(path.read_text())).go()
    assert not run.problems, "\n".join([*run.problems, *run.stage.lan.trace])


@pytest.mark.xfail(strict=True, reason="an open defect, named in docs/reliability.md")
@pytest.mark.parametrize("path", OPEN, ids=lambda path: path.stem)
def test_an_incident_that_is_open_breaks_a_promise_still(path: Path) -> None:
    assert not Run(read(path.read_text())).go().problems


@pytest.mark.timeout(600)
def test_no_incident_drawn_by_dice_breaks_a_promise() -> None:
    failed = [
        outcome.seed for outcome in soak(iter(range(RUNS)), None, os.cpu_count() or 1) if outcome.problems
    ]
    if failed:
        run = Run(incident_of(failed[0])).go()
        pytest.fail(report(run.as_it_was, f"scripts/soak --seed {failed[0]}"))
