"""What a backup does for each verdict: silent, held by a peer, a stranger, a claimant, unknown."""

import pytest

from tests.unit.core.conftest import (
    GATEWAY,
    GROUP,
    STRANGER,
    VIP,
    Bench,
    MakeBench,
    Other,
    address_of,
    mac_of,
)
from vipservice.core.actions import Bind, ConditionKind, Probe
from vipservice.core.events import AddressRemoved, SendFailed, Stalled
from vipservice.core.messages import Hearsay, Question
from vipservice.core.roles import Role

OTHER = mac_of(5)


def falls_silent(bench: Bench) -> Other:
    other = bench.starts().other(5).becomes_active()
    bench.run(1.0)
    other.falls_silent()
    bench.log.clear()
    return other


def test_silence_makes_us_active(bench: Bench) -> None:
    falls_silent(bench)
    bench.run(1.0)
    assert bench.turns() == [(Role.PROBING, "adverts_silent"), (Role.ACTIVE, "silence_proved")]


def test_a_peers_kernel_that_answers_keeps_us_backup_with_an_alert_until_it_is_silent(bench: Bench) -> None:
    falls_silent(bench)
    bench.holder = OTHER
    bench.run(10.0)
    assert not bench.turns() and not bench.did(Bind)
    assert bench.conditions()[ConditionKind.HELD_BY_SILENT_PEER]
    assert bench.election.status(bench.now).owners_observed == 1
    bench.holder = None
    bench.run(1.0)
    assert bench.role is Role.ACTIVE
    assert not bench.conditions()[ConditionKind.HELD_BY_SILENT_PEER]


def test_an_address_that_outlives_the_lease_proves_that_its_daemon_lives_and_is_said_so(bench: Bench) -> None:
    falls_silent(bench)
    bench.holder = OTHER
    bench.run(4.0)
    said = bench.election.status(bench.now).conditions[ConditionKind.HELD_BY_SILENT_PEER]
    assert "answers for the address" in said and "lives" not in said
    bench.run(3.0)
    said = bench.election.status(bench.now).conditions[ConditionKind.HELD_BY_SILENT_PEER]
    assert said.endswith("the address has outlived the lease, so its daemon lives")


def test_a_strangers_answer_is_a_conflict_never_a_bind_and_we_keep_looking(bench: Bench) -> None:
    bench.gateway = True
    falls_silent(bench)
    bench.holder = STRANGER
    bench.run(30.0)
    assert not bench.did(Bind) and bench.conditions()[ConditionKind.CONFLICT]
    bench.log.clear()
    bench.run(1.0)
    assert bench.did(Probe)
    bench.holder = None
    bench.run(1.0)
    assert bench.role is Role.ACTIVE and not bench.conditions()[ConditionKind.CONFLICT]


def test_answers_from_a_mac_of_this_host_are_no_answers(bench: Bench) -> None:
    falls_silent(bench)
    bench.holder = mac_of(bench.number)
    bench.run(1.0)
    assert bench.role is Role.ACTIVE


def two_others(make: MakeBench) -> Bench:
    """An active and another backup were heard; then both are silent."""
    bench = make().starts()
    active, standby = bench.other(5).becomes_active(), bench.other(6).stands_by()
    bench.run(3.02)
    active.falls_silent()
    standby.falls_silent()
    bench.log.clear()
    return bench


def test_who_hears_nobody_though_two_others_were_there_never_binds(make: MakeBench) -> None:
    bench = two_others(make).run(20.0)
    assert not bench.did(Bind)
    assert bench.conditions()[ConditionKind.DEAF]


def test_who_is_deaf_stops_broadcasting_probes(make: MakeBench) -> None:
    bench = two_others(make).run(1.0)
    bench.log.clear()
    bench.run(2.0)
    assert not [probe for probe in bench.did(Probe) if probe.to is None]


def test_one_frame_of_another_host_since_the_first_probe_is_proof_and_the_count_starts_anew(
    make: MakeBench,
) -> None:
    bench = two_others(make).run(2.0)
    heard = bench.now
    bench.arp(mac_of(6), address_of(6), VIP)
    bench.run(1.0)
    assert bench.role is Role.ACTIVE
    assert 0.2 < bench.when(Bind)[0] - heard < 0.5


def test_a_frame_that_came_between_the_last_advert_and_the_first_probe_is_no_proof(make: MakeBench) -> None:
    bench = two_others(make)
    assert bench.segment.around.hearing.last < bench.now
    bench.arp(mac_of(6), address_of(6), VIP)  # the cable is cut just after this
    bench.run(20.0)
    assert not bench.did(Bind)


def test_answers_of_the_holder_are_no_proof_for_the_silence_that_follows_them(make: MakeBench) -> None:
    bench = make(gateway=True).starts()
    other = bench.other(5).becomes_active()
    bench.run(2.0)
    other.falls_silent()
    bench.holder = OTHER
    bench.run(2.0)
    bench.holder, bench.gateway = None, False  # now nothing comes in any more
    bench.log.clear()
    bench.run(10.0)
    assert not bench.did(Bind)


