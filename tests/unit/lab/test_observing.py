"""What is made of the figures about being observed."""

from typing import Any

import pytest

from vipservice.lab.observing import measure
from vipservice.lab.observing.scenes import SCENES
from vipservice.lab.results import Record


def outcome(scene: str, each: float, **changed: Any) -> dict[str, Any]:
    """A scene of ten seconds in which the loop woke a thousand times, `each` seconds too late."""
    lag = {"count": 1000.0, "p99": 0.001, "p99.9": 0.0025, "worst": None}
    counted = {"seconds": 10.0, "answered": 10, "refused": 0, "processor": 0.5, "snapshots": 10.0}
    made = {"interval": "10ms", "scene": scene, **counted, "building": 0.0012, "wakes": 1000.0, "lag": lag}
    calm = {"role_changes": 0, "two_owners": 0.0, "no_owner": 0.0}
    return {**made, "late": 1000 * each, **calm, **changed}


@pytest.mark.parametrize(
    ("changed", "held"),
    [
        ({}, True),
        ({"late": 1000 * 0.0009}, True),
        ({"late": 1000 * 0.0015}, False),
        ({"role_changes": 1}, False),
        ({"two_owners": 0.01}, False),
        ({"no_owner": 0.01}, False),
    ],
)
def test_a_scrape_may_cost_less_than_a_millisecond_and_nothing_may_move(
    changed: dict[str, Any], held: bool
) -> None:
    outcomes = [outcome("nobody", 0.0002), outcome("prometheus", 0.0003, **changed)]
    assert measure.held(outcomes) is held


def test_the_table_has_a_line_for_each_scene_with_what_it_cost() -> None:
    outcomes = [outcome(name, 0.0003) for name in SCENES]
    record = Record("observed", "x", "2026-11-23", "y", "z", {"load": 1.0, "outcomes": outcomes})
    lines = measure.markdown(record).splitlines()
    assert len([line for line in lines if line.startswith("| 10ms |")]) == len(SCENES)
    assert "| 300 µs | ≤ 1 ms / ≤ 2.5 ms / over 1 s | 1.0, 120 µs | 5.0% | 0 |" in lines[2]
