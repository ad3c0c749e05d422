"""Ethernet and ARP frames, byte for byte as scapy makes and reads them, and what is refused."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from scapy.layers.l2 import ARP, Ether

from vipservice.core.events import NeighbourSeen
from vipservice.core.values import Mac
from vipservice.wire import arp, ethernet
from vipservice.wire.arp import ArpPacket, Operation
from vipservice.wire.errors import DecodeError
from vipservice.wire.ethernet import BROADCAST, NO_MAC, EtherType, Frame, advert_frame, advert_payload
from vipservice.wire.neighbour import neighbour_seen

US = Mac(b"\x02\0\0\0\0\x0a")
US_TOO = Mac(b"\x02\0\0\0\0\x0c")
PEER = Mac(b"\x02\0\0\0\0\x0b")
OURS = IPv4Address("192.0.2.10")
FLOATING = IPv4Address("192.0.2.234")
GATEWAY = IPv4Address("192.0.2.1")

US_TEXT, PEER_TEXT = "02:00:00:00:00:0a", "02:00:00:00:00:0b"


def reply(
    *, src: str = PEER_TEXT, dst: str = US_TEXT, hwsrc: str = PEER_TEXT, pdst: str = "0.0.0.0"
) -> bytes:
    """The peer's kernel tells us that it has the floating address, as scapy writes it."""
    packet = ARP(op="is-at", hwsrc=hwsrc, psrc=str(FLOATING), hwdst=US_TEXT, pdst=pdst)
    return bytes(Ether(src=src, dst=dst) / packet)


def arp_reason(data: bytes) -> str:
    with pytest.raises(DecodeError) as refusal:
        arp.decode(data)
    return refusal.value.reason


class TestBuilders:
    def test_a_probe_claims_nothing_and_asks_everybody(self) -> None:
        oracle = Ether(src=US_TEXT, dst="ff:ff:ff:ff:ff:ff") / ARP(
            op="who-has", hwsrc=US_TEXT, psrc="0.0.0.0", hwdst="00:00:00:00:00:00", pdst=str(FLOATING)
        )
        assert arp.probe(US, FLOATING) == bytes(oracle)

    def test_a_probe_can_go_to_one_holder_only(self) -> None:
        oracle = Ether(src=US_TEXT, dst=PEER_TEXT) / ARP(
            op="who-has", hwsrc=US_TEXT, psrc="0.0.0.0", hwdst="00:00:00:00:00:00", pdst=str(FLOATING)
        )
        assert arp.probe(US, FLOATING, PEER) == bytes(oracle)

    def test_a_gratuitous_request_asks_for_its_own_sender(self) -> None:
        oracle = Ether(src=US_TEXT, dst="ff:ff:ff:ff:ff:ff") / ARP(
            op="who-has", hwsrc=US_TEXT, psrc=str(FLOATING), hwdst="00:00:00:00:00:00", pdst=str(FLOATING)
        )
        assert arp.gratuitous_request(US, FLOATING) == bytes(oracle)

    def test_a_gratuitous_reply_answers_a_question_nobody_asked(self) -> None:
        oracle = Ether(src=US_TEXT, dst="ff:ff:ff:ff:ff:ff") / ARP(
            op="is-at", hwsrc=US_TEXT, psrc=str(FLOATING), hwdst=US_TEXT, pdst=str(FLOATING)
        )
        assert arp.gratuitous_reply(US, FLOATING) == bytes(oracle)

    def test_a_request_is_made_from_the_given_address(self) -> None:
        oracle = Ether(src=US_TEXT, dst="ff:ff:ff:ff:ff:ff") / ARP(
            op="who-has", hwsrc=US_TEXT, psrc=str(OURS), hwdst="00:00:00:00:00:00", pdst=str(GATEWAY)
        )
        assert arp.request(US, OURS, GATEWAY) == bytes(oracle)
        assert arp.decode(arp.request(US, OURS, GATEWAY, PEER)).destination == PEER

    def test_a_raw_advert_is_an_experimental_frame(self) -> None:
        oracle = Ether(src=US_TEXT, dst=PEER_TEXT, type=0x88B5) / b"sealed"
        assert advert_frame(b"sealed", US, PEER) == bytes(oracle)
        assert advert_frame(b"sealed", US)[:6] == BROADCAST