def test_the_first_unanswered_probe_after_an_answer_asks_for_a_sign_so_that_a_lapse_costs_no_more(
    make: MakeBench,
) -> None:
    bench = make(gateway=True).starts()
    other = bench.other(5).becomes_active()
    bench.run(2.0)
    other.falls_silent()
    bench.holder = OTHER
    bench.run(3.5)
    bench.holder = None
    freed = bench.now
    bench.run(1.0)
    assert bench.when(Bind)[0] - freed < 0.020


def test_a_pair_without_a_gateway_is_exempt_from_the_proof(bench: Bench) -> None:
    falls_silent(bench)
    bench.run(0.35)
    assert bench.role is Role.ACTIVE


def test_a_probe_that_could_not_be_sent_proves_nothing(bench: Bench) -> None:
    falls_silent(bench)
    bench.run(0.2)
    bench.handle(SendFailed(GROUP, "no buffer space"))
    bench.run(0.15)
    assert not bench.did(Bind)
    bench.run(1.0)
    assert bench.role is Role.ACTIVE


def test_after_a_stall_the_count_starts_anew(bench: Bench) -> None:
    other = falls_silent(bench)
    silent_since = bench.segment.around.roster.peers[other.node].heard_at
    bench.run(0.15)
    bench.now += 0.4
    bench.handle(Stalled(0.4))
    bench.run(1.0)
    assert bench.when(Bind)[0] - silent_since > 0.6


def test_a_frame_that_was_read_after_a_stall_is_no_proof_that_we_hear(make: MakeBench) -> None:
    bench = two_others(make)
    bench.now += 2.5
    bench.arp(mac_of(6), address_of(6), VIP)  # it has waited in the socket
    bench.handle(Stalled(2.5))
    bench.run(20.0)
    assert not bench.did(Bind) and bench.conditions()[ConditionKind.DEAF]


def test_an_active_heard_while_probing_ends_it(bench: Bench) -> None:
    other = falls_silent(bench)
    bench.kernel_takes = False
    bench.handle(SendFailed(GROUP, "down"))
    bench.run(0.35)
    assert bench.role is Role.PROBING
    other.says()
    assert bench.turns()[-1] == (Role.BACKUP, "active_heard")


def hearsay(bench: Bench, age: float, of: int = 5) -> Hearsay:
    other = next(other for other in bench.others if other.number == of)
    return Hearsay(other.node, other.incarnation, age, 1, 100, 0.1, 3.0)


def test_first_hand_hearsay_counts_as_an_advert_heard_that_long_ago(bench: Bench) -> None:
    falls_silent(bench)
    witness = bench.other(6)
    witness.says()
    for _ in range(20):
        bench.run(0.1)
        witness.says(hearsay(bench, age=0.09))
    assert bench.role is Role.BACKUP and not bench.did(Bind)
    last = bench.now - 0.09
    witness.falls_silent()
    bench.arp(mac_of(1), GATEWAY, VIP)
    bench.run(0.2)
    bench.arp(mac_of(1), GATEWAY, VIP)
    bench.run(0.5)
    assert bench.when(Bind)[0] - last == pytest.approx(0.3, abs=0.01)


def test_hearsay_is_not_passed_on(bench: Bench) -> None:
    falls_silent(bench)
    bench.holder = OTHER
    witness, asker = bench.other(6), bench.other(7)
    bench.run(0.35)  # past the three intervals in which the active counts as heard by us
    bench.log.clear()
    witness.says(hearsay(bench, age=0.02))
    asker.says(Question())
    assert bench.role is Role.BACKUP
    assert not bench.said(Hearsay)


def test_who_heard_the_active_answers_the_question_with_the_age_of_it(bench: Bench) -> None:
    bench.starts().other(5).becomes_active()
    asker = bench.other(6)
    bench.run(0.45)
    asker.says(Question())
    (said,) = bench.said(Hearsay)
    assert said.active == bench.others[0].node
    assert said.age == pytest.approx(0.05, abs=0.001)


def test_who_has_not_heard_the_active_does_not_answer(bench: Bench) -> None:
    falls_silent(bench)
    bench.holder = OTHER
    bench.run(2.0)
    bench.log.clear()
    bench.other(6).says(Question())
    assert not bench.said(Hearsay)


def test_the_active_itself_answers_the_question_by_every_path(bench: Bench) -> None:
    bench.becomes_active()
    asker = bench.other(5)
    bench.log.clear()
    actions = asker.says(Question())
    sent = [a for a in actions if getattr(a, "to", None) == asker.node]
    assert sent and len(sent[0].paths) == 2  # type: ignore[union-attr]


def test_a_removal_of_an_address_that_is_not_ours_is_nothing(bench: Bench) -> None:
    bench.becomes_active()
    assert bench.handle(AddressRemoved(address_of(99))) == []
