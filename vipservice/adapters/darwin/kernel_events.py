"""Kernel events: carriers, and interfaces that come and go, of which route(4) says nothing. Pure.

Layouts and numbers are those of XNU's bsd/sys/kern_event.h, sys_domain.h, net/net_kev.h and net/if_var.h, in
the host's byte order.
"""

from collections.abc import Iterator
from struct import Struct

from vipservice.adapters.darwin.capture import IN, control

PF_SYSTEM, SYSPROTO_EVENT = 32, 1
APPLE, NETWORK, DATA_LINK = 1, 1, 2
"""KEV_VENDOR_APPLE, KEV_NETWORK_CLASS, KEV_DL_SUBCLASS: what is asked of the kernel."""

REQUEST = Struct("=I I I")
SIOCSKEVFILT = control(IN, b"e", 2, REQUEST.size)

SIFFLAGS, ATTACHED, DETACHED, LINK_OFF, LINK_ON = 1, 9, 11, 12, 13
TELLING = frozenset({SIFFLAGS, ATTACHED, DETACHED, LINK_OFF, LINK_ON})

_HEADER = Struct("=I I I I I I")  # length, vendor, class, subclass, number, code
_INTERFACE = Struct("=I I 16s")  # struct net_event_data: family, unit, and the name without its unit


def read(data: bytes) -> Iterator[tuple[int, str]]:
    """Events of links: the code and the interface's name; others are left out, a wrong length ends it."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, vendor, of, subclass, _, code = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            return
        body = data[offset + _HEADER.size : offset + length]
        if (vendor, of, subclass) == (APPLE, NETWORK, DATA_LINK) and code in TELLING:
            yield from _interface(code, body)
        offset += length


def _interface(code: int, body: bytes) -> Iterator[tuple[int, str]]:
    if len(body) >= _INTERFACE.size:
        _, unit, name = _INTERFACE.unpack_from(body)
        text = name.partition(b"\0")[0].decode("ascii", errors="replace")
        yield code, f"{text}{unit}"
