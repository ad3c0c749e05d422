"""The duties of an active: adverts, announcements, rivals, links, silence, stalls."""

from itertools import pairwise

import pytest

from tests.unit.core.conftest import GATEWAY, STRANGER, VIP, Bench, MakeBench, address_of, mac_of
from vipservice.core.actions import (
    Announce,
    AskNeighbours,
    ConditionKind,
    PhaseMeasured,
    Probe,
    Release,
    Renew,
    SendAdvert,
)
from vipservice.core.events import InterfaceReady, LinkChanged, Stalled
from vipservice.core.messages import Path
from vipservice.core.roles import Role
from vipservice.core.settings import Isolation


def test_the_active_advertises_at_its_interval(bench: Bench) -> None:
    bench.becomes_active().run(5.0)
    times = bench.when(SendAdvert)
    assert len(times) == 50
    assert all(abs(later - sooner - 0.1) < 1e-6 for sooner, later in pairwise(times))


def test_a_backup_advertises_each_second(bench: Bench) -> None:
    bench.starts().other(5).becomes_active()
    bench.run(0.01)
    bench.log.clear()
    bench.run(10.0)
    assert len(bench.did(SendAdvert)) == 10
    assert bench.did(SendAdvert)[0].advert.entries[0].interval == 1.0


def test_with_an_interval_above_a_second_a_backup_keeps_that(make: MakeBench) -> None:
    bench = make(interval=5.0).starts()
    bench.other(5).becomes_active(interval=5.0)
    bench.log.clear()
    bench.run(20.0)
    assert len(bench.did(SendAdvert)) == 4


def test_a_takeover_is_announced_on_the_whole_schedule_and_each_minute_after_it(bench: Bench) -> None:
    bench.starts().run(0.3)
    began = bench.when(Announce)[0]
    bench.run(140.0)
    times = [round(at - began, 2) for at in bench.when(Announce)]
    assert times == [0.0, 0.05, 0.2, 0.5, 1.1, 2.2, 5.0, 65.0, 125.0]


def test_no_refresh_is_sent_where_it_is_switched_off(make: MakeBench) -> None:
    bench = make(announce_refresh=0.0).starts().run(300.0)
    assert len(bench.did(Announce)) == 7


def test_a_proof_is_asked_of_the_gateway_and_the_peers_from_the_floating_address(make: MakeBench) -> None:
    bench = make(gateway=True).starts()
    bench.other(5).says()
    bench.log.clear()
    bench.run(0.5)
    proofs = [ask for ask in bench.did(AskNeighbours) if ask.sender == VIP]
    assert proofs and {GATEWAY, address_of(5)} <= set(proofs[0].targets)


def test_the_time_from_the_decision_to_the_first_proof_is_measured_once(bench: Bench) -> None:
    bench.starts().run(0.3)
    bench.run(0.02)
    bench.arp(mac_of(5), address_of(5), VIP, answer=True)
    bench.arp(mac_of(5), address_of(5), VIP, answer=True)
    (proof,) = [phase for phase in bench.did(PhaseMeasured) if phase.phase == "proof"]
    assert proof.seconds == pytest.approx(0.02, abs=0.001)


def test_every_phase_of_a_takeover_is_measured(bench: Bench) -> None:
    bench.starts().run(0.5)
    took = {phase.phase: phase.seconds for phase in bench.did(PhaseMeasured)}
    assert took["detect"] == pytest.approx(0.125, abs=0.002)  # 1.25 intervals, then the first probe
    assert took["detect"] + took["probe"] == pytest.approx(0.3, abs=0.002)  # D
    assert "bind" in took


# Rivals: only signed words make an active release.


def test_the_active_probes_for_its_own_address_every_second(bench: Bench) -> None:
    bench.becomes_active().run(5.0)
    assert len(bench.did(Probe)) == 5
    assert {probe.to for probe in bench.did(Probe)} == {None}


@pytest.mark.parametrize("answer", [True, False])
def test_a_frame_with_our_address_from_another_mac_is_a_rival_but_never_makes_us_release(
    bench: Bench, answer: bool
) -> None:
    bench.becomes_active()
    for _ in range(100):
        bench.arp(STRANGER, VIP, VIP, answer)
        bench.run(0.05)
    assert bench.role is Role.ACTIVE and not bench.did(Release)
    assert bench.conditions()[ConditionKind.RIVAL]


