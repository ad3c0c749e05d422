"""When the address counts as silent: how many probes, at which pace, to whom."""

from math import inf

import pytest

from tests.unit.core.conftest import VIP, Bench, MakeBench, address_of, mac_of
from vipservice.core.actions import AskNeighbours, Bind, Probe, SendAdvert
from vipservice.core.messages import Path, Question
from vipservice.core.probing import Probing
from vipservice.core.roles import Role
from vipservice.core.settings import ProbeMode
from vipservice.core.timing import Timing

OTHER = mac_of(5)
SECOND = address_of(235)
PATIENCE = 0.05


def rounds(probing: Probing, number: int, spacing: float = 0.03, fast: bool = False) -> float:
    """Send rounds on time; the moment of the last."""
    now = 0.0
    for _ in range(number):
        now = probing.due_at
        probing.round(now, spacing, fast, None)
    return now


@pytest.fixture
def probing() -> Probing:
    made = Probing((VIP,), arp_suppression=False)
    made.begin(0.0)
    return made


def test_six_unanswered_probes_are_silence_and_five_are_not(probing: Probing) -> None:
    last = rounds(probing, 5)
    assert not probing.silent(last + 0.02, PATIENCE)
    probing.round(probing.due_at, 0.03, False, None)
    assert probing.silent(probing.sent_at + 0.001, PATIENCE)


def test_the_last_probe_is_waited_for_at_least_one_millisecond(probing: Probing) -> None:
    last = rounds(probing, 6)
    assert not probing.silent(last + 0.0005, PATIENCE)
    assert probing.silent(last + 0.001, PATIENCE)


def test_three_probes_suffice_at_the_fast_pace_each_waited_for_one_spacing(probing: Probing) -> None:
    last = rounds(probing, 3, spacing=0.004, fast=True)
    assert not probing.silent(last + 0.003, PATIENCE)
    assert probing.silent(last + 0.004, PATIENCE)


def test_slow_probes_do_not_count_as_fast_ones(probing: Probing) -> None:
    rounds(probing, 2)
    probing.round(probing.due_at, 0.004, True, None)
    assert not probing.silent(probing.sent_at + 0.004, PATIENCE)


def test_any_answer_starts_the_count_anew(probing: Probing) -> None:
    rounds(probing, 5)
    probing.answered(VIP, OTHER, probing.sent_at)
    last = rounds(probing, 5)
    assert probing.holder() == OTHER
    assert not probing.silent(last + 0.02, PATIENCE)


def test_silence_is_longer_than_the_slowest_answer_before_it(probing: Probing) -> None:
    rounds(probing, 1)
    probing.answered(VIP, OTHER, probing.sent_at + 0.02)
    first = probing.due_at
    last = rounds(probing, 4, spacing=0.004, fast=True)
    assert last - first < 0.02 and not probing.silent(last + 0.004, PATIENCE)
    last = rounds(probing, 2, spacing=0.004, fast=True)
    assert probing.silent(last + 0.004, PATIENCE)


def test_a_slow_answer_delays_the_verdict_by_no_more_than_the_patience(probing: Probing) -> None:
    rounds(probing, 1)
    probing.answered(VIP, OTHER, probing.sent_at + 5.0)
    last = rounds(probing, 3, spacing=0.004, fast=True)
    assert probing.silent(last + 0.004, patience=0.01)


def test_a_verdict_older_than_two_spacings_is_void(probing: Probing) -> None:
    last = rounds(probing, 6)
    assert probing.silent(last + 0.03, PATIENCE)
    assert not probing.silent(last + 0.1, PATIENCE)


def test_every_address_of_the_group_must_be_silent() -> None:
    probing = Probing((VIP, SECOND), arp_suppression=False)
    probing.begin(0.0)
    last = rounds(probing, 6)
    assert probing.silent(last + 0.002, PATIENCE)
    probing.answered(SECOND, OTHER, probing.sent_at)
    assert not probing.silent(last + 0.002, PATIENCE)


def test_a_known_holder_is_asked_by_unicast_and_every_third_time_everybody(probing: Probing) -> None:
    asked = []
    for _ in range(9):
        asked += [to for _, to in probing.round(probing.due_at, 0.03, False, OTHER)]
        probing.answered(VIP, OTHER, probing.sent_at)
    assert asked == [OTHER, OTHER, None] * 3


def test_at_the_fast_pace_a_holder_that_answers_is_asked_by_unicast(probing: Probing) -> None:
    asked = []
    for _ in range(9):
        asked += [to for _, to in probing.round(probing.due_at, 0.004, True, OTHER)]
        probing.answered(VIP, OTHER, probing.sent_at)
    assert asked.count(None) == 3


def test_under_arp_suppression_only_the_answer_to_a_unicast_probe_decides() -> None:
    probing = Probing((VIP,), arp_suppression=True)
    probing.begin(0.0)
    rounds(probing, 1)
    assert (
        probing.answered(VIP, OTHER, probing.sent_at) == OTHER
    )  # the switch may have answered: ask that MAC itself
    assert probing.progress() == 1
    assert probing.answered(VIP, OTHER, probing.sent_at) is None
    assert probing.progress() == 0


def test_nothing_that_was_silent_before_a_new_count_counts(probing: Probing) -> None:
    last = rounds(probing, 6)
    probing.begin(last)
    assert not probing.begun and probing.progress() == 0
    probing.stop()
    assert probing.due_at == inf


@pytest.mark.parametrize("interval", [1.0, 0.1, 0.01, 0.005, 0.002])
def test_six_probes_fit_between_a_quarter_interval_and_a_millisecond_before_d(interval: float) -> None:
    timing = Timing(interval, 3, 3)
    spacing = timing.probe_spacing(interval)
    last = 1.25 * interval + 5 * spacing
    assert last <= timing.down_interval(interval, 0) - 0.001 + 1e-9


