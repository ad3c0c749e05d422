"""Adverts by UDP on one interface: the Linux side of the AdvertSockets port. IPv4 so far.

One socket is bound to the multicast group and only receives. The other is bound to our own address, so that
a floating address is never the source of an advert; it sends everything and receives what is sent to us.
Both are bound to the interface too: a datagram that came in elsewhere is not for them.
"""

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from ipaddress import IPv4Address
from struct import Struct

from vipservice.adapters.linux.packet_filter import datagram_program
from vipservice.adapters.linux.socket_options import (
    IP_MTU_DISCOVER,
    IP_MULTICAST_ALL,
    IP_PMTUDISC_OMIT,
    IP_RECVTTL,
    attach_filter,
    host_error,
    host_errors,
    receive_buffer,
)
from vipservice.core.messages import Path
from vipservice.core.values import Address, Mac
from vipservice.runtime.ports import HostError, Interface

ON_LINK_TTL = 255
"""Sent and required: no router can have passed on a datagram that still has it (RFC 5082)."""

_NETWORK_CONTROL = 0xC0
"""IP precedence 6 (RFC 791): where a switch has queues, adverts go into the one for routing protocols."""
_LARGEST_DATAGRAM = 9216
_RECEIVE_BUFFER = 256 * 1024
_MREQN = Struct("@4s 4s i")  # group, own address, interface index
_TTL = Struct("@i")
_ANCILLARY_SPACE = socket.CMSG_SPACE(_TTL.size)


class LinuxAdvertSockets:
    """Multicast and unicast adverts on one interface."""

    def __init__(self, interface: Interface, own: Address, group: Address, port: int) -> None:
        self._interface = interface.name
        self._group = (str(group), port)
        self._port = port
        self._buffer = bytearray(_LARGEST_DATAGRAM)
        self._rejected_ttl = 0
        self._rejected_size = 0
        if not (isinstance(own, IPv4Address) and isinstance(group, IPv4Address)):
            problem = f"adverts over IPv6 ({own}, {group}) are not supported"
            raise HostError("opening advert sockets", interface.name, errno.EAFNOSUPPORT, problem)
        with (
            host_errors(f"opening UDP port {port} on {own} and {group}", interface.name),
            ExitStack() as opened,
        ):
            self._unicast = opened.enter_context(_ipv4_socket(interface))
            _speak_ipv4(self._unicast, interface, own)
            self._unicast.bind((str(own), port))
            self._multicast = opened.enter_context(_ipv4_socket(interface))
            self._multicast.bind(self._group)
            _join_ipv4(self._multicast, interface, group)
            opened.pop_all()

    def filenos(self) -> Sequence[int]:
        """Readable when `receive` has something."""
        return (self._unicast.fileno(), self._multicast.fileno())

    def receive(self, limit: int) -> Sequence[tuple[bytes, Path]]:
        """Datagrams that came with TTL 255, and how; a flood on one path leaves the other half of `limit`."""
        unicast = self._receive(self._unicast, Path.UNICAST, limit - limit // 2)
        return unicast + self._receive(self._multicast, Path.MULTICAST, limit - len(unicast))

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

    @property
    def rejected_ttl(self) -> int:
        """How many datagrams came with another TTL so far."""
        return self._rejected_ttl

    @property
    def rejected_size(self) -> int:
        """How many datagrams were larger than any advert so far."""
        return self._rejected_size

    def send_multicast(self, payload: bytes) -> None:
        """To the group, on this interface, TTL 255.

        Raises:
            HostError: The kernel refused (a packet filter, no route, no buffer).
        """
        self._send(payload, self._group)

    def send_unicast(self, payload: bytes, address: Address) -> None:
        """To one peer, from our own address on this interface, TTL 255.

        Raises:
            HostError: The kernel refused (a packet filter, no route, no buffer).
        """
        self._send(payload, (str(address), self._port))

    def close(self) -> None:
        """Leave the group and let the sockets go."""
        self._unicast.close()
        self._multicast.close()

    def _send(self, payload: bytes, destination: tuple[str, int]) -> None:
        try:
            self._unicast.sendto(payload, destination)
        except OSError as error:
            raise host_error(f"sending an advert to {destination[0]}", self._interface, error) from error

    def _receive(self, listener: socket.socket, path: Path, limit: int) -> list[tuple[bytes, Path]]:
        received: list[tuple[bytes, Path]] = []
        for _ in range(limit):
            try:
                length, ancillary, flags, _source = listener.recvmsg_into([self._buffer], _ANCILLARY_SPACE)
            except BlockingIOError:
                break
            except OSError:
                # A pending error of the interface, reported once; the datagrams behind it follow.
                continue
            if self._acceptable(ancillary, flags):
                received.append((bytes(self._buffer[:length]), path))
        return received

    def _acceptable(self, ancillary: list[tuple[int, int, bytes]], flags: int) -> bool:
        """Count what came through a router, or is too large, and refuse it."""
        if _ttl(ancillary) != ON_LINK_TTL:
            self._rejected_ttl += 1
            return False
        if flags & socket.MSG_TRUNC:
            self._rejected_size += 1
            return False
        return True


def _ttl(ancillary: list[tuple[int, int, bytes]]) -> int | None:
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
        receive_buffer(opened, _RECEIVE_BUFFER)
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
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _NETWORK_CONTROL)
    sender.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT)
    outgoing = _MREQN.pack(bytes(4), own.packed, interface.index)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, outgoing)


def _join_ipv4(listener: socket.socket, interface: Interface, group: IPv4Address) -> None:
    """Join the group on the interface, named by index: its addresses may change."""
    membership = _MREQN.pack(group.packed, bytes(4), interface.index)
    listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
