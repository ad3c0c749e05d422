"""The bytes of rtnetlink: requests, replies and events for links, addresses and routes. No socket in here.

Constants and layouts are those of linux/rtnetlink.h, if_link.h and if_addr.h; everything is in the host's
byte order except addresses. See rtnetlink(7).
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from socket import AF_INET, AF_INET6, AF_UNSPEC
from struct import Struct

from vipservice.adapters.linux.netlink import aligned, attribute, attributes
from vipservice.core.frozen import dataclass
from vipservice.core.values import Address, Mac

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
IFF_UP, IFF_LOOPBACK, IFF_RUNNING, IFF_LOWER_UP = 0x1, 0x8, 0x40, 0x10000

IFA_F_SECONDARY, IFA_F_NODAD, IFA_F_DEPRECATED, IFA_F_PERMANENT = 0x01, 0x02, 0x20, 0x80
IFA_F_NOPREFIXROUTE = 0x200

IFA_PROTO_VIPSERVICE = 0xEA
"""Marks an address as ours in IFA_PROTO (`proto 0xea` of ip(8)): 234, the last octet of the default address.

0 to 3 are the kernel's own. The attribute came with Linux 5.18; older kernels skip attributes they don't know
in RTM_NEWADDR (it is parsed liberally) and never report it, so there nothing is `ours` by number.
"""

_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_OPERSTATE, _IFLA_EXT_MASK = 1, 3, 16, 29
_EXT_FILTER_SKIP_STATS = 1 << 3
_IFA_ADDRESS, _IFA_LOCAL, _IFA_CACHEINFO, _IFA_FLAGS, _IFA_PROTO = 1, 2, 6, 8, 11
_RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_MULTIPATH, _RTA_TABLE = 4, 5, 6, 9, 15

RT_TABLE_MAIN = 254
_RTN_UNICAST = 1
INFINITE = 0xFFFFFFFF
"""A lifetime without end."""

_IFINFO = Struct("=B x H i I I")  # family, ARPHRD, index, flags, change mask
_IFADDR = Struct("=B B B B I")  # family, prefix length, flags (low byte), scope, index
_RTMSG = Struct("=B B B B B B B B I")  # family, dst, src, tos, table, protocol, scope, type, flags
_NEXTHOP = Struct("=H B B i")  # length, flags, weight, index
_CACHEINFO = Struct("=I I I I")  # preferred, valid, created, updated
_U32 = Struct("=I")

_MALFORMED = (struct.error, ValueError, IndexError)
"""What a message gives that is shorter than its kind, or has attributes of odd sizes: no kernel sends that
today, and if one does tomorrow the loop must not end by it."""


@dataclass(frozen=True, slots=True)
class LinkMessage:
    """An interface as RTM_NEWLINK or RTM_DELLINK tells of it."""

    index: int
    name: str
    mac: Mac
    """Six zero bytes where the link has none, or has one of another length."""
    flags: int

    @property
    def up(self) -> bool:
        """Administratively up, with a carrier, and not dormant (operstate up or unknown)."""
        wanted = IFF_UP | IFF_RUNNING | IFF_LOWER_UP
        return self.flags & wanted == wanted


@dataclass(frozen=True, slots=True)
class AddressMessage:
    """An address as RTM_NEWADDR or RTM_DELADDR tells of it."""

    index: int
    address: Address
    prefix_length: int
    flags: int
    valid: int
    """Whole seconds of lifetime left, rounded up; INFINITE when permanent."""
    stamp: int
    """When it was last updated: hundredths of a second on the kernel's tick clock."""
    protocol: int | None

    @property
    def permanent(self) -> bool:
        """No lease ends it."""
        return self.valid == INFINITE

    @property
    def ours(self) -> bool:
        """It carries our protocol number."""
        return self.protocol == IFA_PROTO_VIPSERVICE

    @property
    def floating(self) -> bool:
        """Not what the host is reached by: IPv4 secondary or /32; IPv6 /128 and deprecated.

        In IPv6 flag 0x01 means temporary, and DHCPv6 hands out plain /128 addresses.
        """
        if isinstance(self.address, IPv4Address):
            return self.prefix_length == 32 or bool(self.flags & IFA_F_SECONDARY)
        return self.prefix_length == 128 and bool(self.flags & IFA_F_DEPRECATED)


@dataclass(frozen=True, slots=True)
class DefaultRoute:
    """A default route through `gateway`; the smallest metric wins."""

    index: int
    gateway: Address
    metric: int


def link_dump() -> bytes:
    """Body of RTM_GETLINK for every interface, without the statistics that would make most of the answer."""
    return _IFINFO.pack(AF_UNSPEC, 0, 0, 0, 0) + attribute(_IFLA_EXT_MASK, _U32.pack(_EXT_FILTER_SKIP_STATS))


def address_dump(index: int = 0, family: int = AF_UNSPEC) -> bytes:
    """Body of RTM_GETADDR for the addresses of one interface, 0 for all.

    Kernels before 4.20 answer with all of them anyway: the asker filters again.
    """
    return _IFADDR.pack(family, 0, 0, 0, index)


def route_dump(family: int, index: int) -> bytes:
    """Body of RTM_GETROUTE for the routes of the main table out of one interface (same caveat)."""
    head = _RTMSG.pack(family, 0, 0, 0, RT_TABLE_MAIN, 0, 0, 0, 0)
    return head + attribute(_RTA_TABLE, _U32.pack(RT_TABLE_MAIN)) + attribute(_RTA_OIF, _U32.pack(index))


