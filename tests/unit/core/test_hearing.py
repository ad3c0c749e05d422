"""Proof that we hear: other hosts' frames, counted by host, not by MAC."""

from tests.unit.core.conftest import GATEWAY, STRANGER, VIP, Bench, MakeBench, address_of, mac_of
from vipservice.core.actions import AskNeighbours
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


def test_under_arp_suppression_an_answer_counts_once_its_mac_was_asked_by_unicast(
    make: MakeBench,
) -> None:
    bench = make(arp_suppression=True)
    bench.starts()
    bench.other(5).says()
    hearing, own, peer = bench.segment.around.hearing, address_of(bench.number), address_of(5)
    bench.election.group.ask_for_signs(bench.now)
    bench.run(0.001)
    before = hearing.last
    bench.arp(mac_of(5), peer, own, answer=True)  # to a broadcast: perhaps a switch's
    assert hearing.last == before
    assert [ask for ask in bench.did(AskNeighbours) if ask.to] == [AskNeighbours(own, (peer,), mac_of(5))]
    bench.arp(mac_of(5), peer, own, answer=True)
    assert hearing.last == bench.now
    assert len([ask for ask in bench.did(AskNeighbours) if ask.to]) == 1


def test_under_arp_suppression_nobody_is_asked_twice_while_a_switch_may_answer(make: MakeBench) -> None:
    bench = make(arp_suppression=True)
    bench.starts()
    bench.other(5).says()
    group = bench.election.group
    for wait in (0.0, 0.002, 0.02):
        group.ask_for_signs(bench.now + wait)
    assert sum(isinstance(action, AskNeighbours) for action in group.out) == 2


def test_under_arp_suppression_an_answer_to_an_announcements_question_counts_no_more_than_another(
    make: MakeBench,
) -> None:
    bench = make(arp_suppression=True, gateway=True)
    bench.starts()
    hearing, own = bench.segment.around.hearing, address_of(bench.number)
    bench.election.group.ask_for_signs(bench.now)
    for _ in range(2):
        bench.arp(mac_of(1), GATEWAY, own, answer=True)
    assert hearing.answered_itself(mac_of(1), GATEWAY)
    bench.becomes_active()
    bench.election.duties.holding.moved_in(bench.now)  # it announces anew, and asks by broadcast
    assert not hearing.answered_itself(mac_of(1), GATEWAY)


def test_under_arp_suppression_answers_for_the_address_and_unasked_ones_are_no_signs(
    make: MakeBench,
) -> None:
    bench = make(arp_suppression=True)
    bench.starts()
    before = bench.segment.around.hearing.last
    bench.arp(STRANGER, VIP, address_of(bench.number), answer=True)
    bench.arp(STRANGER, address_of(77), address_of(bench.number), answer=True)
    assert bench.segment.around.hearing.last == before
    assert not [ask for ask in bench.did(AskNeighbours) if ask.to]


def test_under_arp_suppression_a_question_still_proves_that_we_hear(make: MakeBench) -> None:
    bench = make(arp_suppression=True)
    bench.starts().run(0.01)
    bench.arp(STRANGER, address_of(77), VIP)
    assert bench.segment.around.hearing.last == bench.now
