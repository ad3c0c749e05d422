"""Adverts by UDP on one interface: the Linux side of the AdvertSockets port. IPv4 so far."""

import socket
from functools import partial
from ipaddress import IPv4Address
from struct import Struct

from vipservice.adapters.datagrams import (
    NETWORK_CONTROL,
    ON_LINK_TTL,
    RECEIVE_BUFFER,
    Ancillary,
    DatagramSockets,
)
from vipservice.adapters.host_errors import host_errors
from vipservice.adapters.linux.packet_filter import datagram_program
from vipservice.adapters.linux.socket_options import (
    IP_MTU_DISCOVER,
    IP_MULTICAST_ALL,
    IP_PMTUDISC_OMIT,
    IP_RECVTTL,
    attach_filter,
    receive_buffer,
)
from vipservice.core.values import Address, Mac
from vipservice.runtime.ports import Interface

_MREQN = Struct("@4s 4s i")  # group, own address, interface index
_TTL = Struct("@i")
_ANCILLARY_SPACE = socket.CMSG_SPACE(_TTL.size)


class LinuxAdvertSockets(DatagramSockets):
    """Multicast and unicast adverts on one interface."""

    def __init__(self, interface: Interface, own: Address, group: Address, port: int) -> None:
        super().__init__(
            interface,
            own,
            group,
            port,
            speaker=partial(_speaker, interface),
            listener=partial(_ipv4_socket, interface),
            join=partial(_join_ipv4, interface),
            ancillary_space=_ANCILLARY_SPACE,
            ttl=_ttl,
        )

    def thin(self, known: frozenset[Mac] | None) -> None:
        """Let datagrams pass that `known` sent, and one of `KEPT` others; None: all of them.

        By MAC, because a flood can name any sender's IP address at no cost; whoever uses a peer's MAC takes
        the switch's word for where that peer is, too.

        Raises:
            HostError: The kernel refused the filter; the former one stays.
        """
        with host_errors("setting the filter of adverts", self._interface):
            for listener in (self._unicast, self._multicast):
                attach_filter(listener, datagram_program(known))


def _ttl(ancillary: Ancillary) -> int | None:
    """The TTL that the kernel put beside the datagram, None when it did not."""
    for level, kind, data in ancillary:
        if level == socket.IPPROTO_IP and kind == socket.IP_TTL and len(data) == _TTL.size:
            return int(_TTL.unpack(data)[0])
    return None


def _ipv4_socket(interface: Interface) -> socket.socket:
    """Open a socket that only hears this interface and learns the TTL of what it hears.

    Not SO_REUSEADDR: it would let a second daemon take over the port in silence.
    """
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.name.encode())
        opened.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        opened.setsockopt(socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)
        receive_buffer(opened, RECEIVE_BUFFER)
    except BaseException:
        opened.close()
        raise
    return opened


def _speaker(interface: Interface, own: IPv4Address) -> socket.socket:
    opened = _ipv4_socket(interface)
    try:
        _speak_ipv4(opened, interface, own)
    except BaseException:
        opened.close()
        raise
    return opened


def _speak_ipv4(sender: socket.socket, interface: Interface, own: IPv4Address) -> None:
    """Set how this socket sends.

    IP_PMTUDISC_OMIT: an advert larger than the link's MTU goes in fragments instead of not at all, and
    nobody's "fragmentation needed" is believed.
    """
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ON_LINK_TTL)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ON_LINK_TTL)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, NETWORK_CONTROL)
    sender.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT)
    outgoing = _MREQN.pack(bytes(4), own.packed, interface.index)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, outgoing)


def _join_ipv4(interface: Interface, listener: socket.socket, group: IPv4Address) -> None:
    """Join the group on the interface, named by index: its addresses may change."""
    membership = _MREQN.pack(group.packed, bytes(4), interface.index)
    listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
