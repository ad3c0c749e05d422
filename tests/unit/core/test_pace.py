"""Schedules and budgets: a longer interval is announced first, announcements, damping."""

from math import inf

from vipservice.core.announcing import Announcing
from vipservice.core.budgets import CALM, MOVES_A_MINUTE, Damping
from vipservice.core.pace import LONGER_ANNOUNCED, Pace


def test_a_longer_interval_is_advertised_three_times_at_the_old_pace_before_it_is_used() -> None:
    pace = Pace(0.1)
    pace.change(1.0)
    for _ in range(LONGER_ANNOUNCED):
        assert (pace.advertised, pace.kept) == (1.0, 0.1)
        pace.sent()
    assert pace.kept == 1.0


def test_a_shorter_interval_is_used_at_once() -> None:
    pace = Pace(1.0)
    pace.change(0.1)
    assert (pace.advertised, pace.kept) == (0.1, 0.1)


def test_a_longer_interval_taken_back_in_time_changes_nothing() -> None:
    pace = Pace(0.1)
    pace.change(1.0)
    pace.sent()
    pace.change(0.1)
    pace.sent()
    assert (pace.advertised, pace.kept) == (0.1, 0.1)


def test_announcements_stop_when_the_address_is_given_up() -> None:
    announcing = Announcing(60.0)
    announcing.start(0.0)
    announcing.stop()
    assert announcing.deadline == inf and not announcing.due(10.0)


def test_a_late_wake_up_announces_once_and_not_for_every_moment_missed() -> None:
    announcing = Announcing(60.0)
    announcing.start(0.0)
    assert announcing.due(3.0)
    assert announcing.deadline == 5.0


def test_the_takeover_schedule_runs_until_its_last() -> None:
    announcing = Announcing(60.0)
    announcing.start(0.0)
    assert announcing.opening
    announcing.due(5.0)
    assert announcing.deadline == 65.0
    assert not Announcing(60.0).opening


def test_more_than_three_moves_in_a_minute_hold_back_further_ones_until_a_minute_of_calm() -> None:
    damping = Damping()
    for second in range(MOVES_A_MINUTE):
        damping.moved(float(second))
    assert not damping.holds_back(3.0)
    damping.moved(3.0)
    assert damping.holds_back(3.0 + CALM - 0.1)
    assert not damping.holds_back(3.0 + CALM)


def test_slow_moves_are_never_damped() -> None:
    damping = Damping()
    for number in range(20):
        damping.moved(number * 21.0)
        assert not damping.holds_back(number * 21.0)
