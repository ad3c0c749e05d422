"""Moves by choice and their limits (failback, health, maintenance, damping); adoption and conflicts."""

import pytest

from tests.unit.core.conftest import BASE, GROUP, VIP, Bench, MakeBench, Other, address_of, node_of
from vipservice.core.actions import (
    Announce,
    Bind,
    CommandDone,
    ConditionKind,
    Probe,
    Release,
    Renew,
    StoreTerm,
)
from vipservice.core.events import (
    AddressAdded,
    AddressRemoved,
    HandoverAsked,
    HealthChanged,
    InterfaceLost,
    Leftover,
    MaintenanceSet,
)
from vipservice.core.messages import Offer, Ready, Request, Resign
from vipservice.core.roles import Role
from vipservice.core.settings import BindMode, ProbeMode
from vipservice.core.values import Health

US = node_of(10)


# Failback


def requests(bench: Bench, priority: int = 50) -> list[float]:
    other = bench.starts().other(5)
    other.priority = priority
    other.becomes_active()
    began = bench.now
    bench.run(40.0)
    assert bench.role is Role.BACKUP
    return [
        round(at - began, 1)
        for at, action in bench.log
        if Request() in getattr(getattr(action, "advert", None), "entries", (other.entry(),))[0].messages
    ]


def test_failback_never_asks_for_nothing(bench: Bench) -> None:
    assert requests(bench) == []


def test_failback_immediate_asks_the_active_and_never_just_takes(make: MakeBench) -> None:
    bench = make(failback=0.0)
    assert requests(bench)[0] <= 0.1
    assert not bench.did(Bind)


def test_nobody_is_asked_where_nobody_is_active_and_the_loop_sleeps_meanwhile(make: MakeBench) -> None:
    bench = make(failback=0.3)
    other = bench.starts().other(5)
    other.priority = 50
    other.becomes_active()
    bench.run(0.2)
    other.falls_silent()
    other.role = Role.BACKUP
    other.says(Resign(None, 1, 0))
    standby = bench.election.duties.standby
    assert standby.silence.watched is None
    due = standby.failback.due_at
    bench.run(due - bench.now - 0.001)
    bench.segment.tick(due)
    assert bench.segment.deadline(due) > due


def test_failback_after_a_duration_asks_then(make: MakeBench) -> None:
    assert requests(make(failback=30.0))[0] == pytest.approx(30.0, abs=0.2)


def test_failback_asks_no_equal_and_no_better_active(make: MakeBench) -> None:
    assert requests(make(failback=0.0), priority=100) == []
    assert requests(make(failback=0.0), priority=150) == []


def better(bench: Bench) -> Other:
    bench.becomes_active()
    other = bench.other(5)
    other.priority, other.term = 150, 1
    other.stands_by()
    bench.log.clear()
    return other


def test_the_active_grants_a_better_nodes_request(bench: Bench) -> None:
    other = better(bench)
    other.says(Request())
    assert bench.said(Offer)[0].to == other.node


def test_the_active_does_not_grant_an_equals_request(bench: Bench) -> None:
    other = better(bench)
    other.priority = 100
    other.says(Request())
    assert not bench.said(Offer)


def test_the_active_refuses_only_while_damped_and_says_so(bench: Bench) -> None:
    other = better(bench)
    for _ in range(4):
        bench.election.group.damping.moved(bench.now)
    other.says(Request())
    assert not bench.said(Offer) and bench.conditions()[ConditionKind.DAMPED]
    bench.run(61.0)
    other.says(Request())
    assert bench.said(Offer) and not bench.conditions()[ConditionKind.DAMPED]


def test_damping_is_said_no_longer_than_it_lasts(bench: Bench) -> None:
    other = better(bench)
    for _ in range(4):
        bench.election.group.damping.moved(bench.now)
    other.says(Request())
    bench.run(59.0)
    assert bench.conditions()[ConditionKind.DAMPED]
    bench.run(2.0)
    assert not bench.conditions()[ConditionKind.DAMPED]


