"""bpf(4), route(4) and kernel events, byte for byte: layouts of XNU's headers, and whatever else may come."""

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.darwin.conftest import (
    INDEX,
    VIP,
    address_message,
    kernel_event,
    link_message,
    sockaddr_dl,
)
from vipservice.adapters.darwin import capture, kernel_events, route_messages
from vipservice.adapters.darwin.route_messages import AddressMessage, LinkMessage

FRAMES = st.lists(st.binary(min_size=14, max_size=200), max_size=6)


@given(FRAMES)
def test_every_frame_of_a_full_buffer_is_found(frames: list[bytes]) -> None:
    assert list(capture.frames(b"".join(map(capture.record, frames)))) == frames


@given(FRAMES, st.integers(0, 50))
def test_a_buffer_cut_short_loses_its_last_frame_only(frames: list[bytes], cut: int) -> None:
    whole = b"".join(map(capture.record, frames))
    found = list(capture.frames(whole[: max(0, len(whole) - cut)]))
    assert found == frames[: len(found)]


@given(st.binary(max_size=300))
def test_any_bytes_give_frames_that_are_in_them(data: bytes) -> None:
    for frame in capture.frames(data):
        assert frame in data


def test_a_record_begins_as_the_kernel_writes_it() -> None:
    record = capture.record(bytes(42), seconds=7)
    assert struct.unpack_from("=iiIIH", record) == (7, 0, 42, 42, 18)
    assert len(record) == 60


@pytest.mark.parametrize(
    ("name", "number"),
    [
        # As a C compiler makes them from net/bpf.h on a 64-bit machine.
        ("BIOCSBLEN", 0xC0044266),
        ("BIOCSETIF", 0x8020426C),
        ("BIOCIMMEDIATE", 0x80044270),
        ("BIOCSHDRCMPLT", 0x80044275),
        ("BIOCSSEESENT", 0x80044277),
        ("BIOCSETFNR", 0x8010427E),
    ],
)
def test_control_calls_have_the_numbers_of_the_header(name: str, number: int) -> None:
    assert getattr(capture, name) == number


def test_an_address_that_comes_or_goes_is_told() -> None:
    data = address_message(0x0C, "192.0.2.234") + address_message(0x0D, "192.0.2.10", index=7)
    assert list(route_messages.read(data)) == [
        AddressMessage(True, INDEX, VIP, 32),
        AddressMessage(False, 7, IPv4Address("192.0.2.10"), 32),
    ]


def test_a_mask_is_as_long_as_its_last_byte_that_is_set() -> None:
    """A mask of 24 bits is a socket address of 7 bytes, on 8; one of 0 bits has length 0, on 4."""
    for mask, prefix_length in ((b"\x07\0\0\0\xff\xff\xff\0", 24), (b"\0\0\0\0", 0)):
        body = mask + sockaddr_dl() + struct.pack("=BBH4s8x", 16, 2, 0, VIP.packed)
        header = struct.pack("@HBBiiHi", 20 + len(body), 5, 0x0C, 0x34, 0, INDEX, 0)
        assert list(route_messages.read(header + body)) == [AddressMessage(True, INDEX, VIP, prefix_length)]


def test_a_link_local_ipv6_address_comes_without_the_index_the_kernel_writes_into_it() -> None:
    scoped = bytes.fromhex("fe800004000000000000000000000001")
    body = struct.pack("=BBHI16sI", 28, 30, 0, 0, scoped, 0)
    header = struct.pack("@HBBiiHi", 20 + len(body), 5, 0x0C, 0x20, 0, INDEX, 0)
    (message,) = route_messages.read(header + body)
    assert isinstance(message, AddressMessage)
    assert message.address == IPv6Address("fe80::1")


def test_flags_of_a_link_are_told_and_other_messages_and_versions_are_not() -> None:
    other_kind = bytearray(link_message())
    other_kind[3] = 0x10  # RTM_DELMADDR
    other_version = bytearray(link_message())
    other_version[2] = 4
    data = bytes(other_kind) + bytes(other_version) + link_message(flags=0x8843)
    assert list(route_messages.read(data)) == [LinkMessage(INDEX, 0x8843)]


@given(st.binary(max_size=300))
def test_any_bytes_on_the_routing_socket_are_borne(data: bytes) -> None:
    for message in route_messages.read(data):
        assert isinstance(message, AddressMessage | LinkMessage)


@given(st.integers(0, 2**31 - 1), st.binary(max_size=120), st.sampled_from([0x0C, 0x0D, 0x0E]))
def test_any_socket_addresses_behind_a_right_header_are_borne(mask: int, body: bytes, kind: int) -> None:
    data = struct.pack("@HBBiiHi", 20 + len(body), 5, kind, mask, 0, INDEX, 0) + body
    for message in route_messages.read(data):
        assert message.index == INDEX
        if isinstance(message, AddressMessage):
            assert 0 <= message.prefix_length <= message.address.max_prefixlen


def test_carriers_are_told_by_name() -> None:
    data = kernel_event(kernel_events.LINK_OFF) + kernel_event(kernel_events.LINK_ON, unit=12, name=b"feth")
    assert list(kernel_events.read(data)) == [(12, "en0"), (13, "feth12")]


def test_events_of_other_kinds_are_left_out() -> None:
    assert list(kernel_events.read(kernel_event(12, subclass=1) + kernel_event(26))) == []


@given(st.binary(max_size=300))
def test_any_bytes_of_kernel_events_are_borne(data: bytes) -> None:
    for code, name in kernel_events.read(data):
        assert code in kernel_events.TELLING
        assert name


def test_the_filter_of_kernel_events_is_set_by_the_headers_number() -> None:
    assert kernel_events.SIOCSKEVFILT == 0x800C6502
