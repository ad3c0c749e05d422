"""Rank: (term, priority, address) as sent in the adverts; of two actives the greater stays."""

import pytest

from tests.unit.core.conftest import Bench, MakeBench
from vipservice.core.actions import Announce, ConditionKind, Release, SendAdvert
from vipservice.core.messages import Path
from vipservice.core.roles import Role
from vipservice.core.values import Rank


@pytest.mark.parametrize(
    ("greater", "lesser"),
    [
        (Rank(2, 1, b"\x01"), Rank(1, 254, b"\xff")),
        (Rank(1, 101, b"\x01"), Rank(1, 100, b"\xff")),
        (Rank(1, 100, b"\x02"), Rank(1, 100, b"\x01")),
    ],
)
def test_the_term_decides_then_the_priority_then_the_address(greater: Rank, lesser: Rank) -> None:
    assert greater > lesser


def test_our_rank_is_what_our_adverts_say(bench: Bench) -> None:
    bench.becomes_active().run(0.15)
    advert = bench.did(SendAdvert)[-1].advert
    assert advert.rank(advert.entries[0]) == bench.election.group.rank


def test_an_active_releases_at_once_to_a_greater_one(bench: Bench) -> None:
    bench.becomes_active()
    rival = bench.other(5)
    rival.role, rival.term, rival.interval = Role.ACTIVE, 2, 0.1
    actions = rival.says()
    assert any(isinstance(action, Release) for action in actions)
    assert bench.turns() == [(Role.BACKUP, "better_active")]


def test_an_active_keeps_the_address_from_a_lesser_one_and_announces_all_over_again(bench: Bench) -> None:
    bench.becomes_active().run(10.0)
    bench.log.clear()
    rival = bench.other(5)
    rival.role, rival.term, rival.interval = Role.ACTIVE, 0, 0.1
    rival.says()
    began = bench.now
    bench.run(6.0)
    assert bench.role is Role.ACTIVE and not bench.did(Release)
    assert [round(at - began, 2) for at in bench.when(Announce)] == [0.0, 0.05, 0.2, 0.5, 1.1, 2.2, 5.0]


def test_a_rival_active_is_answered_at_once_by_unicast(bench: Bench) -> None:
    bench.becomes_active()
    rival = bench.other(5)
    rival.role, rival.term, rival.interval = Role.ACTIVE, 0, 0.1
    sends = [action for action in rival.says() if isinstance(action, SendAdvert)]
    assert any(send.to == rival.node and Path.UNICAST in send.paths for send in sends)
    assert bench.conditions()[ConditionKind.RIVAL]


def test_a_greater_rival_is_told_at_once_by_every_path_that_we_let_go(bench: Bench) -> None:
    bench.becomes_active()
    rival = bench.other(5)
    rival.role, rival.term, rival.interval = Role.ACTIVE, 9, 0.1
    told = [a for a in rival.says() if isinstance(a, SendAdvert) and a.to == rival.node]
    assert {Path.UNICAST, Path.RAW} <= told[-1].paths
    assert told[-1].advert.entries[0].role is Role.BACKUP


def test_an_equal_priority_never_preempts_a_living_active(make: MakeBench) -> None:
    bench = make(number=200, failback=0.0).starts()
    bench.other(5).becomes_active()
    bench.run(10.0)
    assert bench.role is Role.BACKUP
    assert bench.turns() == [(Role.BACKUP, "started")]


def test_only_a_bind_raises_the_term_to_one_more_than_the_greatest_heard(bench: Bench) -> None:
    bench.starts()
    other = bench.other(5).becomes_active(term=41)
    assert bench.election.group.entry((), bench.now).term == 41
    other.falls_silent()
    bench.run(1.0)
    assert bench.role is Role.ACTIVE
    assert bench.election.group.entry((), bench.now).term == 42


def test_only_a_bind_raises_the_term_to_one_more_than_the_greatest_stored(make: MakeBench) -> None:
    bench = make(own_term=3, reserved=9).starts().run(1.0)
    assert bench.election.group.term == 9


def test_a_mad_term_is_not_believed(bench: Bench) -> None:
    bench.starts()
    other = bench.other(5)
    other.role, other.term = Role.ACTIVE, 2**63
    other.says()
    assert bench.rejected() == ["term"]
    assert bench.election.group.term < 2
