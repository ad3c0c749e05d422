"""Any bytes give an advert or a DecodeError; any advert survives; no bit of a signed one can be turned."""

from dataclasses import replace
from ipaddress import IPv4Address
from math import inf
from struct import pack

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vipservice.core.messages import (
    Advert,
    Capability,
    Entry,
    Hearsay,
    Message,
    Offer,
    PathCheck,
    PeerHeard,
    Question,
    Ready,
    Request,
    Resign,
)
from vipservice.core.roles import Role
from vipservice.core.values import GroupId, Mac, NodeId
from vipservice.wire.advert import decode, encode, fit_entries
from vipservice.wire.errors import ADVERT_REASONS, DecodeError
from vipservice.wire.fields import MICROSECOND, MILLISECOND, ticks
from vipservice.wire.signing import Keyring, read, seal

BOUNDED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machines that run this are shared: a slow example is no finding, only their number is bounded."""

KEYRING = Keyring({7: b"first", 6: b"second", 0x80000007: b"third"})
NO_KEYS = Keyring()

U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
COUNTERS = st.integers(0, 2**63 - 1)
NODES = st.binary(min_size=16, max_size=16).map(NodeId)
MACS = st.binary(min_size=6, max_size=6).map(Mac)
ADDRESSES = st.ip_addresses()
GROUPS = st.integers(1, 255).map(GroupId)
PRIORITIES = st.integers(1, 254)
MILLISECONDS = U32.map(lambda count: count / 1_000)
AGES = st.just(inf) | st.integers(0, 2**32 - 2).map(lambda count: count / 1_000)
MICROSECONDS = U32.map(lambda count: count / 1_000_000)
INTERVALS = st.integers(1, 2**32 - 1).map(lambda count: count / 1_000_000)

NAMES = st.text(min_size=1, max_size=63).filter(lambda name: name.isprintable() and len(name.encode()) <= 63)

MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(Request),
    st.builds(Offer, NODES, MICROSECONDS),
    st.builds(Ready, NODES, U64),
    st.builds(Resign, st.none() | NODES, COUNTERS, U64),
    st.builds(Question),
    st.builds(Hearsay, NODES, COUNTERS, MICROSECONDS, COUNTERS, PRIORITIES, INTERVALS, MILLISECONDS),
)

ENTRIES = st.builds(
    Entry,
    group=GROUPS,
    role=st.sampled_from(Role),
    priority=PRIORITIES,
    term=COUNTERS,
    interval=INTERVALS,
    lease_left=MILLISECONDS,
    digest=st.binary(min_size=8, max_size=8),
    addresses=st.lists(ADDRESSES, max_size=4).map(tuple),
    fit=st.booleans(),
    maintenance=st.booleans(),
    messages=st.lists(MESSAGES, max_size=4).map(tuple),
)

ADVERTS = st.builds(
    Advert,
    node=NODES,
    name=NAMES,
    incarnation=COUNTERS,
    sequence=U64,
    address=ADDRESSES,
    macs=st.lists(MACS, min_size=1, max_size=4).map(tuple),
    capabilities=st.sampled_from(Capability) | st.just(Capability.NONE),
    heard=st.lists(st.builds(PeerHeard, NODES, COUNTERS, MILLISECONDS), max_size=4).map(tuple),
    entries=st.lists(ENTRIES, max_size=4, unique_by=lambda entry: entry.group).map(tuple),
    check=st.none() | st.builds(PathCheck, NODES, st.booleans(), st.tuples(AGES, AGES, AGES)),
)

PLAIN = Advert(
    NodeId(b"n" * 16), "a", 1, 1, IPv4Address(1), (Mac(b"macmac"),), Capability.NONE, heard=(), entries=()
)


def decodes_or_is_refused(datagram: bytes, keyring: Keyring) -> None:
    try:
        advert = read(datagram, keyring)
    except DecodeError as error:
        reason = error.reason
    else:
        assert isinstance(advert, Advert)
        return
    assert reason in ADVERT_REASONS


def stretched(fields: bytes) -> bytes:
    """A plain advert with `fields` after its own, and a header that says so."""
    body = encode(PLAIN) + fields
    return body[:6] + pack(">H", len(body)) + body[8:]


@given(datagram=st.binary(max_size=300))
@example(datagram=b"")
@BOUNDED
def test_any_bytes_give_an_advert_or_a_decode_error(datagram: bytes) -> None:
    decodes_or_is_refused(datagram, NO_KEYS)
    decodes_or_is_refused(datagram, KEYRING)


@given(fields=st.binary(max_size=300))
@settings(BOUNDED, max_examples=300)
def test_any_fields_behind_a_right_header_give_an_advert_or_a_decode_error(fields: bytes) -> None:
    decodes_or_is_refused(stretched(fields), NO_KEYS)


@given(
    fields=st.lists(st.tuples(st.integers(0, 8), st.binary(max_size=70)), max_size=6),
    entry=st.lists(st.tuples(st.integers(0, 24), st.binary(max_size=50)), max_size=6),
    fixed=st.binary(min_size=28, max_size=28),
)
@settings(BOUNDED, max_examples=500)
def test_any_values_in_whole_fields_give_an_advert_or_a_decode_error(
    fields: list[tuple[int, bytes]], entry: list[tuple[int, bytes]], fixed: bytes
) -> None:
    nested = fixed + b"".join(pack(">BH", kind, len(value)) + value for kind, value in entry)
    tail = b"".join(pack(">BH", kind, len(value)) + value for kind, value in [*fields, (6, nested)])
    decodes_or_is_refused(stretched(tail), NO_KEYS)


@given(advert=ADVERTS, place=st.integers(0, 2000), value=st.integers(0, 255))
@BOUNDED
def test_an_advert_with_a_byte_changed_gives_an_advert_or_a_decode_error(
    advert: Advert, place: int, value: int
) -> None:
    body = bytearray(encode(advert))
    body[place % len(body)] = value
    decodes_or_is_refused(bytes(body), NO_KEYS)


@given(advert=ADVERTS)
@settings(BOUNDED, max_examples=300)
def test_whatever_is_said_is_understood(advert: Advert) -> None:
    assert decode(encode(advert)) == advert
    assert read(seal(encode(advert), KEYRING), KEYRING) == advert


@given(advert=ADVERTS, padding=st.binary(max_size=64))
@BOUNDED
def test_padding_is_tolerated(advert: Advert, padding: bytes) -> None:
    assert read(seal(encode(advert), KEYRING) + padding, KEYRING) == advert
    assert read(seal(encode(advert), NO_KEYS) + padding, NO_KEYS) == advert


@given(advert=ADVERTS, kind=st.integers(8, 255), value=st.binary(max_size=40))
@BOUNDED
def test_unknown_fields_are_skipped(advert: Advert, kind: int, value: bytes) -> None:
    body = encode(advert) + pack(">BH", kind, len(value)) + value
    assert decode(body[:6] + pack(">H", len(body)) + body[8:]) == advert


@given(entry=ENTRIES, kind=st.integers(22, 255), value=st.binary(max_size=40))
@BOUNDED
def test_unknown_fields_in_an_entry_are_skipped(entry: Entry, kind: int, value: bytes) -> None:
    known = replace(PLAIN, entries=(entry,))
    nested = encode(known)[len(encode(PLAIN)) + 3 :] + pack(">BH", kind, len(value)) + value
    assert decode(stretched(pack(">BH", 6, len(nested)) + nested)) == known


@given(advert=ADVERTS, data=st.data())
@settings(BOUNDED, max_examples=300)
def test_no_bit_of_a_signed_advert_can_be_turned(advert: Advert, data: st.DataObject) -> None:
    datagram = bytearray(seal(encode(advert), KEYRING))
    bit = data.draw(st.integers(0, 8 * len(datagram) - 1))
    datagram[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DecodeError):
        read(bytes(datagram), KEYRING)


def test_not_one_bit_of_the_plainest_signed_advert_can_be_turned() -> None:
    datagram = seal(encode(PLAIN), KEYRING)
    for bit in range(8 * len(datagram)):
        turned = bytearray(datagram)
        turned[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DecodeError):
            read(bytes(turned), KEYRING)


@given(advert=ADVERTS, data=st.data())
@BOUNDED
def test_no_part_of_a_signed_advert_can_be_cut_off(advert: Advert, data: st.DataObject) -> None:
    datagram = seal(encode(advert), KEYRING)
    with pytest.raises(DecodeError):
        read(datagram[: data.draw(st.integers(0, len(datagram) - 1))], KEYRING)


@given(count=U32, unit=st.sampled_from([MILLISECOND, MICROSECOND]))
@BOUNDED
def test_a_duration_that_was_read_is_sent_on_unchanged(count: int, unit: int) -> None:
    assert ticks(count / unit, unit) == count


@given(
    seconds=st.floats(0, 4_000, allow_nan=False, allow_subnormal=False),
    unit=st.sampled_from([MILLISECOND, MICROSECOND]),
)
@BOUNDED
def test_a_duration_never_comes_out_shorter(seconds: float, unit: int) -> None:
    read_back = ticks(seconds, unit) / unit
    assert -0.0011 / unit <= read_back - seconds <= 1.0001 / unit


@given(
    advert=ADVERTS,
    numbers=st.lists(GROUPS, unique=True, max_size=60),
    limit=st.integers(0, 3000),
)
@settings(BOUNDED, max_examples=50)
def test_shares_keep_every_entry_in_order_and_within_the_limit(
    advert: Advert, numbers: list[GroupId], limit: int
) -> None:
    entry = Entry(GroupId(1), Role.BACKUP, 1, 0, 1.0, 0.0, bytes(8), (IPv4Address(1),), fit=True)
    whole = replace(advert, entries=tuple(replace(entry, group=number) for number in numbers))
    shares = fit_entries(whole, limit)
    assert sum(shares, ()) == whole.entries
    for share in shares:
        size = len(seal(encode(replace(whole, entries=share)), KEYRING))
        assert size <= limit or len(share) <= 1