@pytest.mark.parametrize("interval", [1.0, 0.1, 0.01, 0.002])
def test_the_fast_pace_is_five_milliseconds_or_faster_and_never_below_one(interval: float) -> None:
    assert 0.001 <= Timing(interval, 3, 3).fast_spacing(interval) <= 0.005


# On the bench: when a backup looks.


def silent_since(bench: Bench) -> float:
    other = bench.starts().other(5).becomes_active()
    bench.run(1.0)
    other.falls_silent()
    bench.log.clear()
    return bench.segment.around.roster.peers[other.node].heard_at


def test_probes_begin_a_quarter_interval_after_the_missed_advert(bench: Bench) -> None:
    since = silent_since(bench)
    bench.run(1.0)
    assert round(bench.when(Probe)[0] - since, 4) == 0.125


def test_while_adverts_come_nobody_probes_or_asks(bench: Bench) -> None:
    bench.starts().other(5).becomes_active()
    bench.log.clear()
    bench.run(5.0)
    assert not bench.did(Probe) and not bench.said(Question)


def test_every_node_is_asked_who_hears_the_active_each_interval(bench: Bench) -> None:
    since = silent_since(bench)
    bench.holder = OTHER
    bench.run(0.5)
    asked = [
        at - since
        for at, action in bench.log
        if isinstance(action, SendAdvert) and Question() in action.advert.entries[0].messages
    ]
    assert [round(at, 3) for at in asked[:3]] == [0.125, 0.225, 0.325]
    questions = [s for s in bench.did(SendAdvert) if Question() in s.advert.entries[0].messages]
    assert all(send.to is None and Path.RAW in send.paths for send in questions)


def test_gateway_and_peers_are_asked_with_the_first_probe(make: MakeBench) -> None:
    bench = make(gateway=True)
    silent_since(bench)
    bench.run(0.3)
    assert bench.when(AskNeighbours)[0] == bench.when(Probe)[0]


@pytest.mark.parametrize("interval", [0.1, 0.01, 0.002])
def test_the_verdict_falls_when_d_ends(make: MakeBench, interval: float) -> None:
    bench = make(interval=interval).starts()
    other = bench.other(5).becomes_active(interval=interval)
    bench.run(1.0)
    other.falls_silent()
    since = bench.segment.around.roster.peers[other.node].heard_at
    bench.log.clear()
    bench.run(1.0)
    assert bench.when(Bind)[0] - since == pytest.approx(3 * interval, abs=0.0003)


def test_the_active_s_interval_counts_and_not_our_own(make: MakeBench) -> None:
    bench = make(interval=0.01).starts()
    other = bench.other(5).becomes_active(interval=0.5)
    bench.run(2.0)
    other.falls_silent()
    since = bench.segment.around.roster.peers[other.node].heard_at
    bench.log.clear()
    bench.run(3.0)
    assert bench.when(Bind)[0] - since == pytest.approx(1.5, abs=0.002)


def test_at_boot_our_own_interval_counts(bench: Bench) -> None:
    bench.starts().run(1.0)
    assert bench.when(Bind)[0] == pytest.approx(100.3, abs=0.001)


def test_while_a_peers_kernel_answers_the_pace_is_a_sixth_of_d(bench: Bench) -> None:
    silent_since(bench)
    bench.holder = OTHER
    bench.run(1.0)
    bench.log.clear()
    bench.run(1.0)
    assert len(bench.did(Probe)) == pytest.approx(20, abs=1)
    assert not bench.did(Bind)


def test_while_the_lease_can_be_lapsing_the_pace_is_fast_and_the_bind_follows_in_milliseconds(
    bench: Bench,
) -> None:
    silent_since(bench)
    bench.holder = OTHER
    bench.run(3.2)  # the lease of 3 s in its last advert is over
    bench.log.clear()
    bench.run(0.5)
    assert len(bench.did(Probe)) == pytest.approx(125, abs=5)
    bench.holder = None
    freed = bench.now
    bench.run(0.5)
    assert bench.when(Bind)[0] - freed < 0.020


def test_beyond_the_lapse_window_the_pace_is_slow_again_and_takes_six_probes(bench: Bench) -> None:
    silent_since(bench)
    bench.holder = OTHER
    bench.run(6.0)
    bench.log.clear()
    bench.run(1.0)
    assert len(bench.did(Probe)) < 25
    bench.holder = None
    freed = bench.now
    bench.run(1.0)
    assert bench.when(Bind)[0] - freed > 0.25


def test_the_silent_active_is_asked_by_unicast_first(bench: Bench) -> None:
    silent_since(bench)
    bench.run(0.25)
    assert OTHER in [probe.to for probe in bench.did(Probe)[:2]]


def test_with_probing_off_the_holders_lease_and_its_tail_are_waited_for(make: MakeBench) -> None:
    bench = make(probe=ProbeMode.OFF)
    since = silent_since(bench)
    bench.run(5.0)
    assert bench.role is Role.BACKUP and not bench.did(Probe)
    bench.run(1.0)
    assert bench.when(Bind)[0] - since == pytest.approx(5.5, abs=0.05)


def test_with_probing_off_and_no_lease_ever_heard_a_minute_and_the_tail_are_waited_for(
    make: MakeBench,
) -> None:
    bench = make(probe=ProbeMode.OFF).starts().run(62.0)
    assert bench.role is not Role.ACTIVE
    bench.run(1.0)
    assert bench.role is Role.ACTIVE
