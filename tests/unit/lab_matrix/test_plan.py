from collections.abc import Callable
from dataclasses import replace

from vipservice.lab.demo import services, steps, upkeep
from vipservice.lab.matrix.plan import PHASES, Job, Tally, Wish, estimate, most, turns
from vipservice.lab.matrix.rows import CHAINS, EVENTS
from vipservice.lab.matrix.settings import BY_NAME, SETTINGS
from vipservice.lab.matrix.trials import Trial

ATrial = Callable[..., Trial]
HOST_DIES = Wish(
    trials=3, nodes=(2,), events=frozenset({"host dies"}), settings=(BY_NAME["vipservice@10ms"],), exact=True
)
ALONE = PHASES[0]


def planned(wish: Wish) -> list[Job]:
    """All jobs of a run in which every trial is calm."""
    tally, found = Tally.of([]), []
    for phase in PHASES:
        while jobs := turns(wish, phase, tally):
            found += jobs
            for job in jobs:
                tally.add(job)
    return found


def test_every_incident_of_the_demo_is_in_the_matrix() -> None:
    events = {row.step.event for chain in CHAINS for row in chain.rows}
    known = (*vars(steps).values(), *vars(services).values(), *vars(upkeep).values())
    assert {step.event for step in known if isinstance(step, steps.Step)} == events
    assert len(EVENTS) == len(set(EVENTS))


def test_a_whole_run_gives_every_setting_every_chain_with_two_nodes() -> None:
    played = {
        (job.setting.name, chain.events[0])
        for job in planned(Wish())
        for chain in job.chains
        if job.nodes == 2
    }
    assert played == {
        (setting.name, chain.events[0]) for setting in SETTINGS for chain in CHAINS if chain.fits(setting, 2)
    }


def test_heals_are_repeated_fifteen_times_for_every_daemon() -> None:
    heals = [
        chain for job in planned(Wish()) for chain in job.chains if "the filter is removed" in chain.events
    ]
    assert len(heals) == 15 * len(SETTINGS)


def test_a_round_gives_each_setting_one_turn() -> None:
    jobs = turns(Wish(nodes=(2,)), ALONE, Tally.of([]))
    assert [job.setting.name for job in jobs] == [one.name for one in SETTINGS if not one.slow]
    assert all(len(job.chains) == len({chain.events for chain in job.chains}) for job in jobs)


def test_what_is_in_the_journal_is_not_played_again(a_trial: ATrial) -> None:
    assert turns(HOST_DIES, ALONE, Tally.of([a_trial()] * 2))
    assert not turns(HOST_DIES, ALONE, Tally.of([a_trial()] * 3))


def test_a_disturbed_trial_is_played_again_but_not_for_ever(a_trial: ATrial) -> None:
    disturbed = a_trial(disturbed=True, calm=False)
    assert turns(HOST_DIES, ALONE, Tally.of([disturbed] * (most(3) - 1)))
    assert not turns(HOST_DIES, ALONE, Tally.of([disturbed] * most(3)))


def test_the_whole_run_is_estimated_at_about_an_hour() -> None:
    assert 30 * 60 < estimate(Wish(), []) < 90 * 60
    assert estimate(HOST_DIES, []) < 60


def test_what_is_known_well_enough_is_not_played_again() -> None:
    whole = Wish(trials=1, nodes=(2,), events=frozenset({"host dies", "handover"}), exact=True)
    ours = (whole.settings[0].name, 2)
    known = frozenset((event, *ours) for event in ("host dies", "host returns"))
    (job,) = turns(replace(whole, settings=whole.settings[:1], done=known), ALONE, Tally.of([]))
    assert [chain.events for chain in job.chains] == [("handover",)]
