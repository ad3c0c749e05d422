"""How a single field is written: type-length-value triples, durations, and the ranges of numbers.

Durations are rounded up to the unit on the wire: nobody shall think a word fresher or a lease shorter than
it is. What is greater than the field can say is written as the greatest it can.
"""

from collections.abc import Iterator
from struct import Struct

from vipservice.core.values import NodeId
from vipservice.wire.errors import DecodeError

NODE_SIZE = 16
MAX_COUNTER = 2**63 - 1
"""The greatest term and incarnation that is read: a hostile one can still be counted up from in 64 bits."""

MILLISECOND = 1_000
MICROSECOND = 1_000_000
_U32_MAX = 2**32 - 1

_TRIPLE = Struct(">B H")
TRIPLE_SIZE = _TRIPLE.size


def triple(kind: int, value: bytes) -> bytes:
    """Write one field: type (1 byte), length of the value (2), value."""
    return _TRIPLE.pack(kind, len(value)) + value


def triples(data: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Walk over the fields in `data` from `start` to its end.

    Raises:
        DecodeError: bad_field when one overruns the end.
    """
    end = len(data)
    while start < end:
        if end - start < TRIPLE_SIZE:
            raise DecodeError("bad_field", f"{end - start} bytes are left, too few for a field")
        kind, size = _TRIPLE.unpack_from(data, start)
        start += TRIPLE_SIZE
        if size > end - start:
            raise DecodeError("bad_field", f"type {kind} states {size} bytes, {end - start} are left")
        yield kind, data[start : start + size]
        start += size


def ticks(seconds: float, unit: int) -> int:
    """Write a duration as an unsigned 32-bit count of 1/`unit` seconds, rounded up.

    A thousandth of a tick of excess is forgiven: floats make 4035.0000000000005 out of 4.035 * 1000.
    """
    return max(0, int(min(seconds * unit + 0.999, _U32_MAX)))


def node_bytes(node: NodeId) -> bytes:
    """Check that a node id of our own side has its 16 bytes; struct would silently pad or cut it."""
    if len(node) != NODE_SIZE:
        raise ValueError(f"a node id has {NODE_SIZE} bytes, not {len(node)}")
    return node


def check_size(value: bytes, size: int, name: str) -> None:
    """Refuse a field of another size than the only one it can have."""
    if len(value) != size:
        raise DecodeError("bad_field", f"{name} has {len(value)} bytes instead of {size}")


def count_items(value: bytes, size: int, most: int, name: str) -> int:
    """Count the items of `size` bytes each in a list field: at least one, at most `most`."""
    items, rest = divmod(len(value), size)
    if rest or not items:
        raise DecodeError("bad_field", f"{name} has {len(value)} bytes, not a multiple of {size}")
    if items > most:
        raise DecodeError("too_many", f"{items} {name}, allowed are {most}")
    return items


def check_counter(value: int, name: str) -> int:
    """Refuse a term or an incarnation that nobody could ever count beyond."""
    if value > MAX_COUNTER:
        raise DecodeError("bad_value", f"{name} {value} is beyond 2^63 - 1")
    return value


def check_priority(value: int) -> int:
    """Refuse priorities outside 1 to 254 (0 and 255 are special in RFC 9568, and here nothing)."""
    if not 1 <= value <= 254:
        raise DecodeError("bad_value", f"priority {value}")
    return value


def interval_seconds(microseconds: int) -> float:
    """Read an advert interval; zero would make everybody dead at once."""
    if not microseconds:
        raise DecodeError("bad_value", "interval 0")
    return microseconds / MICROSECOND
