"""One datagram for all groups of a link, and what adverts that are not ours to follow do."""

from dataclasses import replace
from itertools import pairwise

from tests.unit.core.conftest import BASE, GROUP, VIP, Bench, address_of
from vipservice.core.actions import SendAdvert
from vipservice.core.events import AdvertReceived, Bound, SettingsChanged
from vipservice.core.messages import Path
from vipservice.core.roles import Role
from vipservice.core.timing import Timing
from vipservice.core.values import GroupId


def many(groups: int) -> Bench:
    bench = Bench()
    for number in range(2, groups + 1):
        bench.segment.add(
            replace(BASE, id=GroupId(number), name=f"g{number}", addresses=(address_of(100 + number),))
        )
    return bench


def test_all_groups_speak_in_one_datagram(bench: Bench) -> None:
    bench = many(100).starts().run(2.0)
    bench.log.clear()
    bench.run(1.0)
    sends = bench.did(SendAdvert)
    assert len(sends) == 10
    assert all(len(send.advert.entries) == 100 for send in sends)


def test_sequences_only_grow(bench: Bench) -> None:
    bench.becomes_active().run(2.0)
    numbers = [send.advert.sequence for send in bench.did(SendAdvert)]
    assert numbers == sorted(set(numbers))


def test_an_advert_takes_as_many_sequences_as_it_may_need_datagrams(bench: Bench) -> None:
    bench = many(3).starts().run(2.0)
    sends = [(send.advert.sequence, len(send.advert.entries)) for send in bench.did(SendAdvert)]
    assert len(sends) > 2
    assert all(next_one == one + entries for (one, entries), (next_one, _) in pairwise(sends))


def test_the_advert_names_all_macs_and_whom_we_heard(bench: Bench) -> None:
    bench.starts()
    other = bench.other(5)
    other.says()
    bench.run(1.1)
    advert = bench.did(SendAdvert)[-1].advert
    assert advert.macs == bench.segment.around.macs
    assert [heard.node for heard in advert.heard] == [other.node]


def test_the_advert_of_the_active_says_how_long_its_lease_lasts(bench: Bench) -> None:
    bench.becomes_active().run(2.0)
    lefts = [send.advert.entries[0].lease_left for send in bench.did(SendAdvert)]
    assert all(2.4 <= left <= 3.0 for left in lefts)


def test_a_backup_claims_no_lease(bench: Bench) -> None:
    bench.starts()
    assert bench.did(SendAdvert)[0].advert.entries[0].lease_left == 0.0


def test_an_advert_for_a_group_we_do_not_have_is_nobodys_business(bench: Bench) -> None:
    bench.starts()
    other = bench.other(5)
    advert = other.advert()
    entry = replace(advert.entries[0], group=GroupId(9), role=Role.ACTIVE)
    bench.handle(AdvertReceived(replace(advert, entries=(entry,)), Path.MULTICAST))
    bench.run(1.0)
    assert bench.role is Role.ACTIVE


def test_other_addresses_under_our_group_id_are_rejected_and_never_followed(bench: Bench) -> None:
    bench.starts()
    other = bench.other(5)
    other.addresses = (address_of(200),)
    other.becomes_active()
    bench.run(1.0)
    assert "foreign_addresses" in bench.rejected()
    assert bench.role is Role.ACTIVE


def test_an_active_that_shares_an_address_counts_as_a_rival_whatever_its_digest(bench: Bench) -> None:
    bench.becomes_active()
    other = bench.other(5)
    other.addresses = (VIP, address_of(200))
    other.becomes_active(term=9)
    assert bench.turns() == [(Role.BACKUP, "better_active")]


def test_a_longer_interval_is_advertised_three_times_at_the_old_pace(bench: Bench) -> None:
    bench.becomes_active()
    bench.handle(SettingsChanged(replace(BASE, timing=Timing(1.0, 3, 3))))
    bench.log.clear()
    changed = bench.now
    bench.run(3.0)
    times = [round(at - changed, 2) for at in bench.when(SendAdvert)]
    stated = {send.advert.entries[0].interval for send in bench.did(SendAdvert)}
    assert times == [0.1, 0.2, 0.3, 1.3, 2.3] and stated == {1.0}


def test_a_reload_of_numbers_leaves_the_role_alone(bench: Bench) -> None:
    bench.becomes_active()
    bench.handle(SettingsChanged(replace(BASE, priority=7)))
    bench.run(1.0)
    assert not bench.turns()
    assert bench.did(SendAdvert)[-1].advert.entries[0].priority == 7


def test_nothing_is_said_before_the_interface_has_an_address(bench: Bench) -> None:
    assert bench.segment.tick(200.0) == []


def test_a_confirmed_renewal_says_nothing(bench: Bench) -> None:
    bench.becomes_active()
    assert bench.handle(Bound(GROUP)) == []


def test_an_active_wakes_for_its_adverts_and_no_more_at_the_pace_of_a_backup(bench: Bench) -> None:
    bench.becomes_active()
    bench.run(5.02)
    woken = []
    for _ in range(30):
        bench.now = bench.segment.deadline(bench.now) + 0.0001  # a loop is never early
        woken.append(bench.now)
        bench._perform(bench.segment.tick(bench.now))
    assert all(0.09 < after - before < 0.11 for before, after in pairwise(woken))
