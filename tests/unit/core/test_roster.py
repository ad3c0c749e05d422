"""Whose words count: acquaintance, replay, incarnations, clones, greeting and the raw path."""

from dataclasses import replace

import pytest

from tests.unit.core.conftest import VIP, Bench, MakeBench, address_of, mac_of, node_of
from vipservice.core.actions import ConditionKind, Rejected, SendAdvert, StoreIncarnation, StorePeers
from vipservice.core.events import AdvertReceived, PeerForgotten
from vipservice.core.messages import Advert, Capability, Path, PeerHeard, Resign
from vipservice.core.roles import Role
from vipservice.core.roster import MAX_PEERS, Accepted, NotYet, Peer, Refused, Roster
from vipservice.core.values import Mac, NodeId
from vipservice.wire.advert import encode
from vipservice.wire.header import MAX_BODY


def advert(sequence: int = 1, incarnation: int = 7, number: int = 5, knows: int | None = 5) -> Advert:
    heard = (PeerHeard(node_of(10), knows, 0.0),) if knows is not None else ()
    return Advert(
        node=node_of(number),
        name=f"n{number}",
        incarnation=incarnation,
        sequence=sequence,
        address=address_of(number),
        macs=(mac_of(number),),
        capabilities=Capability.NONE,
        heard=heard,
        entries=(),
    )


@pytest.fixture
def roster() -> Roster:
    return Roster(node_of(10), incarnation=5)


def reason(reception: object) -> str:
    assert isinstance(reception, Refused)
    return reception.reason


def test_a_node_counts_once_it_names_our_present_incarnation(roster: Roster) -> None:
    assert isinstance(roster.receive(advert(1, knows=None), Path.MULTICAST, (), 0.0), NotYet)
    assert isinstance(roster.receive(advert(2, knows=4), Path.MULTICAST, (), 0.1), NotYet)
    assert isinstance(roster.receive(advert(3), Path.MULTICAST, (), 0.2), Accepted)
    assert isinstance(roster.receive(advert(4, knows=None), Path.MULTICAST, (), 0.3), Accepted)


def test_a_restarted_peer_must_name_us_again(roster: Roster) -> None:
    roster.receive(advert(9), Path.MULTICAST, (), 0.0)
    assert isinstance(roster.receive(advert(1, 8, knows=None), Path.MULTICAST, (), 1.0), NotYet)


def test_after_a_new_incarnation_of_ours_nobody_is_acquainted(roster: Roster) -> None:
    roster.receive(advert(1), Path.MULTICAST, (), 0.0)
    roster.begin_incarnation(6)
    assert isinstance(roster.receive(advert(2, knows=5), Path.MULTICAST, (), 0.1), NotYet)
    assert isinstance(roster.receive(advert(3, knows=6), Path.MULTICAST, (), 0.2), Accepted)


@pytest.mark.parametrize(("sequence", "incarnation"), [(4, 7), (5, 6), (99, 6)])
def test_an_advert_older_than_one_already_heard_is_replayed(
    roster: Roster, sequence: int, incarnation: int
) -> None:
    roster.receive(advert(5), Path.MULTICAST, (), 0.0)
    assert reason(roster.receive(advert(sequence, incarnation), Path.MULTICAST, (), 1.0)) == "replayed"


def test_the_same_advert_by_another_path_is_a_copy_that_shows_the_path_works(roster: Roster) -> None:
    roster.receive(advert(5), Path.RAW, (), 0.0)
    assert roster.peers[node_of(5)].udp_silent(0.0)
    assert reason(roster.receive(advert(5), Path.UNICAST, (), 0.1)) == "copy"
    assert not roster.peers[node_of(5)].udp_silent(0.1)


def test_an_incarnation_not_heard_within_three_intervals_is_greeted_at_once(bench: Bench) -> None:
    bench.starts()
    other = bench.other(5)
    first = other.says()
    assert any(isinstance(a, SendAdvert) and a.to == other.node and Path.UNICAST in a.paths for a in first)
    assert not [a for a in other.says() if isinstance(a, SendAdvert) and a.to == other.node]
    bench.run(3.5)
    again = other.says()
    assert any(isinstance(a, SendAdvert) and a.to == other.node for a in again)


def test_a_recording_that_knocks_all_day_is_answered_no_more_than_fifty_times_a_second(bench: Bench) -> None:
    bench.starts()
    other = bench.other(5)
    other.hears_us = False
    answers = 0
    for _ in range(100):
        answers += sum(isinstance(a, SendAdvert) and a.to == other.node for a in other.says())
        bench.now += 0.001
    assert 1 <= answers <= 6


