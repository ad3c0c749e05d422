"""route(4): what the routing socket says about addresses and interfaces. Pure: bytes in, values out.

Layouts are those of XNU's bsd/net/if.h (ifa_msghdr, if_msghdr), route.h, if_dl.h and netinet/in.h, in the
host's byte order. Each message is followed by socket addresses, one for each bit of a mask, on four bytes.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from struct import Struct

from vipservice.core.frozen import dataclass
from vipservice.core.values import Address

RTM_VERSION = 5
RTM_NEWADDR, RTM_DELADDR, RTM_IFINFO = 0x0C, 0x0D, 0x0E

_AF_INET, _AF_INET6 = 2, 30
_RTAX_NETMASK, _RTAX_IFA, _RTAX_MAX = 2, 5, 8

_START = Struct("=H B B")  # every message: length, version, type
_ADDRESS_HEADER = Struct("@H B B i i H i")  # struct ifa_msghdr: ..., addresses, flags, index, metric
_LINK_HEADER = Struct("@H B B i i H")  # struct if_msghdr without its if_data: ..., addresses, flags, index
_LEAST_SOCKADDR = 4
_IN6_ADDRESS_AT, _IN_ADDRESS_AT = 8, 4


@dataclass(frozen=True, slots=True)
class AddressMessage:
    """An address came (`added`) or went."""

    added: bool
    index: int
    address: Address
    prefix_length: int


@dataclass(frozen=True, slots=True)
class LinkMessage:
    """The flags of an interface changed; carriers are told of by kernel events only."""

    index: int
    flags: int


RouteMessage = AddressMessage | LinkMessage


def read(data: bytes) -> Iterator[RouteMessage]:
    """Take what one recv(2) gave; other kinds and versions are left out, a wrong length ends it."""
    offset = 0
    while offset + _START.size <= len(data):
        length, version, kind = _START.unpack_from(data, offset)
        if length < _START.size or offset + length > len(data):
            return
        if version == RTM_VERSION:
            yield from _message(kind, data[offset : offset + length])
        offset += length


def _message(kind: int, message: bytes) -> Iterator[RouteMessage]:
    match kind:
        case 0x0C | 0x0D if len(message) >= _ADDRESS_HEADER.size:
            _, _, _, mask, _, index, _ = _ADDRESS_HEADER.unpack_from(message)
            found = dict(_socket_addresses(mask, message[_ADDRESS_HEADER.size :]))
            address = _address(found.get(_RTAX_IFA, b""))
            if address is not None:
                prefix_length = _prefix_length(found.get(_RTAX_NETMASK, b""), address)
                yield AddressMessage(kind == RTM_NEWADDR, index, address, prefix_length)
        case 0x0E if len(message) >= _LINK_HEADER.size:
            _, _, _, _, flags, index = _LINK_HEADER.unpack_from(message)
            yield LinkMessage(index, flags)


def _socket_addresses(mask: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each with the number of its bit. An empty one (a mask of zero bits) is 0 long and takes four bytes."""
    offset = 0
    for bit in range(_RTAX_MAX):
        if mask >> bit & 1 and offset < len(data):
            length = data[offset]
            yield bit, data[offset : offset + length]
            offset += max(length + 3 & ~3, _LEAST_SOCKADDR)


def _address(sockaddr: bytes) -> Address | None:
    if len(sockaddr) < 2:
        return None
    if sockaddr[1] == _AF_INET and len(sockaddr) >= _IN_ADDRESS_AT + 4:
        return IPv4Address(sockaddr[_IN_ADDRESS_AT : _IN_ADDRESS_AT + 4])
    if sockaddr[1] == _AF_INET6 and len(sockaddr) >= _IN6_ADDRESS_AT + 16:
        return _without_scope(sockaddr[_IN6_ADDRESS_AT : _IN6_ADDRESS_AT + 16])
    return None


def _without_scope(packed: bytes) -> IPv6Address:
    """The kernel writes the interface's index into bytes 3 and 4 of a link-local address."""
    linklocal = packed[0] == 0xFE and packed[1] & 0xC0 == 0x80
    return IPv6Address(packed[:2] + bytes(2) + packed[4:] if linklocal else packed)


def _prefix_length(sockaddr: bytes, address: Address) -> int:
    """A mask's socket address ends with its last byte that is not zero, and its family may be 0."""
    start = _IN_ADDRESS_AT if address.version == 4 else _IN6_ADDRESS_AT
    return sum(byte.bit_count() for byte in sockaddr[start : start + address.max_prefixlen // 8])