def test_damping_never_holds_an_operator_back_nor_a_takeover(bench: Bench) -> None:
    other = better(bench)
    for _ in range(4):
        bench.election.group.damping.moved(bench.now)
    bench.handle(HandoverAsked(GROUP, 1))
    assert bench.said(Offer)
    other.says(Ready(US, 1))
    other.falls_silent()
    bench.run(2.0)
    assert bench.turns()[-1] == (Role.ACTIVE, "silence_proved")


@pytest.mark.parametrize(
    ("failback", "priority", "force", "moves"),
    [
        (0.0, 50, False, False),
        (0.0, 50, True, True),
        (0.0, 100, False, True),
        (30.0, 50, False, True),
        (None, 50, False, True),
    ],
)
def test_a_handover_that_failback_would_undo_at_once_needs_force(
    make: MakeBench, failback: float | None, priority: int, force: bool, moves: bool
) -> None:
    bench = make(failback=failback)
    other = better(bench)
    other.priority = priority
    other.stands_by()
    bench.handle(HandoverAsked(GROUP, 1, other.node, force))
    assert bool(bench.said(Offer)) is moves
    if not moves:
        (done,) = bench.did(CommandDone)
        assert not done.ok and "`vipservice maintenance on` keeps it away" in done.detail


# Health and maintenance


def test_health_lost_hands_over_when_a_healthy_successor_is_ready(bench: Bench) -> None:
    other = better(bench)
    bench.handle(HealthChanged(GROUP, health=Health.BAD, detail="the check fails"))
    bench.run(0.01)
    assert bench.said(Offer)[0].to == other.node
    other.says(Ready(US, 1))
    assert bench.turns() == [(Role.BACKUP, "handover_given")]


def test_health_lost_everywhere_leaves_the_address_with_effective_priority_1_and_an_alarm(
    bench: Bench,
) -> None:
    other = better(bench)
    other.fit = False
    other.says()
    bench.handle(HealthChanged(GROUP, health=Health.BAD, detail="the check fails"))
    bench.run(10.0)
    assert bench.role is Role.ACTIVE and not bench.did(Release)
    assert bench.election.group.entry((), bench.now).priority == 1
    assert bench.conditions()[ConditionKind.UNHEALTHY]


def test_an_unhealthy_active_hands_over_as_soon_as_somebody_fit_comes(bench: Bench) -> None:
    bench.becomes_active()
    bench.handle(HealthChanged(GROUP, health=Health.BAD, detail="the check fails"))
    bench.run(5.0)
    bench.other(5).stands_by()
    bench.run(1.1)
    assert bench.said(Offer)


def test_health_that_is_not_known_yet_moves_nothing_and_takes_no_handover(bench: Bench) -> None:
    better(bench)
    bench.handle(HealthChanged(GROUP, Health.UNKNOWN, detail=""))
    bench.run(3.0)
    assert bench.role is Role.ACTIVE and not bench.said(Offer)
    assert not bench.election.group.entry((), bench.now).fit
    assert bench.election.group.entry((), bench.now).priority == 100
    assert not bench.conditions().get(ConditionKind.UNHEALTHY)


def test_weights_come_off_the_priority_and_leave_one(bench: Bench) -> None:
    bench.becomes_active()
    for weight, left in ((30, 70), (250, 1), (0, 100)):
        bench.handle(HealthChanged(GROUP, Health.GOOD, "", weight))
        assert bench.election.group.entry((), bench.now).priority == left
        assert bench.election.group.entry((), bench.now).fit


def test_what_a_hook_moves_is_neither_announced_nor_probed_for_and_found_without_arp(make: MakeBench) -> None:
    bench = make(bind=BindMode.NONE, probe=ProbeMode.OFF).starts().run(10.0)
    assert bench.role is Role.ACTIVE, "one lease after the start, without the 60 s of an unknown holder"
    assert not bench.did(Probe) and not bench.did(Announce)


def test_health_regained_is_the_configured_priority_again(bench: Bench) -> None:
    bench.becomes_active()
    bench.handle(HealthChanged(GROUP, health=Health.BAD, detail="the check fails"))
    bench.handle(HealthChanged(GROUP, health=Health.GOOD, detail=""))
    assert bench.election.group.entry((), bench.now).priority == 100
    assert not bench.conditions()[ConditionKind.UNHEALTHY]