class TestReading:
    def test_every_field_of_an_arp_frame(self) -> None:
        frame = reply(src="02:00:00:00:00:0d", pdst=str(OURS))
        packet = arp.decode(frame)
        assert packet == ArpPacket(
            operation=Operation.REPLY,
            sender_mac=PEER,
            sender_address=FLOATING,
            target_mac=US,
            target_address=OURS,
            source=Mac(b"\x02\0\0\0\0\x0d"),
            destination=US,
        )
        assert arp.encode(packet) == frame

    def test_padding_to_sixty_bytes_is_ignored(self) -> None:
        assert arp.decode(reply() + bytes(18)) == arp.decode(reply())

    @pytest.mark.parametrize("size", [0, 13, 14, 41])
    def test_short_frames(self, size: int) -> None:
        assert arp_reason(reply()[:size]) == "frame_short"

    def test_other_types_of_frame(self) -> None:
        assert arp_reason(reply()[:12] + b"\x08\x00" + reply()[14:]) == "frame_type"
        tagged = reply()[:12] + b"\x81\x00\x00\x05" + reply()[12:]
        assert arp_reason(tagged) == "frame_type"

    @pytest.mark.parametrize("offset", [15, 16, 18, 19])
    def test_arp_for_other_hardware_or_protocols(self, offset: int) -> None:
        frame = bytearray(reply())
        frame[offset] ^= 0x04
        assert arp_reason(bytes(frame)) == "arp_format"

    @pytest.mark.parametrize("operation", [0, 3, 8, 256])
    def test_other_operations(self, operation: int) -> None:
        assert arp_reason(reply()[:20] + operation.to_bytes(2, "big") + reply()[22:]) == "arp_operation"

    def test_a_raw_advert_with_padding(self) -> None:
        assert advert_payload(advert_frame(b"sealed", US) + bytes(40)) == b"sealed" + bytes(40)

    def test_a_raw_advert_is_not_read_out_of_other_frames(self) -> None:
        with pytest.raises(DecodeError, match="EtherType 0x0806 from 02:00:00:00:00:0b") as refusal:
            advert_payload(reply())
        assert refusal.value.reason == "frame_type"
        with pytest.raises(DecodeError, match="a frame of 13 bytes"):
            advert_payload(bytes(13))

    def test_any_frame_survives_the_wire(self) -> None:
        frame = Frame(PEER, US, EtherType.ADVERT, b"x")
        assert ethernet.decode(ethernet.encode(frame)) == frame


class TestNeighbourSeen:
    def test_an_answer_to_our_probe(self) -> None:
        seen = neighbour_seen(reply(), {US, US_TOO})
        assert seen == NeighbourSeen(mac=PEER, sender=FLOATING, target=None, answer=True, to_us=True)

    def test_another_mac_of_ours_is_us_too(self) -> None:
        assert neighbour_seen(reply(dst="02:00:00:00:00:0c"), {US, US_TOO}).to_us
        assert not neighbour_seen(reply(dst="02:00:00:00:00:0d"), {US, US_TOO}).to_us

    def test_somebody_elses_probe_speaks_for_no_address(self) -> None:
        seen = neighbour_seen(arp.probe(PEER, FLOATING), {US})
        assert seen == NeighbourSeen(mac=PEER, sender=None, target=FLOATING, answer=False, to_us=False)

    def test_an_announcement_in_either_form(self) -> None:
        asked = neighbour_seen(arp.gratuitous_request(PEER, FLOATING), {US})
        told = neighbour_seen(arp.gratuitous_reply(PEER, FLOATING), {US})
        assert asked == NeighbourSeen(mac=PEER, sender=FLOATING, target=FLOATING, answer=False, to_us=False)
        assert told == NeighbourSeen(mac=PEER, sender=FLOATING, target=FLOATING, answer=True, to_us=False)

    def test_the_mac_that_neighbours_learn_is_the_one_in_the_packet(self) -> None:
        assert neighbour_seen(reply(src="02:00:00:00:00:0d"), {US}).mac == PEER

    @pytest.mark.parametrize("mac", ["00:00:00:00:00:00", "03:bf:c0:00:02:ea", "ff:ff:ff:ff:ff:ff"])
    def test_an_answer_from_an_odd_mac_is_no_silence(self, mac: str) -> None:
        seen = neighbour_seen(reply(hwsrc=mac), {US})
        assert (seen.mac, seen.sender) == (bytes.fromhex(mac.replace(":", "")), FLOATING)

    def test_addresses_compare_with_those_of_the_configuration(self) -> None:
        sender = neighbour_seen(reply(), {US}).sender
        assert sender in {FLOATING, IPv6Address(1)}

    def test_no_mac_is_six_zeros(self) -> None:
        assert arp.decode(arp.probe(US, FLOATING)).target_mac == NO_MAC == bytes(6)
