"""The page about cost says held where a bar was held and MISSED where it was not."""

import os
from copy import deepcopy
from typing import Any

from vipservice.lab.cost.processor import Spent, family, spent
from vipservice.lab.cost.report import held, markdown
from vipservice.lab.results import Record

NODE = {"share": 0.5, "wakeups": 11.0, "resident": 33.0}
FIGURES: dict[str, Any] = {
    "runs": 1,
    "seconds": 4.0,
    "starts": 3,
    "rest": {"100ms": {"active": NODE, "backup": NODE, "floor": NODE}},
    "start": {"ready": 0.3, "best": 0.2, "answer": 0.7},
}


def recorded(figures: dict[str, Any]) -> str:
    return markdown(Record("cost", "sudo scripts/cost", "2026-11-22", "a machine", "0.1.0", figures))


def test_figures_within_every_bar_are_held() -> None:
    assert held(FIGURES)
    assert "MISSED" not in recorded(FIGURES)
    assert "| 100ms | 0.50 % (11/s) | 0.50 % (11/s) | 0.50 % (11/s) | - |" in recorded(FIGURES)


def test_an_interval_is_shown_in_microseconds_too() -> None:
    assert "| 100ms | 500 us | 500 us | 500 us |" in recorded(FIGURES)


def test_a_bar_that_was_missed_is_marked_in_its_own_line() -> None:
    figures = deepcopy(FIGURES)
    figures["rest"]["100ms"]["active"]["share"] = 0.61
    assert not held(figures)
    missed = [line for line in recorded(figures).splitlines() if "MISSED" in line]
    assert missed == ["| active at 100ms | 0.61 % of a core | 0.6 % of a core | **MISSED** |"]


def test_the_heaviest_node_is_held_against_the_bar_for_memory() -> None:
    figures = deepcopy(FIGURES)
    figures["rest"]["100ms"]["backup"]["resident"] = 41.0
    assert not held(figures)


def test_where_the_time_goes_is_shown_the_greatest_part_first_once_it_was_measured() -> None:
    figures = deepcopy(FIGURES)
    assert "main thread" not in recorded(figures)
    figures["parts"] = {"100ms": {"small": 20.0, "great": 80.0}, "10ms": {"small": 30.4, "great": 69.6}}
    lines = recorded(figures).splitlines()
    assert lines.index("| great | 80 % | 70 % |") + 1 == lines.index("| small | 20 % | 30 % |")


def test_what_nodes_take_together_is_shown_once_it_was_measured() -> None:
    figures = deepcopy(FIGURES)
    assert "all nodes together" not in recorded(figures)
    figures["together"] = [{"nodes": 5, "interval": "2ms", "largest": 20.6, "all": 97.2}]
    assert "| 5 | 2ms | 21 % | 97 % |" in recorded(figures)


def test_a_share_is_of_one_core_and_of_the_time_between() -> None:
    before, after = Spent(10.0, 1.0, 100), Spent(14.0, 1.5, 140)
    assert after.share_since(before) == 12.5
    assert after.rate_since(before) == 10.0


def test_what_this_process_has_spent_only_grows() -> None:
    before = spent(os.getpid())
    sum(range(100_000))
    assert spent(os.getpid()).seconds > before.seconds
    assert family(os.getpid())[0] == os.getpid()
