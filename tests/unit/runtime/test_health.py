"""Tries, states, and what they say together."""

from dataclasses import replace

import pytest

from vipservice.core.values import Health
from vipservice.runtime.health import CheckState, CheckStatus, Tally, opinion

PASSING = CheckStatus("web", "tcp", None, CheckState.PASSING)


def after(tries: str, rise: int = 2, fall: int = 3) -> CheckState:
    """The state after some tries: + good, - bad, ? could not be tried."""
    tally = Tally(rise, fall)
    for one in tries:
        tally.take({"+": True, "-": False, "?": None}[one])
    return tally.state


@pytest.mark.parametrize(
    ("tries", "state"),
    [
        ("", CheckState.UNKNOWN),
        ("+", CheckState.PASSING),
        ("--", CheckState.UNKNOWN),
        ("---", CheckState.FAILING),
        ("--+", CheckState.PASSING),
        ("+--", CheckState.PASSING),
        ("+---", CheckState.FAILING),
        ("+--+--", CheckState.PASSING),
        ("+--?-", CheckState.FAILING),
        ("+---+", CheckState.FAILING),
        ("+---+-+", CheckState.FAILING),
        ("+---++", CheckState.PASSING),
        ("????", CheckState.UNKNOWN),
    ],
)
def test_rise_and_fall(tries: str, state: CheckState) -> None:
    assert after(tries) is state


def test_only_the_try_that_turns_it_says_so() -> None:
    tally = Tally(rise=2, fall=2)
    said = [tally.take(good) for good in (True, False, False, False, True, True)]
    assert said == [True, False, True, False, False, True]


def test_no_checks_are_good_health() -> None:
    assert opinion([]).health is Health.GOOD


def test_a_must_that_fails_is_bad_health_with_its_reason() -> None:
    failing = replace(PASSING, state=CheckState.FAILING, detail="Connection refused")
    found = opinion([PASSING, failing])
    assert found.health is Health.BAD
    assert found.detail == "web: Connection refused"


def test_a_must_without_a_result_is_neither() -> None:
    assert opinion([PASSING, replace(PASSING, state=CheckState.UNKNOWN)]).health is Health.UNKNOWN


def test_weights_of_failing_checks_add_up_and_are_no_bad_health() -> None:
    light = replace(PASSING, weight=5, state=CheckState.FAILING)
    heavy = replace(PASSING, weight=20, state=CheckState.FAILING)
    fine = replace(PASSING, weight=50)
    found = opinion([light, heavy, fine])
    assert (found.health, found.weight) == (Health.GOOD, 25)


def test_a_weight_without_a_result_makes_nothing_unknown() -> None:
    assert opinion([PASSING, replace(PASSING, weight=5, state=CheckState.UNKNOWN)]).health is Health.GOOD
