"""Somebody else probes too: who stands back, for whom, and for how long."""

import pytest

from tests.unit.core.conftest import STRANGER, VIP, Bench, Other, mac_of, node_of
from vipservice.core.actions import Bind
from vipservice.core.roles import Role
from vipservice.core.yielding import MAX_YIELDS, Yielding, share

D = 0.3


def test_to_a_stranger_we_yield_for_d_and_a_share_of_d() -> None:
    yielding = Yielding(node_of(10))
    assert yielding.to_stranger(STRANGER, D, 0.0)
    assert D <= yielding.until < 2 * D


def test_after_three_yields_in_a_row_a_stranger_holds_off_nobody() -> None:
    yielding = Yielding(node_of(10))
    now, times = 0.0, 0
    for _ in range(10):
        times += yielding.to_stranger(STRANGER, D, now)
        now = yielding.until + 0.001
    assert times == MAX_YIELDS == 3


def test_the_share_differs_between_nodes_and_attempts_and_needs_no_dice() -> None:
    shares = {share(node_of(node), attempt) for node in range(10) for attempt in range(1, 4)}
    assert len(shares) == 30
    assert all(0 <= one < 1 for one in shares)
    assert share(node_of(1), 1) == share(node_of(1), 1)


def test_to_one_better_rival_we_yield_for_d_and_an_interval_from_our_own_silence_and_then_go_on() -> None:
    yielding = Yielding(node_of(10))
    yielding.better_claims(mac_of(5), 0.9)
    assert yielding.waits_for(0.15, 0.4, 1.0) == (mac_of(5), 1.4)
    yielding.better_claims(mac_of(5), 1.39)
    assert yielding.waits_for(0.15, 0.4, 1.39) is not None
    yielding.better_claims(mac_of(5), 1.4)
    assert yielding.waits_for(0.15, 0.4, 1.4) is None
    yielding.better_claims(mac_of(5), 1.5)
    assert yielding.waits_for(0.15, 0.4, 1.5) is None


def test_a_claimant_that_stopped_probing_is_none() -> None:
    yielding = Yielding(node_of(10))
    yielding.better_claims(mac_of(5), 0.5)
    assert yielding.waits_for(0.15, 0.4, 1.0) is None


def spell(bench: Bench, priority: int) -> Other:
    """The active is silent, and another backup, whose rank we know, probes as we do."""
    active = bench.starts().other(5).becomes_active()
    rival = bench.other(6)
    rival.priority, rival.term = priority, 1
    bench.run(1.0)
    rival.says()
    active.falls_silent()
    bench.run(0.1)
    bench.log.clear()
    return rival


def claims(bench: Bench, mac: bytes, seconds: float) -> None:
    """A probe each 20 ms."""
    for _ in range(round(seconds / 0.02)):
        bench.arp(mac, None, VIP)  # type: ignore[arg-type]
        bench.run(0.02)


def test_the_lower_rank_yields_to_a_claimant_of_known_rank_but_not_for_ever(bench: Bench) -> None:
    rival = spell(bench, priority=150)
    claims(bench, rival.mac, 0.6)
    assert not bench.did(Bind)
    claims(bench, rival.mac, 1.5)
    assert bench.role is Role.ACTIVE


def test_one_lost_broadcast_of_a_better_claimant_in_step_with_us_does_not_make_two_owners(
    bench: Bench,
) -> None:
    """Beyond the lapse window, every advert blocked: of six rounds the third and the sixth are broadcast."""
    active = bench.starts().other(5).becomes_active()
    rival = bench.other(6)
    rival.priority, rival.term = 150, 1
    rival.says()
    active.falls_silent()
    bench.holder = active.mac
    bench.run(7.0)
    bench.holder = None
    while bench.election.duties.standby.probing.progress() < 3:
        bench.run(0.001)
    bench.arp(rival.mac, None, VIP)  # its third round; its sixth is lost
    bench.run(0.16)
    bench.holder = rival.mac  # it has bound
    bench.run(0.5)
    assert not bench.did(Bind)


def test_of_two_claimants_an_old_term_decides_nothing(bench: Bench) -> None:
    """It was heard last before the latest takeover, as may we have been by it."""
    rival = spell(bench, priority=150)
    rival.term = 0
    rival.says()
    claims(bench, rival.mac, 0.5)
    assert not bench.did(Bind)


def test_the_higher_rank_goes_on(bench: Bench) -> None:
    rival = spell(bench, priority=50)
    claims(bench, rival.mac, 0.4)
    assert bench.role is Role.ACTIVE


def test_a_stranger_that_probes_without_end_delays_us_and_no_more(bench: Bench) -> None:
    spell(bench, priority=50)
    claims(bench, STRANGER, 0.4)
    assert not bench.did(Bind)
    claims(bench, STRANGER, 3.0)
    assert bench.role is Role.ACTIVE


def test_after_a_yield_the_count_of_silent_probes_starts_anew(bench: Bench) -> None:
    spell(bench, priority=50)
    bench.run(0.15)
    bench.arp(STRANGER, None, VIP)
    until = bench.election.duties.standby.yielding.until
    bench.run(2.0)
    assert bench.when(Bind)[0] - until > 0.15


def test_an_active_does_not_yield_to_a_claimant(bench: Bench) -> None:
    bench.becomes_active()
    claims(bench, STRANGER, 2.0)
    assert bench.role is Role.ACTIVE and not bench.turns()


@pytest.mark.parametrize("number", [5, 6], ids=["the old active", "a new one"])
def test_yields_are_forgotten_when_an_active_is_heard(bench: Bench, number: int) -> None:
    spell(bench, priority=50)
    claims(bench, STRANGER, 0.3)
    assert bench.election.duties.standby.yielding.attempts
    bench.others[number - 5].becomes_active(term=3)
    assert not bench.election.duties.standby.yielding.attempts
