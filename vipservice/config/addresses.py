"""Readers of addresses, netmasks and `host:port`."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from vipservice.config.nodes import Node, refused
from vipservice.config.scalars import text_of
from vipservice.core.values import Address

RESERVED = ip_network("240.0.0.0/4")
THIS_NETWORK = ip_network("0.0.0.0/8")

_MASK_LENGTH = re.compile(r"/?([0-9]{1,3})")
_LISTEN = re.compile(r"(?:\[([0-9a-fA-F:.]*)\]|([^\s\[\]:]*)):([0-9]{1,5})")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def read_ipv4(node: Node) -> IPv4Address:
    """An IPv4 address in dotted form.

    Raises:
        RefusedError: It is none, or IPv6.
    """
    text = text_of(node)
    if "/" in text:
        raise refused(
            node, ", which has a prefix length", "write the address alone; 'netmask' has its own key"
        )
    try:
        address = ip_address(text)
    except ValueError as error:
        raise refused(node, ", which is not an IP address") from error
    if isinstance(address, IPv6Address):
        raise refused(node, ", which is IPv6, and that is not supported yet", "write an IPv4 address")
    return address


def read_host_address(node: Node) -> Address:
    """An IPv4 address that a host can have on a link."""
    address = read_ipv4(node)
    if why := unfit_for_a_host(address):
        raise refused(node, f", which is {why}")
    return address


def unfit_for_a_host(address: IPv4Address) -> str | None:
    """What kind of address this is, where no host can answer for it."""
    if address.is_multicast:
        return "a multicast address"
    if address.is_loopback:
        return "a loopback address"
    if address.is_unspecified:
        return "the unspecified address"
    if address in THIS_NETWORK:
        return "in 0.0.0.0/8, which no host can have"
    if address in RESERVED:
        return "in the reserved range 240.0.0.0/4"
    return None


def read_multicast(node: Node) -> Address:
    """An IPv4 multicast group."""
    address = read_ipv4(node)
    if not address.is_multicast:
        raise refused(node, ", which is not a multicast address")
    return address


def read_netmask(node: Node) -> int:
    """A netmask as a prefix length, from 255.255.255.0, /24 or 24."""
    text = text_of(node)
    if match := _MASK_LENGTH.fullmatch(text):
        length = int(match.group(1))
        if not 1 <= length <= 32:
            raise refused(node, ", which is no prefix length of IPv4")
        return length
    try:
        mask = int(IPv4Address(text))
    except ValueError as error:
        raise refused(node, ", which is not a netmask") from error
    host_bits = mask ^ 0xFFFFFFFF
    if host_bits & (host_bits + 1):
        raise refused(node, ", which has holes")
    if not mask:
        raise refused(node, ", which is the whole Internet")
    return mask.bit_count()


def read_listen(node: Node) -> tuple[str, int]:
    """`host:port`, `:port` or `[v6]:port`; the host is empty for every address of the machine."""
    match = _LISTEN.fullmatch(text_of(node))
    if match is None:
        raise refused(node, ", which is not a host, a colon and a port")
    inside_brackets, host, port = match.groups()
    if not 1 <= int(port) <= 65535:
        raise refused(node, ", whose port is not between 1 and 65535")
    if inside_brackets is not None:
        return _ipv6_host(node, inside_brackets), int(port)
    if host and not _is_host(host):
        raise refused(node, ", whose host is neither a name nor an address")
    return host, int(port)


def _ipv6_host(node: Node, text: str) -> str:
    try:
        return str(IPv6Address(text))
    except ValueError as error:
        raise refused(node, ", whose host is not an IPv6 address") from error


def _is_host(host: str) -> bool:
    """Whether `host` can be a name or an IPv4 address (RFC 1123, section 2.1)."""
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in host.split("."))
