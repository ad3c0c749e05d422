"""One group's part of an advert: a fixed part, then the addresses and the messages as fields."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from itertools import groupby
from struct import Struct

from vipservice.core.messages import Entry, Message
from vipservice.core.roles import Role
from vipservice.core.values import Address, GroupId
from vipservice.wire.errors import DecodeError
from vipservice.wire.fields import (
    MICROSECOND,
    MILLISECOND,
    check_counter,
    check_priority,
    count_items,
    interval_seconds,
    ticks,
    triple,
    triples,
)
from vipservice.wire.messages import MESSAGE_READERS, EntryField, encode_message

ROLE_CODES: dict[Role, int] = {
    Role.INITIALIZE: 1,
    Role.BACKUP: 2,
    Role.PROBING: 3,
    Role.ACTIVE: 4,
    Role.FAULT: 5,
}
FIT = 0x01
"""Flag: healthy and not in maintenance."""

MAINTENANCE = 0x02
"""Flag: in maintenance, and so not fit. The other bits are sent as zero and not looked at."""

MAX_ADDRESSES = 255
MAX_MESSAGES = 16
DIGEST_SIZE = 8

_ROLES = {code: role for role, code in ROLE_CODES.items()}
_FIXED = Struct(">B B B B Q I I 8s")
FIXED_SIZE = _FIXED.size


def encode_entry(entry: Entry) -> bytes:
    """Write an entry: the value of a GROUP field.

    Raises:
        ValueError: More addresses or messages than a receiver reads, or a digest of another size.
    """
    _check_counts(entry)
    fixed = _FIXED.pack(
        entry.group,
        ROLE_CODES[entry.role],
        entry.priority,
        (FIT if entry.fit else 0) | (MAINTENANCE if entry.maintenance else 0),
        entry.term,
        ticks(entry.interval, MICROSECOND),
        ticks(entry.lease_left, MILLISECOND),
        entry.digest,
    )
    return b"".join((fixed, _address_fields(entry.addresses), *map(encode_message, entry.messages)))


def _check_counts(entry: Entry) -> None:
    if len(entry.digest) != DIGEST_SIZE:
        raise ValueError(f"a digest has {DIGEST_SIZE} bytes, not {len(entry.digest)}")
    if len(entry.addresses) > MAX_ADDRESSES:
        raise ValueError(f"group {entry.group} has more than {MAX_ADDRESSES} addresses")
    if len(entry.messages) > MAX_MESSAGES:
        raise ValueError(f"group {entry.group} says more than {MAX_MESSAGES} messages at once")


@lru_cache(maxsize=256)  # one for each of our groups, which never change while they run
def _address_fields(addresses: tuple[Address, ...]) -> bytes:
    """One field for each run of one family, so that the order survives."""
    fields = b""
    for version, run in groupby(addresses, key=_family):
        kind = EntryField.ADDRESSES_V4 if version == 4 else EntryField.ADDRESSES_V6
        fields += triple(kind, b"".join(address.packed for address in run))
    return fields


def _family(address: Address) -> int:
    return address.version


def decode_entry(value: bytes) -> Entry:
    """Read the value of a GROUP field.

    Raises:
        DecodeError: bad_field, bad_value or too_many.
    """
    if len(value) < FIXED_SIZE:
        raise DecodeError("bad_field", f"a group's entry of {len(value)} bytes, it has {FIXED_SIZE} at least")
    group, role, priority, flags, term, interval, lease_left, digest = _FIXED.unpack_from(value)
    addresses, messages = _variable_part(value)
    return Entry(
        group=_group(group),
        role=_role(role),
        priority=check_priority(priority),
        term=check_counter(term, "term"),
        interval=interval_seconds(interval),
        lease_left=lease_left / MILLISECOND,
        digest=digest,
        addresses=addresses,
        fit=bool(flags & FIT),
        messages=messages,
        maintenance=bool(flags & MAINTENANCE),
    )


def _group(number: int) -> GroupId:
    if not number:
        raise DecodeError("bad_value", "group 0")
    return GroupId(number)


def _role(code: int) -> Role:
    role = _ROLES.get(code)
    if role is None:
        raise DecodeError("bad_value", f"role {code}")
    return role


def _variable_part(value: bytes) -> tuple[tuple[Address, ...], tuple[Message, ...]]:
    addresses: list[Address] = []
    messages: list[Message] = []
    for kind, field in triples(value, FIXED_SIZE):
        if kind == EntryField.ADDRESSES_V4:
            addresses += _addresses_v4(field)
        elif kind == EntryField.ADDRESSES_V6:
            addresses += _addresses_v6(field)
        elif kind in MESSAGE_READERS:
            messages.append(MESSAGE_READERS[kind](field))
        # Anything else is a later version's and none of our business.
        if len(addresses) > MAX_ADDRESSES or len(messages) > MAX_MESSAGES:
            raise DecodeError("too_many", f"{len(addresses)} addresses, {len(messages)} messages in a group")
    return tuple(addresses), tuple(messages)


def _addresses_v4(field: bytes) -> list[IPv4Address]:
    items = count_items(field, 4, MAX_ADDRESSES, "addresses")
    return [IPv4Address(field[4 * item : 4 * item + 4]) for item in range(items)]


def _addresses_v6(field: bytes) -> list[IPv6Address]:
    items = count_items(field, 16, MAX_ADDRESSES, "addresses")
    return [IPv6Address(field[16 * item : 16 * item + 16]) for item in range(items)]
