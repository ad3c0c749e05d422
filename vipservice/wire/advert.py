"""Adverts as bytes: the body, without signature. docs/wire.md is this module in prose.

A header (`wire.header`), then fields. Fields of an unknown type are skipped, so that a later version can add
some; a known field is either right or the whole advert is refused. Half an advert is never acted on.
"""

from collections.abc import Sequence
from dataclasses import replace
from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from math import inf
from struct import Struct

from vipservice.core.messages import Advert, Capability, Entry, PathCheck, PeerHeard
from vipservice.core.values import Address, GroupId, Mac, NodeId
from vipservice.wire.entry import decode_entry, encode_entry
from vipservice.wire.errors import DecodeError
from vipservice.wire.fields import (
    MILLISECOND,
    check_counter,
    check_size,
    count_items,
    node_bytes,
    ticks,
    triple,
    triples,
)
from vipservice.wire.header import HEADER_SIZE, decode_identity, encode_header, read_start


class AdvertField(IntEnum):
    """Types of the fields after the header. Numbers are never used again."""

    NAME = 1
    ADDRESS = 2
    MACS = 3
    CAPABILITIES = 4
    HEARD = 5
    GROUP = 6
    PATH_CHECK = 7


MAX_NAME = 63
"""Bytes of UTF-8, as a DNS label."""
MAX_MACS = 16
MAX_HEARD = 255
MAC_SIZE = 6
SIGNATURE_SIZE = 32
"""Follows the body of a signed advert."""

_SINGLE = frozenset(AdvertField) - {AdvertField.GROUP}
_CAPABILITIES = Struct(">I")
_KNOWN_CAPABILITIES = sum(Capability)
_HEARD = Struct(">16s Q I")
_CHECK = Struct(">16s B I I I")
_ASKS = 0x01
_NEVER = 2**32 - 1


def encode(advert: Advert) -> bytes:
    """Write the unsigned body of an advert.

    Raises:
        ValueError: Something of ours that no receiver would read, such as a name of 64 bytes.
    """
    fields = b"".join(
        (
            _sender_fields(advert.name, advert.address, advert.macs, advert.capabilities),
            _heard_field(advert.heard),
            _check_field(advert.check),
            *(triple(AdvertField.GROUP, encode_entry(entry)) for entry in advert.entries),
        )
    )
    return encode_header(HEADER_SIZE + len(fields), advert.node, advert.incarnation, advert.sequence) + fields


@lru_cache(maxsize=16)  # one for each of our links; the same in every advert until something moves
def _sender_fields(name: str, address: Address, macs: tuple[Mac, ...], capabilities: Capability) -> bytes:
    return b"".join(
        (
            triple(AdvertField.NAME, _name_bytes(name)),
            triple(AdvertField.ADDRESS, address.packed),
            triple(AdvertField.MACS, _mac_bytes(macs)),
            triple(AdvertField.CAPABILITIES, _CAPABILITIES.pack(capabilities)),
        )
    )


def fit_entries(advert: Advert, limit: int = 1400) -> list[tuple[Entry, ...]]:
    """Share out the entries of `advert`, in order, over datagrams of `limit` bytes at most.

    `limit` includes a signature. Each share needs a sequence number of its own, so sending is the caller's.
    There is always one share, be it empty; an entry greater than the limit goes alone.
    """
    if len(advert.entries) <= 1:
        return [advert.entries]
    room = limit - SIGNATURE_SIZE - len(encode(replace(advert, entries=())))
    shares: list[list[Entry]] = [[]]
    left = room
    for entry in advert.entries:
        size = len(triple(AdvertField.GROUP, encode_entry(entry)))
        if size > left and shares[-1]:
            shares.append([])
            left = room
        shares[-1].append(entry)
        left -= size
    return [tuple(share) for share in shares]


def _name_bytes(name: str) -> bytes:
    encoded = name.encode()
    if not 1 <= len(encoded) <= MAX_NAME or not name.isprintable():
        raise ValueError(f"a node's name has 1 to {MAX_NAME} bytes, all printable, unlike {name!r}")
    return encoded


def _mac_bytes(macs: Sequence[Mac]) -> bytes:
    joined = b"".join(macs)
    if not 1 <= len(macs) <= MAX_MACS or len(joined) != MAC_SIZE * len(macs):
        raise ValueError(f"an advert carries 1 to {MAX_MACS} MACs of {MAC_SIZE} bytes")
    return joined


