"""Durations and round trips in words."""

from math import inf

import pytest

from vipservice.adapters.page import words
from vipservice.adapters.page.markup import element, join


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1.0, "0.0 s"),
        (0.34, "0.3 s"),
        (34, "34 s"),
        (154, "2 min 34 s"),
        (8054, "2 h 14 min"),
        (180_000, "2 d 2 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, said: str) -> None:
    assert words.duration(seconds).replace(words.NO_BREAK, " ") == said


@pytest.mark.parametrize(("seconds", "said"), [(0.1, "0.1 s ago"), (754, "12 min ago"), (inf, "never")])
def test_what_was_long_ago_is_told_roughly(seconds: float, said: str) -> None:
    assert words.ago(seconds).replace(words.NO_BREAK, " ") == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.000214, "0.21 ms"), (0.0023, "2.3 ms"), (0.0456, "46 ms"), (1.25, "1.2 s")]
)
def test_a_round_trip_has_two_or_three_digits(seconds: float, said: str) -> None:
    assert words.milliseconds(seconds).replace(words.NO_BREAK, " ") == said


def test_a_text_is_escaped_and_markup_is_not_escaped_twice() -> None:
    inner = element("b", "1 < 2", title='"')
    assert join("& ", element("p", inner, hidden=True, id=None)) == (
        '&amp; <p hidden><b title="&quot;">1 &lt; 2</b></p>'
    )