def test_a_recorded_resign_played_to_a_restarted_backup_is_not_acted_on(bench: Bench) -> None:
    bench.starts()
    recording = bench.other(5)
    recording.hears_us, recording.role = False, Role.ACTIVE
    recording.says(Resign(node_of(10), 7, 1000))
    assert bench.role is Role.BACKUP
    assert bench.rejected() == ["not_acquainted"]
    assert bench.election.group.term < 7


def test_recorded_adverts_of_a_dead_active_do_not_hold_off_a_takeover(bench: Bench) -> None:
    bench.starts()
    recording = bench.other(5)
    recording.hears_us = False
    recording.becomes_active()
    bench.run(1.0)
    assert bench.role is Role.ACTIVE


def test_a_greater_incarnation_of_ours_in_a_peers_words_is_outgrown(bench: Bench) -> None:
    bench.starts()
    told = bench.other(5).advert()
    told = replace(told, heard=(PeerHeard(node_of(10), 40, 0.0),))
    bench.handle(AdvertReceived(told, Path.MULTICAST))
    assert bench.did(StoreIncarnation) == [StoreIncarnation(41)]
    assert bench.segment.around.roster.incarnation == 41


def clone(bench: Bench, mac: int, names_us: bool = True, role: Role = Role.BACKUP) -> Advert:
    made = bench.other(mac)
    made.hears_us, made.role = names_us, role
    return replace(made.advert(), node=node_of(10), name="clone", incarnation=5, sequence=1)


def test_of_two_active_clones_the_greater_mac_becomes_and_stays_a_backup_with_an_alarm(bench: Bench) -> None:
    bench.becomes_active()
    bench.handle(AdvertReceived(clone(bench, mac=9, role=Role.ACTIVE), Path.MULTICAST))
    assert bench.turns() == [(Role.BACKUP, "duplicate_node")]
    assert bench.conditions()[ConditionKind.DUPLICATE_NODE]
    bench.run(5.0)
    assert bench.role is Role.BACKUP


def test_a_clone_that_was_not_heard_for_a_minute_is_gone(bench: Bench) -> None:
    bench.becomes_active()
    bench.handle(AdvertReceived(clone(bench, mac=9, role=Role.ACTIVE), Path.MULTICAST))
    bench.run(59.0)
    assert bench.role is not Role.ACTIVE and bench.conditions()[ConditionKind.DUPLICATE_NODE]
    bench.run(5.0)
    assert bench.role is Role.ACTIVE and not bench.conditions()[ConditionKind.DUPLICATE_NODE]


def test_a_clone_that_only_stands_by_does_not_take_the_address_from_who_serves(bench: Bench) -> None:
    bench.becomes_active()
    bench.handle(AdvertReceived(clone(bench, mac=9), Path.MULTICAST))
    assert bench.turns() == []
    assert bench.conditions()[ConditionKind.DUPLICATE_NODE]


def test_the_clone_with_the_smaller_mac_goes_on(bench: Bench) -> None:
    bench.becomes_active()
    bench.handle(AdvertReceived(clone(bench, mac=11), Path.MULTICAST))
    assert bench.role is Role.ACTIVE
    assert bench.conditions()[ConditionKind.DUPLICATE_NODE]


def test_a_recording_of_ourselves_from_another_mac_is_no_clone(bench: Bench) -> None:
    bench.becomes_active()
    bench.handle(AdvertReceived(clone(bench, mac=9, names_us=False), Path.MULTICAST))
    assert bench.role is Role.ACTIVE
    assert bench.rejected() == ["own"]


def test_our_own_advert_that_comes_back_is_dropped(bench: Bench) -> None:
    bench.starts()
    ours = bench.did(SendAdvert)[0].advert
    assert [type(a) for a in bench.handle(AdvertReceived(ours, Path.MULTICAST))] == [Rejected]


def test_a_mac_belongs_to_the_peer_that_advertises_it(roster: Roster) -> None:
    roster.receive(advert(), Path.MULTICAST, (), 0.0)
    peer = roster.owner_of(mac_of(5))
    assert peer is not None and peer.node == node_of(5)
    assert roster.owner_of(mac_of(6)) is None


def test_we_tell_whom_we_heard_in_the_last_minute_and_how_long_ago(roster: Roster) -> None:
    roster.receive(advert(), Path.MULTICAST, (), 10.0)
    assert roster.heard(12.0) == (PeerHeard(node_of(5), 7, 2.0),)
    assert roster.heard(71.0) == ()