def test_an_active_in_maintenance_hands_over_to_the_first_fit_node(bench: Bench) -> None:
    bench.becomes_active()
    bench.handle(MaintenanceSet(GROUP, on=True))
    bench.run(3.0)
    assert bench.role is Role.ACTIVE  # the last node serves on
    other = bench.other(5)
    other.priority = 1
    other.stands_by()
    bench.run(1.1)
    assert bench.said(Offer)[0].to == other.node


def test_a_backup_in_maintenance_never_binds_until_it_takes_part_again(bench: Bench) -> None:
    other = bench.starts().other(5).becomes_active()
    bench.handle(MaintenanceSet(GROUP, on=True))
    other.falls_silent()
    bench.run(10.0)
    assert not bench.did(Bind)
    bench.handle(MaintenanceSet(GROUP, on=False))
    bench.run(1.0)
    assert bench.role is Role.ACTIVE


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"fit": False, "maintenance": True}, "is in maintenance"),
        ({"fit": False, "priority": 1}, "is not healthy"),
        ({"fit": False}, "is stopping or not checked yet"),
        ({"role": Role.FAULT}, "is in fault"),
        ({"addresses": (VIP, address_of(77))}, "has other addresses in this group"),
        ({"hears_us": False}, "does not hear this node"),
    ],
)
def test_a_handover_is_refused_with_what_the_successor_lacks(
    bench: Bench, change: dict[str, object], why: str
) -> None:
    bench.becomes_active()
    other = bench.other(5)
    other.stands_by()
    bench.run(1.0)
    for name, value in change.items():
        setattr(other, name, value)
    other.says()
    bench.run(6.0 if "hears_us" in change else 0.01)
    bench.handle(HandoverAsked(GROUP, 7, other.node))
    done = bench.did(CommandDone)[-1]
    assert not done.ok
    assert done.detail.startswith(f"n5 {why}")


def test_a_better_node_says_when_it_would_fail_back(make: MakeBench) -> None:
    bench = make(failback=30.0, priority=200).starts()
    bench.other(5).becomes_active()
    bench.run(10.0)
    assert bench.election.status(bench.now).failback_in == pytest.approx(20.0, abs=0.2)


def test_who_never_fails_back_does_not_say_so(make: MakeBench) -> None:
    bench = make(priority=200).starts()
    bench.other(5).becomes_active()
    bench.run(10.0)
    assert bench.election.status(bench.now).failback_in is None


def test_an_active_adopted_in_maintenance_still_looks_for_a_successor(make: MakeBench) -> None:
    bench = make(own_term=7, reserved=9)
    bench.election.orders.stay_out(True, 0.0)
    bench.starts(leftover(2.9))
    assert bench.role is Role.ACTIVE
    other = bench.other(5)
    other.stands_by()
    bench.run(1.1)
    assert bench.said(Offer)[0].to == other.node


# Start


def leftover(left: float | None, ours: bool = True) -> Leftover:
    return Leftover(VIP, left, ours)


def test_our_own_address_with_enough_lease_is_renewed_at_once_and_we_are_active_with_our_stored_term(
    make: MakeBench,
) -> None:
    bench = make(own_term=7, reserved=9).starts(leftover(1.5))
    assert bench.turns() == [(Role.ACTIVE, "adopted")]
    assert bench.when(Bind) == [100.0] and not bench.did(Release)
    assert bench.election.group.term == 7


def test_an_adoption_must_happen_before_that_lease_ends(make: MakeBench) -> None:
    bench = make()
    bench.starts(leftover(1.5))
    assert bench.did(Bind)[0].not_after == pytest.approx(101.5)


def test_our_own_address_with_less_than_half_a_second_of_lease_is_removed(bench: Bench) -> None:
    bench.starts(leftover(0.4))
    assert bench.role is Role.BACKUP and bench.did(Release)


def test_an_adopting_node_is_no_claimant_and_ignores_those_who_probe(make: MakeBench) -> None:
    bench = make(own_term=1).starts(leftover(2.0))
    for _ in range(50):
        bench.arp(bytes([2, 0, 0, 0, 0, 99]), None, VIP)  # type: ignore[arg-type]
        bench.run(0.02)
    assert bench.role is Role.ACTIVE


