from collections.abc import Callable

import pytest

from vipservice.lab.matrix.summary import HELD, MISSED, NOT_JUDGED, Summary, ratio, summaries
from vipservice.lab.matrix.trials import Trial

ATrial = Callable[..., Trial]


def only(trials: list[Trial]) -> Summary:
    (found,) = summaries(trials)
    return found


def test_the_median_is_judged_and_not_the_worst(a_trial: ATrial) -> None:
    found = only([a_trial(gap=gap) for gap in (0.025, 0.027, 0.090)])
    assert (found.gap, found.worst, found.verdict) == (0.027, 0.090, HELD)


def test_a_median_above_bar_and_noise_floor_is_missed(a_trial: ATrial) -> None:
    found = only([a_trial(gap=gap) for gap in (0.025, 0.033, 0.034)])
    assert (found.verdict, found.why) == (MISSED, "33.0 ms")


def test_a_noise_floor_raises_what_is_tolerated(a_trial: ATrial) -> None:
    assert only([a_trial(gap=0.033, noise=0.004)]).verdict == HELD


def test_what_a_disturbed_trial_waited_does_not_count(a_trial: ATrial) -> None:
    found = only([a_trial(), a_trial(gap=0.5, calm=False, disturbed=True)])
    assert (found.trials, found.disturbed, found.worst, found.verdict) == (1, 1, 0.025, HELD)


def test_two_owners_in_a_disturbed_trial_count(a_trial: ATrial) -> None:
    found = only([a_trial(), a_trial(owners=2, twice=0.004, calm=False, disturbed=True)])
    assert (found.verdict, found.owners) == (MISSED, 2)
    assert found.why == "two owners for up to 4.0 ms"


def test_without_a_calm_trial_nothing_is_judged(a_trial: ATrial) -> None:
    assert only([a_trial(gap=0.5, calm=False, disturbed=True)]).verdict == NOT_JUDGED


def test_an_address_that_did_not_do_what_it_must_is_a_missed_bar(a_trial: ATrial) -> None:
    found = only([a_trial(gap=0.001), a_trial(gap=0.001, as_it_must=False)])
    assert (found.verdict, found.why) == (MISSED, "another node takes it: not so in 1 of 2 trials")


def test_what_was_waited_for_in_vain_is_named(a_trial: ATrial) -> None:
    assert only([a_trial(overdue="nobody took it")]).why == "nobody took it"


@pytest.mark.parametrize(("lost", "verdict"), [(0, HELD), (1, MISSED)])
def test_a_bar_of_zero_means_that_no_ping_is_lost(a_trial: ATrial, lost: int, verdict: str) -> None:
    assert only([a_trial(event="host returns", gap=0.001, lost=lost)]).verdict == verdict


@pytest.mark.parametrize(("twice", "verdict"), [(0.011, HELD), (0.013, MISSED)])
def test_after_a_split_two_may_own_it_for_one_advert(a_trial: ATrial, twice: float, verdict: str) -> None:
    back = a_trial(event="the cut-off owner comes back", gap=0.001, owners=2, twice=twice)
    assert only([back]).verdict == verdict


def test_other_daemons_are_measured_and_not_judged(a_trial: ATrial) -> None:
    found = only([a_trial(setting="keepalived@10ms", gap=3.0, owners=2, twice=8.0, owners_left=2)])
    assert (found.verdict, found.bar, found.for_good) == ("", None, True)


def test_a_ratio_takes_nothing_for_shorter_than_can_be_told(a_trial: ATrial) -> None:
    ours = only([a_trial(gap=0.0001, noise=0.002)])
    theirs = only([a_trial(setting="keepalived@10ms", gap=0.032, noise=0.002)])
    assert ratio(theirs, ours) == pytest.approx(16.0)


def test_summaries_stand_in_the_order_of_the_tables(a_trial: ATrial) -> None:
    mixed = [
        a_trial(nodes=3),
        a_trial(setting="ucarp@1s"),
        a_trial(),
        a_trial(event="handover", gap=0.002),
    ]
    assert [(one.nodes, one.event, one.setting) for one in summaries(mixed)] == [
        (2, "handover", "vipservice@10ms"),
        (2, "host dies", "vipservice@10ms"),
        (2, "host dies", "ucarp@1s"),
        (3, "host dies", "vipservice@10ms"),
    ]
