"""Incidents drawn by dice break no promise, nor does any that broke one before."""

from pathlib import Path
from time import perf_counter

import pytest

from tests.simulation.drawing import incident_of
from tests.simulation.incident import read
from tests.simulation.run import Run
from tests.simulation.soak import report

RUNS = 120
BUDGET = 55.0
"""Seconds on a busy machine; what is not reached then is left to the soak."""

BROKE_ONCE = sorted((Path(__file__).parent / "incidents").glob("*.incident"))


@pytest.mark.parametrize("path", BROKE_ONCE, ids=lambda path: path.stem)
def test_an_incident_that_broke_a_promise_never_does_again(path: Path) -> None:
    run = Run(read(path.read_text())).go()
    assert not run.problems, "\n".join([*run.problems, *run.stage.lan.trace])


def test_no_incident_drawn_by_dice_breaks_a_promise() -> None:
    started = perf_counter()
    for seed in range(RUNS):
        run = Run(incident_of(seed)).go()
        if run.problems:
            pytest.fail(report(run.as_it_was, f"scripts/soak --seed {seed}"))
        if perf_counter() - started > BUDGET:
            assert seed > RUNS / 6, "the machine is too busy to say anything"
            return
