"""Any bytes give an ARP packet or an echo, or a DecodeError; scapy reads and writes the same."""

from collections.abc import Callable
from ipaddress import IPv4Address

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP
from scapy.layers.l2 import ARP, Ether

from vipservice.core.values import Mac
from vipservice.wire import arp, ethernet, icmp
from vipservice.wire.arp import ArpPacket, Operation
from vipservice.wire.errors import FRAME_REASONS, DecodeError
from vipservice.wire.icmp import Echo, EchoKind
from vipservice.wire.neighbour import neighbour_seen

BOUNDED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machines that run this are shared: a slow example is no finding, only their number is bounded."""

MACS = st.binary(min_size=6, max_size=6).map(Mac)
ADDRESSES = st.ip_addresses(v=4)
U16 = st.integers(0, 0xFFFF)

PACKETS = st.builds(
    ArpPacket, st.sampled_from(Operation), MACS, ADDRESSES, MACS, ADDRESSES, source=MACS, destination=MACS
)
ECHOES = st.builds(Echo, st.sampled_from(EchoKind), U16, U16, st.binary(max_size=200))

ARP_START = b"\x08\x06\x00\x01\x08\x00\x06\x04"
PROBE = arp.probe(Mac(b"\x02\0\0\0\0\x01"), IPv4Address("192.0.2.1"))


def see_as_stranger(frame: bytes) -> object:
    return neighbour_seen(frame, frozenset({Mac(b"\x02\0\0\0\0\x01")}))


DECODERS: list[Callable[[bytes], object]] = [
    ethernet.decode,
    ethernet.advert_payload,
    arp.decode,
    see_as_stranger,
    icmp.decode,
    icmp.decode_with_ip_header,
]


@pytest.mark.parametrize("decoder", DECODERS)
@given(
    data=st.binary(max_size=80)
    | st.binary(max_size=30).map(lambda rest: PROBE[:12] + ARP_START + rest)
    | st.binary(max_size=30).map(lambda rest: PROBE[:12] + b"\x88\xb5" + rest)
    | st.binary(max_size=60).map(lambda rest: b"E" + bytes(8) + b"\x01" + bytes(10) + rest)
)
@BOUNDED
def test_any_bytes_give_a_value_or_a_decode_error(decoder: Callable[[bytes], object], data: bytes) -> None:
    try:
        value = decoder(data)
    except DecodeError as error:
        reason = error.reason
    else:
        assert value is not None
        return
    assert reason in FRAME_REASONS


@given(packet=PACKETS, padding=st.binary(max_size=18))
@BOUNDED
def test_an_arp_packet_survives_the_wire(packet: ArpPacket, padding: bytes) -> None:
    assert arp.decode(arp.encode(packet) + padding) == packet


@given(packet=PACKETS)
@BOUNDED
def test_scapy_writes_the_same_arp_frame(packet: ArpPacket) -> None:
    oracle = Ether(src=packet.source.hex(":"), dst=packet.destination.hex(":")) / ARP(
        op=int(packet.operation),
        hwsrc=packet.sender_mac.hex(":"),
        psrc=str(packet.sender_address),
        hwdst=packet.target_mac.hex(":"),
        pdst=str(packet.target_address),
    )
    assert arp.encode(packet) == bytes(oracle)


@given(packet=PACKETS)
@BOUNDED
def test_what_is_seen_is_what_the_packet_says(packet: ArpPacket) -> None:
    seen = neighbour_seen(arp.encode(packet), {packet.destination})
    assert seen.to_us
    assert seen.mac == packet.sender_mac
    assert seen.answer is (packet.operation == Operation.REPLY)
    assert (seen.sender is None) == (int(packet.sender_address) == 0)


@given(echo=ECHOES)
@settings(BOUNDED, max_examples=200)
def test_scapy_writes_the_same_echo(echo: Echo) -> None:
    oracle = ICMP(type=int(echo.kind), id=echo.identifier, seq=echo.sequence) / echo.payload
    assert icmp.encode(echo) == bytes(oracle)
    assert icmp.decode(bytes(oracle)) == echo


@given(echo=ECHOES, data=st.data())
@BOUNDED
def test_no_bit_of_an_echo_can_be_turned(echo: Echo, data: st.DataObject) -> None:
    message = bytearray(icmp.encode(echo))
    bit = data.draw(st.integers(0, 8 * len(message) - 1))
    message[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DecodeError):
        icmp.decode(bytes(message))