def test_forged_ids_push_each_other_out_and_not_a_real_peer(roster: Roster) -> None:
    roster.receive(advert(), Path.MULTICAST, (), 0.0)
    for forged in range(MAX_PEERS + 50):
        node = NodeId(forged.to_bytes(16)[::-1])
        roster.receive(replace(advert(knows=None), node=node), Path.MULTICAST, (), 1.0)
    assert node_of(5) in roster.peers
    assert len(roster.peers) <= MAX_PEERS


def test_invented_nodes_neither_outgrow_our_adverts_nor_push_a_real_peer_out_of_them(bench: Bench) -> None:
    bench.becomes_active()
    bench.other(5).stands_by()
    for number in range(300):
        forged = replace(advert(knows=None), node=NodeId(b"f" * 14 + number.to_bytes(2)), name="forged")
        bench.run(0.0001).handle(AdvertReceived(forged, Path.MULTICAST))
    bench.log.clear()
    bench.run(0.15)
    said = bench.did(SendAdvert)[-1].advert
    assert len(encode(said)) <= MAX_BODY
    assert node_of(5) in {heard.node for heard in said.heard}
    assert NodeId(b"f" * 14 + (299).to_bytes(2)) in {heard.node for heard in said.heard}, (
        "a newcomer is named"
    )


def test_the_raw_frame_is_broadcast_while_nobody_is_known(roster: Roster) -> None:
    assert roster.raw_targets(0.0, 0.1) == ()
    assert roster.raw_targets(0.5, 0.1) is None
    assert roster.raw_targets(1.0, 0.1) == ()


def raw_frames(bench: Bench, to: tuple[Mac, ...]) -> int:
    return sum(Path.RAW in send.paths and send.raw_to == to for send in bench.did(SendAdvert))


def test_the_longer_a_peer_is_silent_the_fewer_raw_frames_it_gets_down_to_one_a_second(bench: Bench) -> None:
    bench.becomes_active()
    other = bench.other(5)
    other.interval = 0.1
    other.says()
    bench.run(0.45)
    bench.log.clear()
    bench.run(1.0)
    assert raw_frames(bench, (other.mac,)) == len(bench.did(SendAdvert)) == 10
    bench.run(7.0)
    bench.log.clear()
    bench.run(2.0)
    assert 3 <= raw_frames(bench, (other.mac,)) <= 4
    bench.run(10.0)
    bench.log.clear()
    bench.run(10.0)
    assert 9 <= raw_frames(bench, (other.mac,)) <= 10


def test_a_peer_of_an_earlier_life_gets_a_raw_frame_once_a_second(make: MakeBench) -> None:
    old = Peer(node_of(5), "old", (mac_of(5),), address_of(5))
    bench = make(remembered=(old,)).becomes_active()
    bench.run(10.0)
    assert 9 <= raw_frames(bench, (mac_of(5),)) <= 11


def test_while_adverts_pass_by_either_ordinary_path_no_raw_frame_is_sent(bench: Bench) -> None:
    bench.becomes_active()
    bench.other(5).stands_by()
    bench.run(0.5)
    bench.log.clear()
    bench.run(30.0)
    assert not any(Path.RAW in send.paths for send in bench.did(SendAdvert))


def test_the_raw_frame_goes_to_a_peer_from_whom_udp_has_been_silent_for_three_intervals(bench: Bench) -> None:
    bench.becomes_active()
    other = bench.other(5)
    other.interval = 0.1
    other.says()
    bench.run(0.25)
    assert not any(Path.RAW in send.paths for send in bench.did(SendAdvert)[2:])
    bench.log.clear()
    bench.run(0.3)
    assert any(send.raw_to == (other.mac,) for send in bench.did(SendAdvert))


def test_the_raw_frame_goes_to_a_peer_that_says_it_does_not_hear_us(bench: Bench) -> None:
    bench.becomes_active()
    other = bench.other(5).stands_by()
    bench.run(2.0)
    other.hears_us = False
    bench.log.clear()
    bench.run(6.0)
    assert any(send.raw_to == (other.mac,) for send in bench.did(SendAdvert))


def test_a_peer_that_is_news_is_remembered_and_a_forgotten_one_is_dropped(bench: Bench) -> None:
    bench.starts()
    other = bench.other(5)
    assert StorePeers() in other.says()
    assert StorePeers() not in other.says()
    assert StorePeers() in bench.handle(PeerForgotten(other.node))
    assert bench.election.group.contenders.get(other.node) is None


def test_a_remembered_peer_is_known_by_its_mac_before_it_speaks(make: MakeBench) -> None:
    bench = make(remembered=(Peer(node_of(5), "old", (mac_of(5),), address_of(5)),)).starts()
    bench.holder = mac_of(5)
    bench.run(2.0)
    assert bench.conditions()[ConditionKind.HELD_BY_SILENT_PEER]
    assert VIP in bench.segment.around.floating
