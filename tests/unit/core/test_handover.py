"""Planned moves, from both sides: offer, ready, release, resign, the successor's first advert."""

import pytest

from tests.unit.core.conftest import GROUP, VIP, Bench, MakeBench, Other, address_of, node_of
from vipservice.core.actions import Action, Bind, CommandDone, Probe, Release, SendAdvert, Stopped
from vipservice.core.events import HandoverAsked, LinkChanged, MaintenanceSet, SendFailed, StopAsked
from vipservice.core.messages import Offer, Path, Ready, Resign
from vipservice.core.roles import Role
from vipservice.core.settings import ProbeMode
from vipservice.core.timing import LAPSE_TAIL

US = node_of(10)


def giving(bench: Bench, *numbers: int) -> list[Other]:
    """We are active, and these stand by."""
    bench.becomes_active()
    others = [bench.other(number) for number in numbers]
    for other in others:
        other.term = 1
        other.stands_by()
    bench.run(0.5)
    bench.log.clear()
    return others


def asked(bench: Bench, to: Other | None = None) -> list[Action]:
    return bench.handle(HandoverAsked(GROUP, 1, to.node if to else None))


def test_the_offer_goes_to_the_best_backup_with_our_h_by_every_path(bench: Bench) -> None:
    giving(bench, 5, 6)
    asked(bench)
    (offer,) = bench.said(Offer)
    assert offer.to == node_of(6) and offer.hold == pytest.approx(0.3)
    (send,) = bench.did(SendAdvert)
    assert {Path.UNICAST, Path.RAW} <= send.paths and send.to == node_of(6)


def test_h_is_at_least_50_ms(make: MakeBench) -> None:
    bench = make(interval=0.002)
    giving(bench, 5)
    asked(bench)
    assert bench.said(Offer)[0].hold == 0.05


def test_on_ready_it_releases_before_it_resigns_naming_successor_term_and_number(bench: Bench) -> None:
    (other,) = giving(bench, 5)
    asked(bench)
    actions = other.says(Ready(US, 4711))
    released = next(i for i, action in enumerate(actions) if isinstance(action, Release))
    resigned = next(i for i, action in enumerate(actions) if isinstance(action, SendAdvert))
    assert released < resigned
    assert bench.said(Resign)[0] == Resign(other.node, 1, 4711)
    assert bench.turns() == [(Role.BACKUP, "handover_given")]


def test_the_resign_is_repeated_after_2_5_and_10_ms(bench: Bench) -> None:
    (other,) = giving(bench, 5)
    asked(bench)
    other.says(Ready(US, 4711))
    other.falls_silent()
    began = bench.now
    bench.run(0.1)
    times = sorted(
        {
            round(at - began, 4)
            for at, action in bench.log
            if isinstance(action, SendAdvert)
            and any(isinstance(m, Resign) for m in action.advert.entries[0].messages)
        }
    )
    assert times == [0.0, 0.002, 0.005, 0.01]


def test_the_successors_advert_ends_the_move_and_its_repeats(bench: Bench) -> None:
    (other,) = giving(bench, 5)
    asked(bench)
    other.says(Ready(US, 4711))
    other.becomes_active(term=2)
    assert bench.did(CommandDone) == [CommandDone(1, True, "n5 is active")]
    bench.log.clear()
    bench.run(0.1)
    assert not bench.said(Resign)


def test_a_successor_that_never_binds_is_waited_for_h_and_only_then_the_address_is_taken_back(
    bench: Bench,
) -> None:
    (other,) = giving(bench, 5)
    asked(bench)
    other.says(Ready(US, 4711))
    other.falls_silent()
    released = bench.now
    bench.run(3.0)
    assert bench.when(Bind)[0] - released >= 0.3 - 1e-6
    assert bench.turns()[-1] == (Role.ACTIVE, "silence_proved")  # an ordinary takeover, with probing
    assert bench.election.group.term == 2
    assert not bench.did(CommandDone)[0].ok


