"""Owners are counted in kernels, together only while frames can pass between them."""

import time
from ipaddress import IPv4Address

import pytest

from vipservice.lab.clock import now
from vipservice.lab.lan import Lan
from vipservice.lab.owners import EventsLostError

pytestmark = pytest.mark.live

LASTS = 0.3
LATE = 0.05
"""Seconds between what the kernel did and when a busy machine lets us read of it."""


def test_two_owners_at_once_are_counted_for_as_long_as_it_lasts(lan: Lan, vip: IPv4Address) -> None:
    since = now()
    lan.add_address("a", vip)
    second = lan.add_address("b", vip)
    time.sleep(LASTS)
    assert lan.owners(vip) == {"a", "b"}
    gone = lan.delete_address("a", vip)

    owned = lan.owned(vip, since)

    assert owned.most == 2
    assert owned.several == pytest.approx(gone.began - second.done, abs=LATE)
    assert owned.final == {"b"}
    assert owned.moves == 1
    assert owned.none + owned.one + owned.several == pytest.approx(owned.until - owned.since)


def test_an_address_that_moves_fast_is_never_taken_for_two(lan: Lan, vip: IPv4Address) -> None:
    since = now()
    lan.add_address("a", vip)
    for giver, taker in [("a", "b"), ("b", "a")] * 50:
        lan.delete_address(giver, vip)
        lan.add_address(taker, vip)

    owned = lan.owned(vip, since)

    assert (owned.several, owned.most, owned.moves) == (0.0, 1, 100)


def test_an_overlap_is_never_missed_however_short(lan: Lan, vip: IPv4Address) -> None:
    for _ in range(50):
        lan.add_address("a", vip)
        since = now()
        lan.add_address("b", vip)
        lan.delete_address("b", vip)
        owned = lan.owned(vip, since)
        assert owned.most == 2
        assert owned.several > 0


@pytest.mark.parametrize("verb", ["cut", "cut_upstream", "split", "power_off"])
def test_a_host_that_nobody_can_reach_does_not_count(lan: Lan, vip: IPv4Address, verb: str) -> None:
    lan.add_address("a", vip)
    sides = (("client", "b", "c"), ("a",)) if verb == "split" else ("a",)
    cut = getattr(lan, verb)(*sides)
    assert lan.owners(vip) == frozenset()
    lan.add_address("b", vip)
    time.sleep(0.02)

    owned = lan.owned(vip, cut.done)

    assert owned.several == 0
    assert owned.none > 0
    assert owned.final == {"b"}


@pytest.mark.quiet
@pytest.mark.parametrize("verb", ["cut", "cut_upstream"])
def test_two_owners_that_meet_again_count_from_the_heal_on(lan: Lan, vip: IPv4Address, verb: str) -> None:
    lan.add_address("a", vip)
    getattr(lan, verb)("a")
    lan.add_address("b", vip)
    heal = lan.heal("a")
    time.sleep(LASTS)
    gone = lan.delete_address("a", vip)
    assert lan.owned(vip, heal.began).several == pytest.approx(gone.began - heal.began, abs=LATE)
    assert lan.owned(vip, 0, heal.began).several == 0


def test_two_owners_on_the_far_side_of_a_split_count(lan: Lan, vip: IPv4Address) -> None:
    split = lan.split(("client", "a"), ("b", "c"))
    lan.add_address("b", vip)
    lan.add_address("c", vip)
    time.sleep(0.02)
    owned = lan.owned(vip, split.done)
    assert owned.several > 0
    assert owned.final == frozenset()


def test_a_host_comes_back_from_a_power_cut_with_an_empty_kernel(lan: Lan, vip: IPv4Address) -> None:
    lan.add_address("a", vip)
    lan.power_off("a")
    lan.power_on("a")
    assert lan.owners(vip) == frozenset()
    lan.add_address("a", vip)
    assert lan.owners(vip) == {"a"}
    pings = lan.ping(vip)
    pings.wait_for_answer(2)


def test_a_lease_that_lapses_is_seen_when_the_kernel_ends_it(lan: Lan, vip: IPv4Address) -> None:
    began = now()
    lan.node("a").run(
        ("ip", "address", "add", f"{vip}/32", "dev", "eth0", "valid_lft", "1", "preferred_lft", "1")
    )
    deadline = began + 5
    while lan.owners(vip) and now() < deadline:
        time.sleep(0.02)
    lapsed = lan.ownership.turns()[-1]
    assert (lapsed.host, lapsed.address, lapsed.held) == ("a", vip, False)
    assert 0.99 <= lapsed.at - began < 4


def test_a_renewal_is_no_turn(lan: Lan, vip: IPv4Address) -> None:
    for _ in range(3):
        lan.add_address("a", vip)
    assert [turn.host for turn in lan.ownership.turns() if turn.address == vip] == ["a"]


def test_an_address_on_two_interfaces_of_a_host_is_owned_until_both_are_without(
    lan: Lan, vip: IPv4Address
) -> None:
    lan.add_address("a", vip)
    lan.node("a").run(("ip", "address", "add", f"{vip}/32", "dev", "lo"))
    lan.node("a").run(("ip", "address", "del", f"{vip}/32", "dev", "eth0"))
    assert lan.owners(vip) == {"a"}
    lan.node("a").run(("ip", "address", "del", f"{vip}/32", "dev", "lo"))
    assert lan.owners(vip) == frozenset()


def test_a_listener_that_died_makes_every_figure_an_error(lan: Lan, vip: IPv4Address) -> None:
    lan.ownership._process.kill()
    lan.ownership._reader.join(5)
    with pytest.raises(EventsLostError, match="the listener has ended"):
        lan.owners(vip)
