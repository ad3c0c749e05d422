"""Adverts by UDP on one interface: the macOS side of the AdvertSockets port. IPv4 so far."""

import socket
from functools import partial
from ipaddress import IPv4Address
from struct import Struct

from vipservice.adapters.darwin.options import MACOS, SocketOptions
from vipservice.adapters.datagrams import (
    NETWORK_CONTROL,
    ON_LINK_TTL,
    RECEIVE_BUFFER,
    Ancillary,
    DatagramSockets,
)
from vipservice.core.values import Address, Mac
from vipservice.runtime.ports import Interface

_MREQN = Struct("@4s 4s i")  # struct ip_mreqn, which XNU has from Linux: group, own address, interface index


class DarwinAdvertSockets(DatagramSockets):
    """Multicast and unicast adverts on one interface."""

    def __init__(
        self, interface: Interface, own: Address, group: Address, port: int, options: SocketOptions = MACOS
    ) -> None:
        super().__init__(
            interface,
            own,
            group,
            port,
            speaker=partial(_speaker, interface, options),
            listener=partial(_ipv4_socket, interface, options),
            join=partial(_join, interface),
            ancillary_space=socket.CMSG_SPACE(options.ttl.size),
            ttl=partial(_ttl, options),
        )

    def thin(self, known: frozenset[Mac] | None) -> None:
        """Nothing: macOS has no filter for a socket, and a datagram does not say who sent the frame.

        A flood costs what reading costs; the loop takes a bounded number of datagrams in a round as always.
        """


def _ttl(options: SocketOptions, ancillary: Ancillary) -> int | None:
    """The TTL that the kernel put beside the datagram, None when it did not."""
    for level, kind, data in ancillary:
        if (level, kind) == options.ttl_message and len(data) == options.ttl.size:
            return int(options.ttl.unpack(data)[0])
    return None


def _ipv4_socket(interface: Interface, options: SocketOptions) -> socket.socket:
    """Open a socket that only hears this interface and learns the TTL of what it hears."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.setsockopt(*options.bound_interface, interface.index)
        opened.setsockopt(*options.receive_ttl, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    except BaseException:
        opened.close()
        raise
    return opened


def _speaker(interface: Interface, options: SocketOptions, own: IPv4Address) -> socket.socket:
    opened = _ipv4_socket(interface, options)
    try:
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ON_LINK_TTL)
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ON_LINK_TTL)
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, NETWORK_CONTROL)
        outgoing = _MREQN.pack(bytes(4), own.packed, interface.index)
        opened.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, outgoing)
    except BaseException:
        opened.close()
        raise
    return opened


def _join(interface: Interface, listener: socket.socket, group: IPv4Address) -> None:
    """Join the group on the interface, named by index: its addresses may change."""
    membership = _MREQN.pack(group.packed, bytes(4), interface.index)
    listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