def test_a_group_adopts_all_its_addresses_or_none(make: MakeBench) -> None:
    bench = make(addresses=(VIP, address_of(235))).starts(leftover(2.0))
    assert bench.role is Role.BACKUP and bench.did(Release)


def test_a_group_binds_all_its_addresses_in_one_action(make: MakeBench) -> None:
    bench = make(addresses=(VIP, address_of(235))).starts().run(1.0)
    assert [bind.addresses for bind in bench.did(Bind)] == [(VIP, address_of(235))]
    bench.run(1.0)
    assert {renew.addresses for renew in bench.did(Renew)} == {(VIP, address_of(235))}


def test_a_permanent_address_that_is_not_ours_is_refused_and_never_removed(bench: Bench) -> None:
    bench.starts(leftover(None, ours=False))
    assert bench.role is Role.FAULT and not bench.did(Release)
    assert bench.turns() == [(Role.FAULT, "address_on_host")]
    bench.run(5.0)
    assert not bench.did(Bind)


def test_once_the_host_gives_that_address_up_we_take_part(bench: Bench) -> None:
    bench.starts(leftover(None, ours=False))
    bench.handle(AddressRemoved(VIP))
    bench.run(1.0)
    assert [reason for _, reason in bench.turns()] == [
        "address_on_host",
        "recovered",
        "adverts_silent",
        "silence_proved",
    ]


def test_while_the_host_has_one_of_the_addresses_the_end_of_another_changes_nothing(make: MakeBench) -> None:
    second = address_of(235)
    bench = make(addresses=(VIP, second)).starts(leftover(None, ours=False), Leftover(second, 1.0, True))
    bench.handle(AddressRemoved(second))
    bench.run(2.0)
    assert bench.role is Role.FAULT and not bench.did(Bind)


def test_an_interface_that_comes_back_without_that_address_lets_us_take_part(bench: Bench) -> None:
    bench.starts(leftover(None, ours=False))
    bench.handle(InterfaceLost("there is no interface eth0"))
    bench.starts().run(1.0)
    assert bench.role is Role.ACTIVE


def test_a_leftover_of_ours_that_shows_up_on_a_backup_is_removed(bench: Bench) -> None:
    bench.starts()
    bench.log.clear()
    bench.handle(AddressAdded(VIP, ours=True))
    assert bench.did(Release) and not bench.turns()


def test_a_backup_checks_again_that_the_address_is_absent(bench: Bench) -> None:
    bench.starts().other(5).becomes_active()
    bench.log.clear()
    bench.run(5.0)
    assert len(bench.did(Release)) == 5


def test_an_interface_that_is_lost_is_a_fault_until_it_is_back(bench: Bench) -> None:
    bench.becomes_active()
    bench.handle(InterfaceLost("eth0 is gone"))
    assert bench.turns() == [(Role.FAULT, "interface_lost")]
    bench.starts()
    assert bench.turns()[-1] == (Role.BACKUP, "recovered")


def test_a_start_without_a_link_is_a_fault(bench: Bench) -> None:
    bench.starts(link_up=False)
    assert bench.turns() == [(Role.FAULT, "link_lost")]


# Terms


def test_the_next_term_is_reserved_when_a_greater_one_is_heard(bench: Bench) -> None:
    bench.starts()
    bench.other(5).becomes_active(term=5)
    assert bench.did(StoreTerm) == [StoreTerm(GROUP, 0, 6)]
    bench.others[0].says()
    assert len(bench.did(StoreTerm)) == 1


def test_our_own_term_and_the_next_are_stored_after_a_bind(bench: Bench) -> None:
    bench.starts().run(1.0)
    assert bench.did(StoreTerm) == [StoreTerm(GROUP, 1, 2)]


def test_the_settings_of_these_tests_are_the_defaults_they_claim_to_be() -> None:
    assert (BASE.timing.advert_interval, BASE.timing.misses, BASE.timing.lease) == (0.1, 3, 3)