def leased_address(index: int, address: Address, prefix_length: int, lease: int) -> bytes:
    """Body of RTM_NEWADDR that gives `address` a lifetime of `lease` seconds from now.

    Both lifetimes are always there: without IFA_CACHEINFO a renewal would make the address permanent.
    IPv6 gets the preferred lifetime 0, which keeps it from being a source address; IPv4 ignores that (a /32
    is never chosen) and must not have less than the valid one, or ip(8) shows it as deprecated.
    """
    six = isinstance(address, IPv6Address)
    flags = IFA_F_NOPREFIXROUTE | (IFA_F_NODAD if six else 0)
    return (
        named_address(index, address, prefix_length)
        + attribute(_IFA_CACHEINFO, _CACHEINFO.pack(0 if six else lease, lease, 0, 0))
        + attribute(_IFA_FLAGS, _U32.pack(flags))
        + attribute(_IFA_PROTO, bytes([IFA_PROTO_VIPSERVICE]))
    )


def named_address(index: int, address: Address, prefix_length: int) -> bytes:
    """Body of RTM_DELADDR, and the beginning of RTM_NEWADDR's."""
    family = AF_INET if isinstance(address, IPv4Address) else AF_INET6
    packed = address.packed
    head = _IFADDR.pack(family, prefix_length, 0, 0, index)  # scope 0: global
    return head + attribute(_IFA_LOCAL, packed) + attribute(_IFA_ADDRESS, packed)


def read_link(body: bytes) -> LinkMessage | None:
    """Read a link; None for what only looks like one.

    A bridge tells of its ports by the same messages with family AF_BRIDGE (there RTM_DELLINK means that a
    port left the bridge), and wireless drivers send some that have no state in them.
    """
    with suppress(*_MALFORMED):
        return _link(body)
    return None


def _link(body: bytes) -> LinkMessage | None:
    family, _kind, index, flags, _change = _IFINFO.unpack_from(body)
    found = attributes(body[_IFINFO.size :])
    if family != AF_UNSPEC or _IFLA_IFNAME not in found or _IFLA_OPERSTATE not in found:
        return None
    name = found[_IFLA_IFNAME].rstrip(b"\0").decode(errors="surrogateescape")
    hardware = found.get(_IFLA_ADDRESS, b"")
    return LinkMessage(index, name, Mac(hardware if len(hardware) == 6 else bytes(6)), flags)


def read_address(body: bytes) -> AddressMessage | None:
    """Read an address; None for other families than IPv4 and IPv6, and for what is none."""
    with suppress(*_MALFORMED):
        return _address_message(body)
    return None


def _address_message(body: bytes) -> AddressMessage | None:
    family, prefix_length, low_flags, _scope, index = _IFADDR.unpack_from(body)
    found = attributes(body[_IFADDR.size :])
    packed = found.get(_IFA_LOCAL, found.get(_IFA_ADDRESS))  # on point-to-point, IFA_ADDRESS is the far end
    if family not in (AF_INET, AF_INET6) or packed is None:
        return None
    flags = _U32.unpack(found[_IFA_FLAGS])[0] if _IFA_FLAGS in found else low_flags
    valid, stamp = INFINITE, 0
    if _IFA_CACHEINFO in found:
        _preferred, valid, _created, stamp = _CACHEINFO.unpack(found[_IFA_CACHEINFO])
    protocol = found[_IFA_PROTO][0] if _IFA_PROTO in found else None
    return AddressMessage(index, _address(family, packed), prefix_length, flags, valid, stamp, protocol)


def read_default_routes(body: bytes) -> list[DefaultRoute]:
    """Read the next hops of a route if it is a default route of the main table.

    A next hop of the other family (RTA_VIA) is left out: ARP cannot ask it.
    """
    with suppress(*_MALFORMED):
        return _default_routes(body)
    return []


def _default_routes(body: bytes) -> list[DefaultRoute]:
    family, dst_length, _src, _tos, table, _protocol, _scope, kind, _flags = _RTMSG.unpack_from(body)
    found = attributes(body[_RTMSG.size :])
    table = _u32(found, _RTA_TABLE, table)
    if family not in (AF_INET, AF_INET6) or dst_length or kind != _RTN_UNICAST or table != RT_TABLE_MAIN:
        return []
    metric = _u32(found, _RTA_PRIORITY, 0)
    hops = [(_u32(found, _RTA_OIF, 0), found), *_nexthops(found.get(_RTA_MULTIPATH, b""))]
    return [
        DefaultRoute(index, _address(family, hop[_RTA_GATEWAY]), metric)
        for index, hop in hops
        if _RTA_GATEWAY in hop
    ]


def _nexthops(data: bytes) -> Iterator[tuple[int, dict[int, bytes]]]:
    """Take RTA_MULTIPATH apart into interface indexes and their attributes."""
    offset = 0
    while offset + _NEXTHOP.size <= len(data):
        length, _flags, _weight, index = _NEXTHOP.unpack_from(data, offset)
        if length < _NEXTHOP.size:
            return
        yield index, attributes(data[offset + _NEXTHOP.size : offset + length])
        offset += aligned(length)


def _u32(found: dict[int, bytes], kind: int, otherwise: int) -> int:
    return int(_U32.unpack(found[kind])[0]) if kind in found else otherwise


def _address(family: int, packed: bytes) -> Address:
    return IPv4Address(packed) if family == AF_INET else IPv6Address(packed)