def test_without_ready_within_50_ms_the_next_candidate_is_asked(bench: Bench) -> None:
    giving(bench, 5, 6)
    asked(bench)
    bench.run(0.2)
    offers = [offer.to for offer in dict.fromkeys(bench.said(Offer))]
    assert offers == [node_of(6), node_of(5)]
    assert bench.role is Role.ACTIVE and not bench.did(Release)
    assert bench.did(CommandDone) == [CommandDone(1, False, "no backup said ready")]


def test_ready_from_somebody_else_or_for_somebody_else_moves_nothing(bench: Bench) -> None:
    better, other = giving(bench, 6, 5)
    asked(bench)
    other.says(Ready(US, 1))
    better.says(Ready(node_of(99), 1))
    assert not bench.did(Release)


def test_an_operators_handover_is_refused_with_a_sentence_where_nobody_can_take_over(bench: Bench) -> None:
    bench.becomes_active()
    asked(bench)
    (done,) = bench.did(CommandDone)
    assert not done.ok and "able to take over" in done.detail


def test_an_operators_handover_is_refused_on_a_node_that_is_not_active(bench: Bench) -> None:
    bench.starts()
    asked(bench)
    assert not bench.did(CommandDone)[0].ok


def test_a_node_with_other_addresses_is_no_successor(bench: Bench) -> None:
    (other,) = giving(bench, 5)
    other.addresses = (VIP, address_of(235))
    other.says()
    asked(bench, other)
    assert "other addresses" in bench.did(CommandDone)[0].detail


def test_an_operator_can_choose_the_successor(bench: Bench) -> None:
    lesser, _ = giving(bench, 5, 6)
    asked(bench, lesser)
    assert bench.said(Offer)[0].to == lesser.node


# The successor


def taking(bench: Bench, hold: float = 0.3) -> tuple[Other, Ready]:
    """The active has offered, and we have said ready."""
    giver = bench.starts().other(5).becomes_active()
    bench.run(0.55)
    bench.log.clear()
    giver.says(Offer(US, hold))
    (ready,) = bench.said(Ready)
    return giver, ready


def resigns(giver: Other, nonce: int, successor: int = 10) -> list[Action]:
    giver.role, giver.lease_left, giver.interval = Role.BACKUP, 0.0, 1.0
    giver.falls_silent()
    return giver.says(Resign(node_of(successor), 1, nonce))


def test_a_backup_says_ready_with_a_fresh_number_each_time(bench: Bench) -> None:
    giver, ready = taking(bench)
    assert ready.to == giver.node
    bench.run(0.5)
    giver.says(Offer(US, 0.3))
    assert bench.said(Ready)[-1].nonce != ready.nonce


def test_the_resign_with_our_number_lets_us_bind_at_once_without_probing(bench: Bench) -> None:
    giver, ready = taking(bench)
    bench.log.clear()
    resigned = bench.now
    resigns(giver, ready.nonce)
    assert bench.when(Bind) == [resigned]
    assert bench.turns() == [(Role.ACTIVE, "handover_taken")]
    assert bench.election.group.term == 2


def test_the_right_ends_half_of_h_after_our_ready(bench: Bench) -> None:
    giver, ready = taking(bench)
    readied = bench.now
    bench.run(0.1)
    resigns(giver, ready.nonce)
    assert bench.did(Bind)[0].not_after == pytest.approx(readied + 0.15)


def test_who_comes_later_probes_like_anybody(bench: Bench) -> None:
    giver, ready = taking(bench)
    giver.falls_silent()
    bench.run(0.16)
    bench.log.clear()
    resigned = bench.now
    resigns(giver, ready.nonce)
    assert not bench.did(Bind)
    bench.run(1.0)
    assert bench.turns()[-1] == (Role.ACTIVE, "silence_proved")
    assert bench.when(Bind)[0] > resigned


