"""Who comes next: position by (effective priority, address) among the living fit backups of equal digest."""

import pytest

from tests.unit.core.conftest import VIP, Bench, MakeBench, Other, address_of
from vipservice.core.actions import Bind, Probe
from vipservice.core.contenders import Contenders
from vipservice.core.group import digest_of
from vipservice.core.roles import Role

OURS = (100, address_of(10).packed)


def heard(bench: Bench, number: int, priority: int = 100, at: float = 0.0) -> tuple[Contenders, Other]:
    contenders = Contenders(digest_of((VIP,)))
    other = bench.other(number)
    other.priority = priority
    advert = other.advert()
    contenders.hear(advert, advert.entries[0], at)
    return contenders, other


def hear_again(contenders: Contenders, other: Other, at: float) -> None:
    advert = other.advert()
    contenders.hear(advert, advert.entries[0], at)


@pytest.mark.parametrize(
    ("number", "priority", "position"), [(5, 101, 1), (5, 99, 0), (11, 100, 1), (9, 100, 0)]
)
def test_priority_comes_first_and_then_the_address(
    bench: Bench, number: int, priority: int, position: int
) -> None:
    contenders, _ = heard(bench, number, priority)
    assert contenders.position(OURS, 0.5) == position


def test_only_who_was_heard_within_three_of_its_own_intervals_is_living(bench: Bench) -> None:
    contenders, _ = heard(bench, 5, 150)
    assert contenders.position(OURS, 2.9) == 1
    assert contenders.position(OURS, 3.1) == 0


@pytest.mark.parametrize("role", [Role.FAULT, Role.INITIALIZE, Role.ACTIVE])
def test_who_is_no_backup_does_not_count(bench: Bench, role: Role) -> None:
    contenders, other = heard(bench, 5, 150)
    other.role = role
    hear_again(contenders, other, 0.1)
    assert contenders.position(OURS, 0.2) == 0


def test_who_is_unfit_or_in_maintenance_does_not_count(bench: Bench) -> None:
    contenders, other = heard(bench, 5, 150)
    other.fit = False
    hear_again(contenders, other, 0.1)
    assert contenders.position(OURS, 0.2) == 0 and not contenders.successors(0.2)


def test_who_has_other_addresses_does_not_count(bench: Bench) -> None:
    contenders, other = heard(bench, 5, 150)
    other.addresses = (VIP, address_of(235))
    hear_again(contenders, other, 0.1)
    assert contenders.position(OURS, 0.2) == 0


def test_the_digest_is_of_the_set_and_not_of_the_order() -> None:
    one, other = address_of(1), address_of(2)
    assert digest_of((one, other)) == digest_of((other, one)) != digest_of((one,))


def takeover(bench: Bench, better: int) -> Bench:
    active = bench.starts().other(5).becomes_active()
    for number in range(better):
        bench.other(20 + number).stands_by()
    bench.run(1.5)
    active.falls_silent()
    bench.log.clear()
    return bench


@pytest.mark.parametrize("better", [0, 1, 2])
def test_position_delays_the_bind_by_an_interval_each_and_not_the_probing(bench: Bench, better: int) -> None:
    takeover(bench, better)
    active = bench.others[0]
    since = bench.segment.around.roster.peers[active.node].heard_at
    bench.run(1.0)
    assert bench.when(Probe)[0] - since == pytest.approx(0.125, abs=0.001)
    assert bench.when(Bind)[0] - since == pytest.approx(0.3 + 0.1 * better, abs=0.002)


def test_the_best_waits_nothing_extra_after_a_lapse_and_the_next_its_turn(make: MakeBench) -> None:
    """D was over long before the holder's lease lapses, so two must not bind in the same millisecond."""
    bench = takeover(make(), better=1)
    bench.holder = bench.others[0].mac
    bench.run(3.5)
    bench.holder, freed = None, bench.now
    bench.run(1.0)
    assert bench.when(Bind)[0] - freed > 0.1
