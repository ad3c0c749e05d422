"""What interfaces this machine has, by psutil: the same on Linux and macOS, and without any privilege."""

import socket
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Interface
from typing import Any, Protocol

import psutil

from vipservice.config.seen import SeenInterface

LOOPBACK = "loopback"


class _Address(Protocol):
    """psutil's snicaddr."""

    @property
    def family(self) -> int: ...
    @property
    def address(self) -> str: ...
    @property
    def netmask(self) -> str | None: ...


def detect_interfaces() -> tuple[SeenInterface, ...]:
    """Every interface with its IPv4 addresses, in the kernel's order."""
    return tuple(_seen(psutil.net_if_addrs(), psutil.net_if_stats()))


def _seen(
    addresses: Mapping[str, Iterable[_Address]], statistics: Mapping[str, Any]
) -> Iterator[SeenInterface]:
    """Join psutil's two tables: the first has the kernel's order, the second all interfaces."""
    held: dict[str, list[IPv4Interface]] = {}
    for label, listed in addresses.items():
        # getifaddrs(3) gives a labelled address ("eth0:1") as an interface of its own.
        held.setdefault(label.partition(":")[0], []).extend(_ipv4(listed))
    for name in dict.fromkeys([*held, *statistics]):
        found = statistics.get(name)
        flags = found.flags.split(",") if found else []
        own = tuple(held.get(name, ()))
        yield SeenInterface(
            name=name,
            loopback=LOOPBACK in flags or bool(own and all(one.ip.is_loopback for one in own)),
            up=bool(found and found.isup),
            addresses=own,
        )


def _ipv4(addresses: Iterable[_Address]) -> Iterator[IPv4Interface]:
    for one in addresses:
        if one.family == socket.AF_INET:
            yield IPv4Interface(f"{one.address}/{one.netmask or 32}")