@pytest.mark.parametrize(("nonce", "successor"), [(1, 10), (None, 6)])
def test_a_resign_with_another_number_or_for_somebody_else_gives_no_right(
    bench: Bench, nonce: int | None, successor: int
) -> None:
    giver, ready = taking(bench)
    resigns(giver, nonce or ready.nonce, successor)
    assert not bench.did(Bind)


def test_a_number_is_good_for_one_resign(bench: Bench) -> None:
    giver, ready = taking(bench)
    resigns(giver, ready.nonce)
    bench.handle(LinkChanged(up=False))
    bench.run(0.101)
    bench.handle(LinkChanged(up=True))
    bench.log.clear()
    giver.says(Resign(US, 1, ready.nonce))
    assert not bench.did(Bind)


def fell_silent(bench: Bench, settled: float = 1.0) -> tuple[Other, Other]:
    """An active that we had heard is heard no more, and another one is active; it offers us the address."""
    silent = bench.starts().other(6).becomes_active()
    bench.run(0.5)
    silent.falls_silent()
    bench.run(0.2)
    giver = bench.other(5).becomes_active(term=2)
    bench.run(settled)
    bench.log.clear()
    return silent, giver


def asked_directly(bench: Bench, other: Other) -> list[Probe]:
    return [probe for probe in bench.did(Probe) if probe.to == other.mac]


def test_before_ready_the_kernel_of_an_active_that_fell_silent_is_asked_directly(bench: Bench) -> None:
    silent, giver = fell_silent(bench)
    offered = bench.now
    giver.says(Offer(US, 0.3))
    assert not bench.said(Ready)
    bench.run(0.049)
    assert len(asked_directly(bench, silent)) == len(bench.did(Probe)) == 3
    ready_at = next(at for at, one in bench.log if isinstance(one, SendAdvert) and one.to == giver.node)
    assert ready_at - offered == pytest.approx(0.012) and len(bench.said(Ready)) == 1


def test_nobody_says_ready_while_the_kernel_of_a_silent_active_answers(bench: Bench) -> None:
    silent, giver = fell_silent(bench)
    bench.holder = silent.mac
    giver.says(Offer(US, 0.3))
    bench.run(0.5)
    assert asked_directly(bench, silent) and not bench.said(Ready)
    bench.holder = None
    giver.says(Offer(US, 0.3))
    bench.run(0.05)
    assert bench.said(Ready)


def test_an_offer_that_is_repeated_meanwhile_starts_nothing_anew(bench: Bench) -> None:
    silent, giver = fell_silent(bench)
    for _ in range(3):
        giver.says(Offer(US, 0.3))
        bench.run(0.01)
    assert len(asked_directly(bench, silent)) == 3
    assert len(set(bench.said(Ready))) == 1


def test_what_the_giver_itself_answers_is_no_obstacle(bench: Bench) -> None:
    _, giver = fell_silent(bench)
    giver.says(Offer(US, 0.3))
    bench.arp(giver.mac, VIP, VIP)
    bench.run(0.05)
    assert bench.said(Ready)


def test_nobody_says_ready_who_could_not_ask(bench: Bench) -> None:
    _, giver = fell_silent(bench)
    giver.says(Offer(US, 0.3))
    bench.handle(SendFailed(GROUP, "no buffer space"))
    bench.run(0.05)
    assert bench.did(Probe) and not bench.said(Ready)


def test_with_probe_off_the_lease_that_was_heard_of_must_have_run_out_first(make: MakeBench) -> None:
    bench = make(probe=ProbeMode.OFF)
    _, giver = fell_silent(bench)
    giver.says(Offer(US, 0.3))
    bench.run(0.05)
    assert not bench.said(Ready)
    bench.run(3.0 + LAPSE_TAIL)
    giver.says(Offer(US, 0.3))
    assert bench.said(Ready) and not bench.did(Probe)


