"""Netlink's framing: messages, their type-length-value attributes and the kernel's errors. No socket in here.

Layouts are those of linux/netlink.h, in the host's byte order; see netlink(7).
"""

from collections.abc import Iterator
from struct import Struct

from vipservice.core.frozen import dataclass

NLMSG_ERROR, NLMSG_DONE = 2, 3

NLM_F_REQUEST, NLM_F_ACK = 0x001, 0x004
NLM_F_DUMP_INTR, NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x010, 0x100, 0x200
NLM_F_REPLACE, NLM_F_CREATE = 0x100, 0x400
NLM_F_DUMP = 0x300

_NLMSGERR_ATTR_MSG = 1
_TYPE_MASK = 0x3FFF
"""Without NLA_F_NESTED and NLA_F_NET_BYTEORDER."""

_HEADER = Struct("=I H H I I")  # length, type, flags, sequence, port id
_ATTRIBUTE = Struct("=H H")  # length with this header, type
_ERRNO = Struct("=i")
_ALIGN = 4


@dataclass(frozen=True, slots=True)
class Message:
    """One netlink message: `kind` is RTM_... or NLMSG_..., `body` what follows the header."""

    kind: int
    flags: int
    sequence: int
    body: bytes


def request(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """Put the netlink header before `body`; the kernel fills in the port id."""
    return _HEADER.pack(_HEADER.size + len(body), kind, flags | NLM_F_REQUEST, sequence, 0) + body


def split(data: bytes) -> Iterator[Message]:
    """Take the messages of one datagram apart; an impossible length ends it."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, sequence, _port = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            return
        yield Message(kind, flags, sequence, data[offset + _HEADER.size : offset + length])
        offset += aligned(length)


def read_error(message: Message) -> tuple[int, str]:
    """Read NLMSG_ERROR (or the end of a dump): errno, 0 for an acknowledgement, and the kernel's words."""
    negative = _ERRNO.unpack_from(message.body)[0] if len(message.body) >= _ERRNO.size else 0
    if not message.flags & NLM_F_ACK_TLVS:
        return -negative, ""
    # After the errno stands the header of our request, and the request itself unless it was cut off.
    start = _ERRNO.size
    if message.kind == NLMSG_ERROR:
        whole = not message.flags & NLM_F_CAPPED and len(message.body) >= start + _HEADER.size
        length = _HEADER.unpack_from(message.body, start)[0] if whole else _HEADER.size
        start += aligned(length)
    words = attributes(message.body[start:]).get(_NLMSGERR_ATTR_MSG, b"")
    return -negative, words.rstrip(b"\0").decode(errors="replace")


def attributes(data: bytes) -> dict[int, bytes]:
    """Read type-length-value attributes; the last of a type wins, an impossible length ends the list."""
    found: dict[int, bytes] = {}
    offset = 0
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size or offset + length > len(data):
            break
        found[kind & _TYPE_MASK] = data[offset + _ATTRIBUTE.size : offset + length]
        offset += aligned(length)
    return found


def attribute(kind: int, value: bytes) -> bytes:
    """Write one attribute, padded."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(aligned(length) - length)


def aligned(length: int) -> int:
    """Round up to the four bytes on which messages and attributes begin."""
    return (length + _ALIGN - 1) & ~(_ALIGN - 1)
