"""The words of ifconfig(8) and route(8), and what they answer. Pure: values to words, text to values."""

import re
from ipaddress import AddressValueError, IPv4Address

from vipservice.core.values import Address

IFCONFIG, ROUTE = "/sbin/ifconfig", "/sbin/route"

REMOVE_IPV4 = (IFCONFIG, "{interface}", "inet", "{address}", "-alias")
"""For the guard, which fills it in."""

_SECTION = re.compile(r"^(?=\S)", re.MULTILINE)
"""Each begins with the interface's name in the first column."""

_STATUS = re.compile(r"^\s*status: (?P<status>\S.*?)\s*$", re.MULTILINE)
_GATEWAY = re.compile(r"^\s*gateway: (?P<gateway>\S+)\s*$", re.MULTILINE)
_INTERFACE = re.compile(r"^\s*interface: (?P<interface>\S+)\s*$", re.MULTILINE)


def bind(interface: str, address: Address, lease: int) -> tuple[str, ...]:
    """Add `address` as an alias.

    With the mask of a host whatever the subnet's is: where another address of the interface is in the same
    subnet no other mask may be given (ifconfig(8)), and elsewhere no route to the subnet hangs on it. IPv6
    has lifetimes, which nd6's timer looks at each second; a preferred one of 0 keeps it from being a source.
    """
    if isinstance(address, IPv4Address):
        return (IFCONFIG, interface, "inet", str(address), "netmask", "255.255.255.255", "alias")
    lifetimes = ("vltime", str(lease), "pltime", "0")
    return (IFCONFIG, interface, "inet6", str(address), "prefixlen", "128", "alias", *lifetimes)


def release(interface: str, address: Address) -> tuple[str, ...]:
    """Take the alias off."""
    family = "inet" if isinstance(address, IPv4Address) else "inet6"
    return (IFCONFIG, interface, family, str(address), "-alias")


def look() -> tuple[str, ...]:
    """Show every interface: a medium's status is nowhere else but behind a control call of many bytes."""
    return (IFCONFIG, "-a")


def default_route(interface: str) -> tuple[str, ...]:
    """Ask for the default route of this very interface: macOS keeps one for each (RTF_IFSCOPE)."""
    return (ROUTE, "-n", "get", "-ifscope", interface, "default")


def without_carrier(shown: str) -> frozenset[str]:
    """The interfaces that `look` showed with another status than active.

    One without media (lo0, utun0) has no such line, and no carrier that it could lose.
    """
    lost = set()
    for section in _SECTION.split(shown):
        name, colon, rest = section.partition(": flags=")
        found = _STATUS.search(rest)
        if colon and found is not None and found["status"] != "active":
            lost.add(name)
    return frozenset(lost)


def gateway(shown: str, interface: str) -> IPv4Address | None:
    """What `default_route` showed; None where the route is another interface's, or leads to no address."""
    through, towards = _INTERFACE.search(shown), _GATEWAY.search(shown)
    if towards is None or (through is not None and through["interface"] != interface):
        return None
    try:
        return IPv4Address(towards["gateway"])
    except AddressValueError:  # link#4, or an IPv6 address
        return None