def test_a_rival_is_sent_our_advert_at_once_by_every_path(bench: Bench) -> None:
    bench.becomes_active()
    rival = bench.other(5)
    rival.stands_by()
    bench.log.clear()
    bench.arp(rival.mac, VIP, VIP)
    sent = bench.did(SendAdvert)
    assert any(Path.MULTICAST in send.paths and send.to is None for send in sent)
    direct = next(send for send in sent if send.to == rival.node)
    assert {Path.UNICAST, Path.RAW} <= direct.paths and direct.raw_to == (rival.mac,)


def test_a_rival_nobody_knows_is_sent_a_raw_frame_to_its_mac(bench: Bench) -> None:
    bench.becomes_active()
    bench.arp(STRANGER, VIP, VIP)
    assert any(send.raw_to == (STRANGER,) for send in bench.did(SendAdvert))


def test_to_a_rival_we_announce_again_at_most_once_a_second(bench: Bench) -> None:
    bench.becomes_active().run(10.0)
    bench.log.clear()
    for _ in range(300):
        bench.arp(STRANGER, VIP, VIP)
        bench.run(0.01)
    assert len(bench.did(Announce)) == pytest.approx(3, abs=1)


def test_the_rival_alarm_ends_when_none_was_seen_for_a_while(bench: Bench) -> None:
    bench.becomes_active()
    bench.arp(STRANGER, VIP, VIP)
    bench.run(10.0)
    assert not bench.conditions()[ConditionKind.RIVAL]


def test_frames_of_this_host_are_no_rival(bench: Bench) -> None:
    bench.becomes_active()
    bench.arp(mac_of(bench.number), VIP, VIP)
    assert ConditionKind.RIVAL not in bench.conditions()


# The link


def test_a_flap_within_one_interval_is_no_fault_and_is_announced(bench: Bench) -> None:
    bench.becomes_active().run(10.0)
    bench.log.clear()
    bench.handle(LinkChanged(up=False))
    bench.run(0.09)
    back = bench.now
    bench.handle(LinkChanged(up=True))
    bench.run(0.1)
    assert bench.role is Role.ACTIVE and not bench.turns()
    assert bench.when(Announce)[0] == back


def test_a_flap_whose_end_is_seen_in_a_fresh_look_at_the_interface_is_no_fault_either(bench: Bench) -> None:
    bench.becomes_active()
    bench.handle(LinkChanged(False))
    bench.handle(InterfaceReady(address_of(10), (mac_of(10),), True, None))
    assert bench.did(Announce)
    bench.run(1.0)
    assert bench.role is Role.ACTIVE


def test_a_link_lost_for_one_interval_is_a_fault_and_takes_the_address_with_it(bench: Bench) -> None:
    bench.becomes_active()
    lost = bench.now
    bench.handle(LinkChanged(up=False))
    bench.run(1.0)
    assert bench.turns()[0] == (Role.FAULT, "link_lost")
    assert bench.when(Release)[0] - lost == pytest.approx(0.1, abs=0.001)


def test_a_backup_without_a_link_is_in_fault_until_it_is_back_and_then_waits_in_full(bench: Bench) -> None:
    bench.starts().other(5).becomes_active()
    bench.log.clear()
    bench.handle(LinkChanged(up=False))
    bench.others[0].falls_silent()
    bench.run(2.0)
    bench.handle(LinkChanged(up=True))
    back = bench.now
    bench.run(1.0)
    assert [reason for _, reason in bench.turns()] == [
        "link_lost",
        "recovered",
        "adverts_silent",
        "silence_proved",
    ]
    assert bench.now - back >= bench.election.group.since - back >= 0.3 - 1e-6


def test_a_new_mac_of_the_interface_is_announced_and_advertised_at_once(bench: Bench) -> None:
    bench.becomes_active().run(10.0)
    bench.log.clear()
    bench.handle(InterfaceReady(address_of(bench.number), (mac_of(77),), True, None))
    bench.run(0.0)
    assert bench.did(Announce)
    assert bench.did(SendAdvert)[0].advert.macs == (mac_of(77),)
    assert not bench.turns()


# Deafness


def hears_nobody(bench: Bench, others: int, seconds: float) -> Bench:
    bench.becomes_active()
    for number in range(others):
        bench.other(5 + number).says()
    bench.log.clear()
    return bench.run(seconds)


def test_a_deaf_active_releases_after_a_lease_where_two_others_had_answered(bench: Bench) -> None:
    hears_nobody(bench, others=2, seconds=2.9)
    assert not bench.turns()
    bench.run(1.2)
    assert bench.turns() == [(Role.FAULT, "isolated")]
    assert bench.did(Release)


def test_where_only_one_other_had_answered_it_holds_and_alarms(bench: Bench) -> None:
    hears_nobody(bench, others=1, seconds=30.0)
    assert not bench.turns()
    assert bench.conditions()[ConditionKind.DEAF]


