"""Socket options of macOS that Python has no name for, as values: a test gives those of its own system.

Numbers are those of XNU's bsd/netinet/in.h and bsd/sys/socket.h.
"""

import socket
from dataclasses import dataclass
from struct import Struct

_BYTE, _TIMEVAL = Struct("=B"), Struct("@l i 4x")


@dataclass(frozen=True, slots=True)
class SocketOptions:
    """Level and name of each option, and how the kernel writes what it puts beside a datagram."""

    bound_interface: tuple[int, int] = (socket.IPPROTO_IP, 25)
    """IP_BOUND_IF: an int, the index; nothing from elsewhere comes in, nothing goes out elsewhere."""

    receive_ttl: tuple[int, int] = (socket.IPPROTO_IP, 24)
    """IP_RECVTTL."""

    ttl_message: tuple[int, int] = (socket.IPPROTO_IP, 24)
    ttl: Struct = _BYTE
    """ip_input.c puts one byte beside the datagram, where Linux puts an int."""

    timestamp: tuple[int, int] = (socket.SOL_SOCKET, 0x0400)
    """SO_TIMESTAMP."""

    timestamp_message: tuple[int, int] = (socket.SOL_SOCKET, 0x02)
    """SCM_TIMESTAMP."""

    timeval: Struct = _TIMEVAL

    with_ip_header: bool = True
    """Datagram sockets of ICMP hand out the IP header too (icmp(4))."""


MACOS = SocketOptions()
