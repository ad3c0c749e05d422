"""The kernel's filter programs, run by a small interpreter and compared with what they promise."""

from ipaddress import IPv4Address, IPv6Address
from struct import pack

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.adapters.conftest import INDEX, run
from vipservice.adapters import classic_bpf
from vipservice.adapters.classic_bpf import DROP, Program
from vipservice.adapters.linux import packet_filter
from vipservice.adapters.linux.packet_filter import (
    PACKET_BROADCAST,
    PACKET_HOST,
    PACKET_OTHERHOST,
    PACKET_OUTGOING,
    advert_program,
    arp_program,
    changes_program,
    datagram_program,
    echo_program,
)
from vipservice.core.values import Mac
from vipservice.runtime.ports import KEPT

PACKET_MULTICAST = 2
KERNEL_LIMIT = 4096
ARP_TYPE, ADVERT_TYPE = b"\x08\x06", b"\x88\xb5"
BROADCAST, US, OTHER = b"\xff" * 6, b"\x02\0\0\0\0\x0a", b"\x02\0\0\0\0\x99"


def assert_valid(program: Program) -> None:
    """What the kernel checks before it takes a program."""
    assert 0 < len(program) <= KERNEL_LIMIT
    assert program[-1].code == classic_bpf.RETURN
    for place, step in enumerate(program):
        assert 0 <= step.if_true <= 255
        assert 0 <= step.if_false <= 255
        if step.code in (classic_bpf.JUMP_EQUAL, classic_bpf.JUMP_SET):
            assert place + 1 + max(step.if_true, step.if_false) < len(program)
        if step.code == classic_bpf.JUMP:
            assert place + 1 + step.k < len(program)


def promised(addresses: frozenset[IPv4Address], frame: bytes, packet_type: int, index: int) -> bool:
    """The rule in plain words, written without regard to the program."""
    if index != INDEX or packet_type == PACKET_OUTGOING or len(frame) < 14 or frame[12:14] != ARP_TYPE:
        return False
    if packet_type == PACKET_OTHERHOST and frame[0] & 1:
        return False
    if packet_type == PACKET_HOST:
        return True
    proper = len(frame) >= 42 and frame[14:20] == b"\0\x01\x08\0\x06\x04"
    return proper and not addresses.isdisjoint({IPv4Address(frame[28:32]), IPv4Address(frame[38:42])})


def arp_frame(destination: bytes, ethertype: bytes, header: bytes, sender: bytes, target: bytes) -> bytes:
    return destination + OTHER + ethertype + header + b"\0\x01" + OTHER + sender + bytes(6) + target


# A small world, so that hits and near misses are common.
addresses = st.builds(IPv4Address, st.integers(0x0A000000, 0x0A000008))
packed = addresses.map(lambda address: address.packed)
frames = st.builds(
    arp_frame,
    st.sampled_from([BROADCAST, US, OTHER, b"\x01\0\x5e\0\0\xfe"]),
    st.sampled_from([ARP_TYPE, ARP_TYPE, ADVERT_TYPE, b"\x08\0"]),
    st.sampled_from([b"\0\x01\x08\0\x06\x04", b"\0\x06\x08\0\x06\x04", b"\0\x01\x08\0\x04\x06"]),
    packed,
    packed,
)
cut_frames = st.builds(lambda frame, length: frame[:length], frames, st.integers(0, 60))
packet_types = st.integers(0, 5)
indexes = st.sampled_from([INDEX, INDEX, INDEX, INDEX + 1])


@settings(max_examples=400)
@given(st.frozensets(addresses), frames | cut_frames, packet_types, indexes)
@example(frozenset(), arp_frame(US, ARP_TYPE, b"", b"", b""), PACKET_HOST, INDEX)
def test_arp_passes_exactly_where_the_rule_says_so(
    wanted: frozenset[IPv4Address], frame: bytes, packet_type: int, index: int
) -> None:
    program = arp_program(wanted, INDEX)
    assert_valid(program)
    passed = run(program, frame, packet_type, index) != DROP
    assert passed == promised(wanted, frame, packet_type, index)


@pytest.mark.parametrize("count", [0, 1, 2, 254, 255, 256, 257, 510, 511, 900, packet_filter.MAX_ADDRESSES])
def test_every_address_of_a_long_list_passes_and_no_neighbour_does(count: int) -> None:
    first = int(IPv4Address("10.0.0.0"))
    program = arp_program([IPv4Address(first + 2 * place) for place in range(count)], INDEX)
    assert_valid(program)
    # The ends of chunks are where a jump goes wrong.
    for place in {*range(0, count, 37), *range(253, min(count, 258)), count - 1} - {-1}:
        for odd in (0, 1):
            asked = pack(">I", first + 2 * place + odd)
            for sender, target in ((asked, bytes(4)), (bytes(4), asked)):
                frame = arp_frame(BROADCAST, ARP_TYPE, b"\0\x01\x08\0\x06\x04", sender, target)
                assert (run(program, frame, PACKET_BROADCAST) != DROP) == (odd == 0), (place, odd)


def test_with_more_addresses_than_fit_all_arp_passes() -> None:
    too_many = [IPv4Address(number) for number in range(packet_filter.MAX_ADDRESSES + 1)]
    program = arp_program(too_many, INDEX)
    assert_valid(program)
    unknown = arp_frame(BROADCAST, ARP_TYPE, b"\0\x01\x08\0\x06\x04", b"\x0b\0\0\x01", b"\x0b\0\0\x02")
    assert run(program, unknown, PACKET_BROADCAST) != DROP
    assert run(program, unknown, PACKET_OUTGOING) == DROP