def test_who_never_heard_anybody_holds_without_an_alarm(bench: Bench) -> None:
    hears_nobody(bench, others=0, seconds=30.0)
    assert not bench.turns() and ConditionKind.DEAF not in bench.conditions()


def test_on_isolation_hold_holds(make: MakeBench) -> None:
    bench = hears_nobody(make(on_isolation=Isolation.HOLD), others=3, seconds=30.0)
    assert not bench.turns() and bench.conditions()[ConditionKind.DEAF]


def test_on_isolation_with_a_duration_waits_that_much_longer(make: MakeBench) -> None:
    bench = hears_nobody(make(isolation_wait=10.0), others=3, seconds=12.5)
    assert not bench.turns()
    bench.run(1.6)
    assert bench.turns() == [(Role.FAULT, "isolated")]


def test_an_active_asks_for_a_sign_every_second_and_any_answer_will_do(bench: Bench) -> None:
    bench.gateway = True
    bench.becomes_active()
    bench.other(5).says()
    bench.run(30.0)
    assert not bench.turns()
    assert len([ask for ask in bench.did(AskNeighbours) if ask.sender != VIP]) == pytest.approx(30, abs=1)


def test_a_node_in_fault_for_isolation_goes_on_asking_and_any_sign_ends_it(bench: Bench) -> None:
    hears_nobody(bench, others=2, seconds=6.0)
    assert bench.turns() == [(Role.FAULT, "isolated")]
    bench.log.clear()
    bench.run(5.0)
    assert len(bench.did(AskNeighbours)) == 5
    bench.arp(mac_of(6), address_of(6), address_of(bench.number), answer=True)
    assert bench.turns() == [(Role.BACKUP, "recovered")]
    bench.log.clear()
    bench.run(0.2)
    assert not bench.turns()


# Standing still ourselves


def test_after_a_stall_the_active_keeps_its_role_and_advertises_at_once(bench: Bench) -> None:
    bench.becomes_active().run(0.4)
    bench.log.clear()
    bench.now += 1.0
    bench.handle(Stalled(1.0))
    assert bench.when(SendAdvert) == [bench.now]
    assert not bench.turns()


def test_after_a_stall_it_renews_only_after_d_without_a_rival(bench: Bench) -> None:
    bench.becomes_active().run(0.4)
    bench.log.clear()
    bench.now += 1.0
    woke = bench.now
    bench.handle(Stalled(1.0))
    bench.run(1.0)
    assert bench.when(Renew)[0] - woke == pytest.approx(0.3, abs=0.001)


def test_after_a_stall_it_renews_at_once_if_the_lease_would_end(bench: Bench) -> None:
    bench.becomes_active().run(0.4)
    bench.log.clear()
    bench.now += 2.5
    woke = bench.now
    bench.handle(Stalled(2.5))
    bench.run(0.2)
    assert bench.when(Renew)[0] - woke < 0.001
    assert not bench.turns()


def test_after_a_stall_beyond_the_lease_it_deletes_first_and_then_looks(bench: Bench) -> None:
    bench.becomes_active().run(0.4)
    bench.log.clear()
    bench.now += 4.0
    bench.handle(Stalled(4.0))
    assert bench.did(Release) and not bench.did(Renew)
    assert bench.turns() == [(Role.BACKUP, "lease_lapsed")]


def test_after_a_stall_a_rival_in_the_queue_is_heard_before_anything_is_renewed(bench: Bench) -> None:
    bench.becomes_active().run(0.4)
    bench.log.clear()
    bench.now += 1.0
    rival = bench.other(5)
    rival.role, rival.term, rival.interval = Role.ACTIVE, 2, 0.1
    rival.says()
    bench.handle(Stalled(1.0))
    bench.run(0.05)
    assert bench.turns() == [(Role.BACKUP, "better_active")] and not bench.did(Renew)


def test_an_active_whose_lease_ran_out_in_a_stall_says_nothing_more_as_active(bench: Bench) -> None:
    bench.becomes_active().run(0.4)
    bench.log.clear()
    bench.now += 4.0
    bench.other(5).says()
    assert all(send.advert.entries[0].role is not Role.ACTIVE for send in bench.did(SendAdvert))


@pytest.mark.parametrize(("interval", "threshold"), [(0.1, 0.3), (0.002, 0.05)])
def test_a_stall_is_longer_than_d_and_than_50_ms(make: MakeBench, interval: float, threshold: float) -> None:
    assert make(interval=interval).segment.stall_threshold() == pytest.approx(threshold)
