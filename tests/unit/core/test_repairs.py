"""Somebody removes the address: repaired, five times a minute, and then it is somebody else's will."""

from ipaddress import IPv6Address

from tests.unit.core.conftest import VIP, Bench
from vipservice.core.actions import Announce, Bind, Repaired
from vipservice.core.budgets import REPAIR_SETTLE, REPAIRS_A_MINUTE, Repairs
from vipservice.core.events import AddressRemoved, Stalled
from vipservice.core.messages import Offer, Ready, Resign
from vipservice.core.roles import Role


def test_five_repairs_in_a_minute_and_no_more() -> None:
    repairs = Repairs()
    for second in range(REPAIRS_A_MINUTE):
        assert not repairs.exhausted(float(second))
        repairs.spend([VIP], float(second))
    assert repairs.exhausted(5.0)
    assert not repairs.exhausted(60.1)


def test_a_removal_is_repaired_at_once_by_the_same_owner_and_announced(bench: Bench) -> None:
    bench.becomes_active().run(10.0)
    bench.log.clear()
    removed = bench.now
    bench.handle(AddressRemoved(VIP))
    bench.run(0.1)
    assert bench.when(Bind) == [removed]
    assert bench.did(Repaired)[0].address == VIP
    assert bench.did(Announce)
    assert bench.role is Role.ACTIVE and not bench.turns()


def test_who_flushes_until_none_is_left_finds_an_end_and_spends_two_repairs(bench: Bench) -> None:
    bench.becomes_active().run(10.0)
    bench.log.clear()
    removed = bench.now
    for _ in range(10):
        bench.handle(AddressRemoved(VIP))
        bench.run(0.002)
    bench.run(0.1)
    assert bench.when(Bind) == [removed, removed + REPAIR_SETTLE]
    assert len(bench.did(Repaired)) == 2
    assert bench.role is Role.ACTIVE and not bench.turns()


def test_another_address_of_the_group_does_not_wait_for_the_first() -> None:
    repairs = Repairs()
    repairs.spend([VIP], 1.0)
    assert repairs.due(VIP, 1.001) == 1.0 + REPAIR_SETTLE
    assert repairs.due(IPv6Address("2001:db8::1"), 1.001) == 1.001
    assert repairs.due(VIP, 1.1) == 1.1


def test_a_repair_must_happen_before_our_lease_ends(bench: Bench) -> None:
    bench.becomes_active().run(10.0)
    bench.log.clear()
    end = bench.election.group.lease.end
    bench.handle(AddressRemoved(VIP))
    bench.run(0.0)
    assert [bind.not_after for bind in bench.did(Bind)] == [end]


def test_what_came_in_beside_the_removal_is_heard_before_anything_is_put_back(bench: Bench) -> None:
    # We stood still, it was removed, another took it: all three wait to be read, the removal first.
    bench.becomes_active().run(10.0)
    other = bench.other(5)
    bench.log.clear()
    bench.handle(AddressRemoved(VIP))
    other.becomes_active(term=bench.election.group.term + 1)
    bench.run(5.0)
    assert not bench.did(Bind) and not bench.did(Repaired)
    assert bench.turns()[0] == (Role.BACKUP, "better_active")


def test_what_was_removed_while_we_stood_still_comes_back_only_when_nobody_else_has_been_heard_for_d(
    bench: Bench,
) -> None:
    bench.becomes_active().run(10.0)
    bench.log.clear()
    stood_still, down = bench.now, bench.election.group.settings.timing.down_interval(0.1, 0)
    bench.handle(AddressRemoved(VIP))
    bench.handle(Stalled(0.5))
    bench.run(2 * down)
    assert [round(at - stood_still, 6) for at in bench.when(Bind)][:1] == [round(down, 6)]
    assert bench.role is Role.ACTIVE and not bench.turns()


def test_a_repair_is_no_takeover_and_keeps_the_term(bench: Bench) -> None:
    bench.becomes_active()
    term = bench.election.group.term
    bench.handle(AddressRemoved(VIP))
    bench.run(0.1)
    assert bench.did(Repaired) and bench.election.group.term == term


def remove(bench: Bench, times: int) -> None:
    for _ in range(times):
        bench.handle(AddressRemoved(VIP))
        bench.run(REPAIR_SETTLE + 0.001)


def test_without_a_successor_a_spent_budget_still_repairs_once_a_second(bench: Bench) -> None:
    bench.becomes_active()
    remove(bench, REPAIRS_A_MINUTE)
    bench.log.clear()
    removed = bench.now
    bench.handle(AddressRemoved(VIP))
    bench.run(1.5)
    assert [round(at - removed, 3) for at in bench.when(Bind)] == [1.0]
    assert bench.role is Role.ACTIVE


def test_with_a_successor_a_spent_budget_hands_over_and_is_a_fault_for_a_minute(bench: Bench) -> None:
    bench.becomes_active()
    other = bench.other(5)
    other.term = 1
    other.stands_by()
    remove(bench, REPAIRS_A_MINUTE + 1)
    (offer, *_) = bench.said(Offer)
    other.says(Ready(bench.segment.around.node, 77))
    assert offer.to == other.node and bench.said(Resign)[0].nonce == 77
    assert bench.turns()[-1] == (Role.FAULT, "repairs_exhausted")
    other.becomes_active(term=2)
    bench.run(58.0)
    assert bench.role is Role.FAULT
    bench.run(3.0)
    assert bench.turns()[-1] == (Role.BACKUP, "recovered")


def test_who_was_robbed_too_often_comes_last_for_a_minute(bench: Bench) -> None:
    bench.becomes_active()
    other = bench.other(5)
    remove(bench, REPAIRS_A_MINUTE + 1)
    other.becomes_active(term=2)
    group = bench.election.group
    assert bench.role is Role.BACKUP
    assert (group.fit, group.priority) == (False, 1)
    bench.run(61.0)
    assert (group.fit, group.priority) == (True, group.settings.priority)
