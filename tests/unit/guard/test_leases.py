"""When the guard removes what, and when it forgets."""

from math import inf

from vipservice.adapters.guard.leases import AGAIN, REMOVALS, Leases
from vipservice.adapters.guard.messages import Held

VIP = Held("en0", "192.168.3.234")
OTHER = Held("en0", "192.168.3.235")


def test_nothing_is_due_before_its_lease_is_over() -> None:
    leases = Leases()
    assert leases.keep(VIP, 103.0)
    assert leases.deadline() == 103.0
    assert leases.lapsed(102.999) == []
    assert leases.lapsed(103.0) == [VIP]


def test_a_renewal_puts_it_off_and_is_no_news() -> None:
    leases = Leases()
    leases.keep(VIP, 103.0)
    assert not leases.keep(VIP, 104.0)
    assert leases.lapsed(103.5) == []
    assert leases.all() == {VIP: 104.0}


def test_each_address_lapses_by_itself() -> None:
    leases = Leases()
    leases.keep(VIP, 103.0)
    leases.keep(OTHER, 105.0)
    assert leases.lapsed(103.0) == [VIP]
    leases.drop(VIP)
    assert leases.lapsed(105.0) == [OTHER]


def test_what_lapsed_is_removed_three_times_a_second_apart_and_then_let_be() -> None:
    leases = Leases()
    leases.keep(VIP, 100.0)
    times = [now / 10 for now in range(1000, 1100) if leases.lapsed(now / 10)]
    assert times == [100.0 + AGAIN * number for number in range(REMOVALS)]
    assert leases.deadline() == inf


def test_a_renewal_after_a_removal_guards_it_anew() -> None:
    leases = Leases()
    leases.keep(VIP, 100.0)
    leases.lapsed(100.0)
    leases.keep(VIP, 103.5)
    assert leases.lapsed(101.0) == []
    assert leases.lapsed(103.5) == [VIP]


def test_what_the_daemon_dropped_is_never_removed() -> None:
    leases = Leases()
    leases.keep(VIP, 100.0)
    assert leases.drop(VIP)
    assert not leases.drop(VIP)
    assert leases.lapsed(200.0) == []


def test_what_lapsed_in_a_hung_daemons_life_is_removed_again_at_its_death() -> None:
    leases = Leases()
    leases.keep(VIP, 100.0)
    for now in (100.0, 101.0, 102.0):
        leases.lapsed(now)
    leases.abandoned(500.0)
    assert leases.lapsed(500.0) == [VIP]


def test_a_death_puts_nothing_off_that_is_guarded_still() -> None:
    leases = Leases()
    leases.keep(VIP, 103.0)
    leases.abandoned(101.0)
    assert leases.lapsed(102.9) == []
    assert leases.lapsed(103.0) == [VIP]


def test_only_what_has_been_removed_often_enough_is_forgotten() -> None:
    leases = Leases()
    leases.keep(VIP, 100.0)
    leases.lapsed(100.0)
    assert not leases.forget_removed()
    leases.lapsed(101.0)
    leases.lapsed(102.0)
    assert leases.forget_removed()
    assert leases.all() == {}
