"""The fault matrix at 10, 5 and 2 ms: whatever takes a host away shares a bar; handovers keep theirs."""

from collections.abc import Iterator

import pytest

from tests.live.daemon.conftest import Bench, held, never_two, shown
from vipservice.lab.demo import steps
from vipservice.lab.demo.cluster import Cluster

pytestmark = [pytest.mark.live, pytest.mark.quiet, pytest.mark.timeout(120)]


@pytest.fixture(scope="module", params=["10ms", "5ms", "2ms"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with Cluster(("a", "b"), interval=request.param, gateway=True) as cluster:
        made = Bench(cluster)
        made.begin()
        yield made


@pytest.mark.parametrize(
    ("incident", "end"),
    [
        (steps.HOST_DIES, steps.HOST_RETURNS),
        (steps.CABLE_CUT, steps.CABLE_BACK),
        (steps.CUT_OFF, steps.COMES_BACK),
    ],
    ids=lambda step: step.event,
)
def test_the_address_moves_within_a_few_intervals(
    bench: Bench, incident: steps.Step, end: steps.Step
) -> None:
    moved, mended = bench.trials((incident, end), 3)
    assert never_two(moved)
    assert held(moved), shown(moved)
    assert held(mended), shown(mended)


def test_a_handover_costs_what_it_costs_at_any_pace(bench: Bench) -> None:
    (row,) = bench.trials((steps.HANDOVER,), 3)
    assert never_two(row)
    assert held(row), shown(row)


def test_a_killed_daemon_costs_what_it_costs_at_any_pace(bench: Bench) -> None:
    (row,) = bench.trials((steps.KILLED,), 1)
    assert never_two(row)
    assert held(row), shown(row)