def _heard_field(heard: Sequence[PeerHeard]) -> bytes:
    if not heard:
        return b""
    if len(heard) > MAX_HEARD:
        raise ValueError(f"an advert names {MAX_HEARD} peers at most, not {len(heard)}")
    return triple(
        AdvertField.HEARD,
        b"".join(
            _HEARD.pack(node_bytes(peer.node), peer.incarnation, ticks(peer.age, MILLISECOND))
            for peer in heard
        ),
    )


def _check_field(check: PathCheck | None) -> bytes:
    if check is None:
        return b""
    ages = (ticks(age, MILLISECOND) for age in check.heard_ago)
    return triple(
        AdvertField.PATH_CHECK, _CHECK.pack(node_bytes(check.to), _ASKS if check.asks else 0, *ages)
    )


def decode(body: bytes) -> Advert:
    """Read the body of an advert. Bytes after its stated length are padding.

    Raises:
        DecodeError: Any of ADVERT_REASONS but those about signatures.
    """
    length, _key_id = read_start(body)
    node, incarnation, sequence = decode_identity(body)
    single, entries = _sort_fields(body[:length])
    return Advert(
        node=node,
        name=_name(_required(single, AdvertField.NAME)),
        incarnation=incarnation,
        sequence=sequence,
        address=_address(_required(single, AdvertField.ADDRESS)),
        macs=_macs(_required(single, AdvertField.MACS)),
        capabilities=_capabilities(single.get(AdvertField.CAPABILITIES)),
        heard=_heard(single.get(AdvertField.HEARD)),
        entries=entries,
        check=_check(single.get(AdvertField.PATH_CHECK)),
    )


def _sort_fields(body: bytes) -> tuple[dict[int, bytes], tuple[Entry, ...]]:
    single: dict[int, bytes] = {}
    entries: dict[GroupId, Entry] = {}
    for kind, value in triples(body, HEADER_SIZE):
        if kind == AdvertField.GROUP:
            entry = decode_entry(value)
            if entry.group in entries:
                raise DecodeError("duplicate", f"group {entry.group} twice")
            entries[entry.group] = entry
        elif kind in _SINGLE:
            if kind in single:
                raise DecodeError("duplicate", f"field {AdvertField(kind).name.lower()} twice")
            single[kind] = value
        # Anything else is a later version's and none of our business.
    return single, tuple(entries.values())


def _required(single: dict[int, bytes], kind: AdvertField) -> bytes:
    value = single.get(kind)
    if value is None:
        raise DecodeError("missing", f"no {kind.name.lower()}")
    return value


def _name(value: bytes) -> str:
    if not 1 <= len(value) <= MAX_NAME:
        raise DecodeError("bad_field", f"a name of {len(value)} bytes")
    try:
        name = value.decode()
    except UnicodeDecodeError:
        raise DecodeError("bad_value", f"a name that is not UTF-8: {value.hex()}") from None
    # It ends up in logs, terminals and on a page: no newlines, escapes or writing from right to left.
    if not name.isprintable():
        raise DecodeError("bad_value", f"a name with unprintable characters: {value.hex()}")
    return name


def _address(value: bytes) -> Address:
    if len(value) == 4:
        return IPv4Address(value)
    check_size(value, 16, "address")
    return IPv6Address(value)


def _macs(value: bytes) -> tuple[Mac, ...]:
    items = count_items(value, MAC_SIZE, MAX_MACS, "MACs")
    return tuple(Mac(value[MAC_SIZE * item : MAC_SIZE * item + MAC_SIZE]) for item in range(items))


def _capabilities(value: bytes | None) -> Capability:
    if value is None:
        return Capability.NONE
    check_size(value, _CAPABILITIES.size, "capabilities")
    return Capability(_CAPABILITIES.unpack(value)[0] & _KNOWN_CAPABILITIES)


def _heard(value: bytes | None) -> tuple[PeerHeard, ...]:
    if value is None:
        return ()
    count_items(value, _HEARD.size, MAX_HEARD, "peers heard")
    return tuple(
        PeerHeard(NodeId(node), check_counter(incarnation, "incarnation"), age / MILLISECOND)
        for node, incarnation, age in _HEARD.iter_unpack(value)
    )


def _check(value: bytes | None) -> PathCheck | None:
    if value is None:
        return None
    check_size(value, _CHECK.size, "path check")
    to, flags, *ages = _CHECK.unpack(value)
    heard_ago = tuple(inf if age == _NEVER else age / MILLISECOND for age in ages)
    return PathCheck(NodeId(to), bool(flags & _ASKS), heard_ago)
