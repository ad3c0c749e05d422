"""The arithmetic of owning: turns and cuts in, seconds out."""

from collections.abc import Iterable
from ipaddress import IPv4Address

import pytest

from vipservice.lab.ownership import Holding, Ownership, Turn, holdings, ownership
from vipservice.lab.reach import ReachChange

VIP = IPv4Address("10.99.0.234")
WHOLE = ReachChange(0.0, {"a": "lan", "b": "lan", "client": "lan"})


def turns(*told: tuple[float, str, bool]) -> list[Turn]:
    return [Turn(at, host, VIP, held) for at, host, held in told]


def owned(
    told: Iterable[Turn], since: float, until: float, changes: Iterable[ReachChange] = (WHOLE,)
) -> Ownership:
    return ownership(VIP, holdings(told, changes, "client"), since, until)


def seconds(result: Ownership) -> tuple[float, float, float]:
    return (result.none, result.one, result.several)


def test_nobody_owns_an_address_before_anybody_had_it() -> None:
    assert seconds(owned([], 1, 3)) == (2, 0, 0)
    assert ownership(VIP, [], 1, 3).final == frozenset()


def test_a_gap_an_owner_and_an_overlap_add_up_to_the_window() -> None:
    result = owned(turns((2, "a", True), (5, "b", True), (6, "a", False)), 1, 10)
    assert seconds(result) == (1, 7, 1)
    assert (result.most, result.moves, result.final) == (2, 1, frozenset("b"))


def test_a_window_sees_what_began_before_it_and_nothing_after_it() -> None:
    result = owned(turns((1, "a", True), (8, "b", True)), 3, 5)
    assert seconds(result) == (0, 2, 0)
    assert result.final == {"a"}


def test_a_cut_off_owner_neither_serves_nor_counts() -> None:
    cut = ReachChange(3, {"a": None, "b": "lan", "client": "lan"})
    result = owned(turns((1, "a", True), (4, "b", True)), 2, 6, (WHOLE, cut))
    assert seconds(result) == (1, 3, 0)
    assert (result.most, result.moves, result.final) == (1, 1, frozenset("b"))


def test_owners_that_meet_again_count_from_the_heal_on() -> None:
    cut = ReachChange(3, {"a": "alone-a", "b": "lan", "client": "lan"})
    heal = ReachChange(5, WHOLE.segments)
    told = turns((1, "a", True), (4, "b", True), (6, "a", False))
    assert seconds(owned(told, 2, 7, (WHOLE, cut, heal))) == (1, 3, 1)


def test_two_owners_where_the_client_is_not_are_two_owners_all_the_same() -> None:
    split = ReachChange(0, {"a": "side1", "b": "side1", "client": "lan"})
    result = owned(turns((1, "a", True), (2, "b", True)), 0, 4, (split,))
    assert seconds(result) == (2, 0, 2)
    assert result.final == frozenset()


def test_an_owner_that_comes_back_after_a_gap_has_not_moved() -> None:
    assert owned(turns((1, "a", True), (2, "a", False), (3, "a", True)), 0, 4).moves == 0


def test_moving_at_one_instant_is_no_overlap() -> None:
    told = turns((1, "a", True), (2, "a", False), (2, "b", True))
    result = owned(told, 1, 3)
    assert (result.several, result.most, result.moves) == (0, 1, 1)


@pytest.mark.parametrize("at", [1.0, 2.5])
def test_a_course_tells_who_served_when(at: float) -> None:
    course = holdings(turns((at, "a", True)), (WHOLE,), "client")
    assert course == [Holding(0.0, frozenset(), 0), Holding(at, frozenset({"a"}), 1)]
