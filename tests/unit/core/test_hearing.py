"""Proof that we hear: other hosts' frames, counted by host, not by MAC."""

from tests.unit.core.conftest import GATEWAY, STRANGER, VIP, Bench, MakeBench, address_of, mac_of
from vipservice.core.hearing import MAX_HOSTS, Hearing
from vipservice.core.roster import Peer, Roster
from vipservice.core.values import Mac, NodeId

NODE = NodeId(bytes(16))


def test_a_frame_proves_hearing_only_for_the_time_before_it() -> None:
    hearing = Hearing(Roster(NODE, 1))
    hearing.heard(mac_of(5), None, 10.0)
    assert hearing.proved_since(9.9)
    assert not hearing.proved_since(10.0)


def test_who_answered_in_the_minute_before_counts_once_a_host() -> None:
    peer = Peer(NodeId(b"p" * 16), "p", (mac_of(5), mac_of(6)), address_of(5))
    hearing = Hearing(Roster(NODE, 1, [peer]))
    hearing.heard(mac_of(5), None, 50.0)
    hearing.heard(mac_of(6), None, 51.0)
    hearing.heard(mac_of(1), GATEWAY, 52.0)
    assert hearing.others_before(60.0) == 2
    assert hearing.others_before(111.5) == 1
    assert hearing.others_before(49.0) == 0


def test_gateway_peers_and_recent_arp_senders_are_asked_but_never_the_floating_address(bench: Bench) -> None:
    bench.gateway = True
    bench.starts()
    bench.other(5).says()
    bench.arp(STRANGER, address_of(77), GATEWAY)
    bench.arp(STRANGER, VIP, VIP)
    asked = set(bench.segment.around.to_ask())
    assert {GATEWAY, address_of(5)} <= asked
    assert VIP not in asked and address_of(bench.number) not in asked


def test_a_recent_arp_sender_is_asked(bench: Bench) -> None:
    bench.starts()
    bench.arp(STRANGER, address_of(77), VIP)
    assert address_of(77) in bench.segment.around.to_ask()


def test_frames_of_this_host_prove_nothing(bench: Bench) -> None:
    bench.starts()
    before = bench.segment.around.hearing.last
    bench.arp(mac_of(bench.number), VIP, VIP)
    assert bench.segment.around.hearing.last == before


def test_invented_macs_do_not_grow_the_memory() -> None:
    hearing = Hearing(Roster(NODE, 1))
    for number in range(3 * MAX_HOSTS):
        hearing.heard(Mac(number.to_bytes(6)), address_of(7), float(number))
    assert hearing.others_before(3.0 * MAX_HOSTS) <= 61
    assert len(hearing.to_ask((), ())) <= 8


def test_configured_witnesses_are_listened_for(make: MakeBench) -> None:
    bench = make(gateway=True).starts()
    witness, peer = address_of(77), bench.other(5)
    bench.segment.around.witnesses = (witness,)
    peer.says()
    own = address_of(bench.number)
    assert bench.segment.listening_for() == {GATEWAY, VIP, own, witness, address_of(peer.number)}
