"""Whoever looks, and however badly they behave, the election does not notice: a short run of the record."""

import pytest

from vipservice.lab.namespaces import problem
from vipservice.lab.observing import measure
from vipservice.lab.observing.scenes import SCENES

pytestmark = [pytest.mark.live, pytest.mark.quiet, pytest.mark.timeout(120)]


def test_neither_a_scrape_nor_a_hundred_hasty_or_slow_clients_move_anything() -> None:
    reason = problem()
    if reason is not None:
        pytest.skip(reason)
    told: list[str] = []
    outcomes = {one["scene"]: one for one in measure.perform(("10ms",), 1, 2.0, told.append)}
    assert set(outcomes) == set(SCENES)
    for name, one in outcomes.items():
        assert (one["role_changes"], one["two_owners"], one["no_owner"]) == (0, 0.0, 0.0), (name, one)
    assert outcomes["prometheus"]["answered"] >= 1
    assert outcomes["crowd"]["answered"] >= 10
    assert outcomes["slow"]["answered"] >= 100, "connections that the slow ones opened"
    # A snapshot serves everybody for 50 ms: a hundred who ask cost the loop no more than twenty a second.
    assert outcomes["crowd"]["snapshots"] <= 25 * outcomes["crowd"]["seconds"]