def test_who_is_in_maintenance_does_not_say_ready(bench: Bench) -> None:
    giver = bench.starts().other(5).becomes_active()
    bench.handle(MaintenanceSet(GROUP, on=True))
    bench.log.clear()
    giver.says(Offer(US, 0.3))
    assert not bench.said(Ready)


def test_who_has_other_addresses_does_not_say_ready(bench: Bench) -> None:
    giver = bench.starts().other(5).becomes_active()
    giver.addresses = (VIP, address_of(235))
    bench.log.clear()
    giver.says(Offer(US, 0.3))
    assert not bench.said(Ready)


def test_a_resign_to_somebody_else_leaves_that_one_its_time(bench: Bench) -> None:
    bench.starts()
    giver = bench.other(5).becomes_active()
    bench.run(0.55)
    resigned = bench.now
    resigns(giver, 1, successor=6)
    bench.run(0.25)
    assert not bench.did(Bind)
    bench.run(1.0)
    assert bench.when(Bind)[0] - resigned >= 0.3 - 1e-6


def test_a_resign_to_nobody_is_followed_by_a_look_at_once(bench: Bench) -> None:
    giver = bench.starts().other(5).becomes_active()
    bench.run(0.55)
    giver.role, giver.interval = Role.BACKUP, 1.0
    giver.falls_silent()
    resigned = bench.now
    giver.says(Resign(None, 1, 0))
    bench.run(1.0)
    assert bench.when(Bind)[0] - resigned < 0.2


# SIGTERM


def test_on_stop_the_address_is_handed_over_and_only_then_the_daemon_ends(bench: Bench) -> None:
    (other,) = giving(bench, 5)
    bench.handle(StopAsked())
    assert not bench.did(Stopped)
    other.says(Ready(US, 1))
    assert not bench.did(Stopped)
    other.becomes_active(term=2)
    bench.run(0.0)
    assert bench.did(Stopped) and bench.turns() == [(Role.BACKUP, "stopped")]


def test_on_stop_h_is_at_most_800_ms(make: MakeBench) -> None:
    bench = make(interval=1.0).starts().run(5.0)
    bench.other(5).stands_by()
    bench.handle(StopAsked())
    assert bench.said(Offer)[0].hold == 0.8


def test_on_stop_without_a_successor_it_releases_resigns_to_nobody_and_ends(bench: Bench) -> None:
    bench.becomes_active()
    bench.handle(StopAsked())
    assert bench.released() and bench.did(Stopped)
    assert bench.said(Resign)[0].successor is None


def test_on_stop_with_successors_that_never_answer_it_ends_within_a_second(bench: Bench) -> None:
    giving(bench, *range(20, 60))
    bench.handle(StopAsked())
    asked_at = bench.now
    bench.run(3.0)
    assert bench.when(Stopped)[0] - asked_at <= 1.06
    assert bench.did(Release) and bench.said(Resign)[-1].successor is None


def test_on_stop_a_late_ready_does_not_hold_up_the_end(make: MakeBench) -> None:
    bench = make(interval=0.3)
    others = giving(bench, *range(20, 60))
    bench.handle(StopAsked())
    asked_at = bench.now
    bench.run(0.72)
    offered = bench.said(Offer)[-1].to
    next(other for other in others if other.node == offered).says(Ready(US, 1))
    assert bench.said(Resign)
    bench.run(3.0)
    assert bench.when(Stopped)[0] - asked_at <= 1.0 + 1e-6


def test_a_stopping_daemon_never_takes_back(bench: Bench) -> None:
    (other,) = giving(bench, 5)
    bench.handle(StopAsked())
    other.says(Ready(US, 1))
    other.falls_silent()
    bench.run(5.0)
    assert not bench.did(Bind) and bench.did(Stopped)


def test_a_backup_stops_at_once(bench: Bench) -> None:
    bench.starts()
    bench.handle(StopAsked())
    assert bench.did(Stopped)
