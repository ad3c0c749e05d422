"""The fixed header of an advert: all that must be known before its signature can be checked.

Magic and version keep their place in every version to come, so that an unreadable version is known as such.
"""

from struct import Struct

from vipservice.core.values import NodeId
from vipservice.wire.errors import DecodeError
from vipservice.wire.fields import check_counter, node_bytes

MAGIC = b"VIPS"
VERSION = 1
OLDEST_VERSION = max(1, VERSION - 1)
"""A node reads its own version and the one before, so that hosts can be upgraded one by one."""

UNSIGNED = 0
"""The key id of an advert without a signature."""

MAX_BODY = 8192
"""Bounds the work that a single datagram can make. Ours stay below an Ethernet frame where they can."""

KEY_ID = Struct(">I")
KEY_ID_OFFSET = 8

_HEADER = Struct(">4s B B H I 16s Q Q")
_START = Struct(">4s B B H I")
HEADER_SIZE = _HEADER.size


def encode_header(body_size: int, node: NodeId, incarnation: int, sequence: int) -> bytes:
    """Write the header of an unsigned advert whose header and fields are `body_size` bytes together.

    Raises:
        ValueError: The advert would be greater than anybody reads.
    """
    if body_size > MAX_BODY:
        raise ValueError(f"an advert of {body_size} bytes is longer than the {MAX_BODY} that are read")
    return _HEADER.pack(MAGIC, VERSION, 0, body_size, UNSIGNED, node_bytes(node), incarnation, sequence)


def read_start(datagram: bytes) -> tuple[int, int]:
    """Check the cheap things and return the body's length and the key id.

    Raises:
        DecodeError: short, not_advert, version or length.
    """
    if len(datagram) < HEADER_SIZE:
        raise DecodeError("short", f"{len(datagram)} bytes, the header alone has {HEADER_SIZE}")
    magic, version, _flags, length, key_id = _START.unpack_from(datagram)
    if magic != MAGIC:
        raise DecodeError("not_advert", f"begins with {magic.hex()}")
    if not OLDEST_VERSION <= version <= VERSION:
        raise DecodeError("version", f"version {version}, we read {OLDEST_VERSION} to {VERSION}")
    if not HEADER_SIZE <= length <= MAX_BODY:
        raise DecodeError("length", f"states {length} bytes, allowed are {HEADER_SIZE} to {MAX_BODY}")
    if len(datagram) < length:
        raise DecodeError("short", f"{len(datagram)} of the {length} bytes it states")
    return length, key_id


def decode_identity(body: bytes) -> tuple[NodeId, int, int]:
    """Read node, incarnation and sequence out of a body whose start was checked."""
    _magic, _version, _flags, _length, _key_id, node, incarnation, sequence = _HEADER.unpack_from(body)
    return NodeId(node), check_counter(incarnation, "incarnation"), sequence