UNLUCKY = st.integers(0, 2**32 - 1).filter(lambda number: number % KEPT)
LUCKY = st.integers(0, 2**32 // KEPT - 1).map(lambda number: number * KEPT)
# A small world again: MACs that differ in one byte, on either side of the place where they are cut.
macs = st.builds(
    lambda left, right: Mac(b"\x02\0\0" + left + b"\0" + right),
    st.sampled_from([b"\0", b"\1"]),
    st.sampled_from([b"\x0a", b"\x99", b"\x9a"]),
)


@given(st.frozensets(macs), macs, UNLUCKY, LUCKY)
def test_in_a_flood_known_macs_pass_and_others_by_chance(
    known: frozenset[Mac], source: Mac, unlucky: int, lucky: int
) -> None:
    arp = arp_frame(BROADCAST, ARP_TYPE, b"\0\x01\x08\0\x06\x04", OTHER[:4], bytes([10, 0, 0, 1]))
    frame = BROADCAST + source + arp[12:]
    raw = BROADCAST + source + ADVERT_TYPE + b"payload"
    programs = (
        (arp_program([IPv4Address("10.0.0.1")], INDEX, known), frame, 0),
        (advert_program(INDEX, known), raw, 0),
        (datagram_program(known), raw, 34),
    )
    for program, sent, at in programs:
        assert_valid(program)
        assert (run(program, sent, PACKET_BROADCAST, dice=unlucky, at=at) != DROP) == (source in known)
        assert run(program, sent, PACKET_BROADCAST, dice=lucky, at=at) != DROP


def test_in_a_flood_what_is_sent_to_us_alone_still_passes_the_arp_filter_and_what_is_for_others_never() -> (
    None
):
    program = arp_program([IPv4Address("10.0.0.1")], INDEX, frozenset())
    about = arp_frame(BROADCAST, ARP_TYPE, b"\0\x01\x08\0\x06\x04", bytes(4), bytes([10, 0, 0, 2]))
    assert run(program, about, PACKET_HOST, dice=1) != DROP
    assert run(program, about, PACKET_BROADCAST, dice=0) == DROP


@pytest.mark.parametrize("count", [0, 1, packet_filter.MAX_KNOWN, packet_filter.MAX_KNOWN + 1])
def test_the_greatest_program_is_valid_and_too_many_peers_are_never_thinned_out(count: int) -> None:
    known = frozenset(Mac(number.to_bytes(6, "big")) for number in range(count))
    wanted = [IPv4Address(number) for number in range(packet_filter.MAX_ADDRESSES)]
    program = arp_program(wanted, INDEX, known)
    assert_valid(program)
    frame = arp_frame(BROADCAST, ARP_TYPE, b"\0\x01\x08\0\x06\x04", bytes(4), bytes([0, 0, 0, 9]))
    assert (run(program, frame, PACKET_BROADCAST, dice=1) != DROP) == (count > packet_filter.MAX_KNOWN)
    for mac in known:
        assert run(program, frame[:6] + mac + frame[12:], PACKET_BROADCAST, dice=1) != DROP


def test_ipv6_addresses_do_not_disturb_the_arp_program() -> None:
    assert arp_program([IPv6Address("fd00::1")], INDEX) == arp_program([], INDEX)


@pytest.mark.parametrize(
    ("packet_type", "index", "ethertype", "passes"),
    [
        (PACKET_HOST, INDEX, ADVERT_TYPE, True),
        (PACKET_BROADCAST, INDEX, ADVERT_TYPE, True),
        (PACKET_MULTICAST, INDEX, ADVERT_TYPE, False),
        (PACKET_OTHERHOST, INDEX, ADVERT_TYPE, False),
        (PACKET_OUTGOING, INDEX, ADVERT_TYPE, False),
        (PACKET_HOST, INDEX + 1, ADVERT_TYPE, False),
        (PACKET_HOST, INDEX, ARP_TYPE, False),
    ],
)
def test_raw_adverts_pass_to_us_and_to_all(
    packet_type: int, index: int, ethertype: bytes, passes: bool
) -> None:
    program = advert_program(INDEX)
    assert_valid(program)
    assert (run(program, US + OTHER + ethertype + b"payload", packet_type, index) != DROP) == passes


@pytest.mark.parametrize("header_words", [5, 6, 15])
@pytest.mark.parametrize(
    ("icmp", "passes"),
    [
        (b"\0\0\xff\xff\x12\x34\0\x01", True),
        (b"\x08\0\xff\xff\x12\x34\0\x01", False),
        (b"\0\x01\xff\xff\x12\x34\0\x01", False),
        (b"\0\0\xff\xff\x12\x35\0\x01", False),
        (b"\0\0\xff\xff", False),
    ],
)
def test_echo_replies_pass_with_our_identifier_behind_any_ip_options(
    header_words: int, icmp: bytes, passes: bool
) -> None:
    program = echo_program(0x1234)
    assert_valid(program)
    packet = bytes([0x40 | header_words]) + bytes(4 * header_words - 1) + icmp
    assert (run(program, packet) != DROP) == passes


@pytest.mark.parametrize(
    ("kind", "prefix_length", "passes"),
    [
        (24, 0, True),
        (25, 0, True),
        (24, 24, False),
        (25, 32, False),
        (16, 24, True),
        (20, 32, True),
        (21, 24, True),
    ],
)
def test_of_routes_only_default_ones_are_told(kind: int, prefix_length: int, passes: bool) -> None:
    """linux/rtnetlink.h: RTM_NEWROUTE 24, RTM_DELROUTE 25; of links and addresses (16 to 21) all is told."""
    message = pack("=IHHII", 28, kind, 0, 0, 0) + pack("=BBBBBBBBI", 2, prefix_length, 0, 0, 254, 3, 0, 1, 0)
    assert_valid(changes_program())
    assert (run(changes_program(), message) > 0) is passes
