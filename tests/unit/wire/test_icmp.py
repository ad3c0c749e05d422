"""ICMP echo, byte for byte as scapy makes it."""

import pytest
from scapy.layers.inet import ICMP, IP

from vipservice.wire.errors import DecodeError
from vipservice.wire.icmp import Echo, EchoKind, checksum, decode, decode_with_ip_header, encode

ECHO = Echo(EchoKind.REPLY, 0x1234, 65535, b"8 bytes of time")


def reason_for(packet: bytes) -> str:
    with pytest.raises(DecodeError) as refusal:
        decode_with_ip_header(packet)
    return refusal.value.reason


def ip_packet(message: bytes = encode(ECHO), proto: int = 1) -> bytes:
    return bytes(IP(src="192.0.2.1", dst="192.0.2.2", proto=proto) / message)


@pytest.mark.parametrize("payload", [b"", b"x", b"even", b"odd", b"\xff" * 64, bytes(64)])
@pytest.mark.parametrize("kind", list(EchoKind))
def test_an_echo_is_what_scapy_makes_of_it(kind: EchoKind, payload: bytes) -> None:
    oracle = bytes(ICMP(type=int(kind), id=0x1234, seq=7) / payload)
    assert encode(Echo(kind, 0x1234, 7, payload)) == oracle
    assert decode(oracle) == Echo(kind, 0x1234, 7, payload)


def test_an_all_zero_reply_has_the_checksum_of_all_ones() -> None:
    assert encode(Echo(EchoKind.REPLY, 0, 0)) == b"\0\0\xff\xff\0\0\0\0"
    assert decode(b"\0\0\xff\xff\0\0\0\0") == Echo(EchoKind.REPLY, 0, 0)


def test_a_sum_of_all_ones_has_the_checksum_zero() -> None:
    zero_sum = Echo(EchoKind.REQUEST, 0xF7FF, 0)
    assert encode(zero_sum) == b"\x08\0\0\0\xf7\xff\0\0"
    assert decode(encode(zero_sum)) == zero_sum


def test_checksum_of_the_example_in_rfc_1071() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2


def test_a_raw_socket_hands_out_the_ip_header_too() -> None:
    assert decode_with_ip_header(ip_packet()) == ECHO


def test_ip_options_are_stepped_over() -> None:
    packet = ip_packet()
    assert decode_with_ip_header(b"\x46" + packet[1:20] + b"\x94\x04\0\0" + packet[20:]) == ECHO


def test_the_total_length_of_macos_does_not_matter() -> None:
    packet = ip_packet()
    assert decode_with_ip_header(packet[:2] + b"\x17\x00" + packet[4:]) == ECHO


@pytest.mark.parametrize("size", [0, 19, 20, 27])
def test_short_packets(size: int) -> None:
    assert reason_for(ip_packet()[:size]) == "frame_short"


def test_other_packets() -> None:
    assert reason_for(ip_packet(proto=17)) == "frame_type"
    assert reason_for(b"\x65" + ip_packet()[1:]) == "frame_type"
    assert reason_for(b"\x44" + ip_packet()[1:]) == "frame_type"


@pytest.mark.parametrize(("kind", "code"), [(3, 1), (11, 0), (0, 1), (8, 255)])
def test_icmp_that_is_no_echo(kind: int, code: int) -> None:
    assert reason_for(ip_packet(bytes(ICMP(type=kind, code=code)))) == "icmp_type"


def test_a_damaged_echo() -> None:
    packet = ip_packet()
    assert reason_for(packet[:-1] + b"?") == "icmp_checksum"
    with pytest.raises(DecodeError, match="echo 65535 is damaged"):
        decode(bytes([*packet[20:-1], 0]))
