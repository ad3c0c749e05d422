"""What is kept of the echoes for people to see."""

from ipaddress import IPv4Address

from vipservice.core.values import GroupId
from vipservice.runtime.pinger import Target
from vipservice.runtime.round_trips import KEPT, MAX_TARGETS, RecentRoundTrips, RoundTrips

GROUP = GroupId(1)
PEER = Target(GROUP, IPv4Address("192.168.3.36"), "peer", "x")
GATEWAY = Target(GROUP, IPv4Address("192.168.3.1"), "gateway", "x")


def test_the_last_echoes_are_kept_in_order_and_a_lost_one_is_none() -> None:
    kept = RecentRoundTrips()
    for number in range(KEPT + 5):
        kept.take(PEER, None if number == KEPT else number / 1000, now=float(number))
    (shown,) = kept.of(GROUP, now=float(KEPT + 4), interval=1.0)
    assert shown == RoundTrips("peer", PEER.address, shown.recent)
    assert shown.recent == (
        *(n / 1000 for n in range(5, KEPT)),
        None,
        *(n / 1000 for n in range(KEPT + 1, KEPT + 5)),
    )


def test_each_group_sees_its_own_targets() -> None:
    kept = RecentRoundTrips()
    kept.take(PEER, 0.001, now=0.0)
    kept.take(Target(GroupId(2), PEER.address, "peer", "x"), 0.002, now=0.0)
    assert [one.recent for one in kept.of(GroupId(2), now=0.0, interval=1.0)] == [(0.002,)]


def test_what_is_no_longer_pinged_is_no_longer_shown() -> None:
    kept = RecentRoundTrips()
    kept.take(PEER, 0.001, now=0.0)
    kept.take(GATEWAY, 0.001, now=3.5)
    assert len(list(kept.of(GROUP, now=3.9, interval=1.0))) == 2
    assert [one.kind for one in kept.of(GROUP, now=4.1, interval=1.0)] == ["gateway"]


def test_the_longest_silent_target_makes_room_for_a_new_one() -> None:
    kept = RecentRoundTrips()
    for number in range(MAX_TARGETS + 1):
        kept.take(Target(GROUP, IPv4Address(number), "peer", "x"), 0.001, now=float(number))
    shown = [int(one.address) for one in kept.of(GROUP, now=0.0, interval=1.0)]
    assert shown == list(range(1, MAX_TARGETS + 1))
