"""Adverts by UDP on one interface: what is the same on every system. IPv4 so far.

One socket is bound to the multicast group and only receives. The other is bound to our own address, so that
a floating address is never the source of an advert; it sends everything and receives what is sent to us.
Both are bound to the interface too: a datagram that came in elsewhere is not for them.
"""

import errno
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from ipaddress import IPv4Address

from vipservice.adapters.host_errors import host_error, host_errors
from vipservice.core.messages import Path
from vipservice.core.values import Address
from vipservice.runtime.ports import HostError, Interface

ON_LINK_TTL = 255
"""Sent and required: no router can have passed on a datagram that still has it (RFC 5082)."""

NETWORK_CONTROL = 0xC0
"""IP precedence 6 (RFC 791): where a switch has queues, adverts go into the one for routing protocols."""

RECEIVE_BUFFER = 256 * 1024
_LARGEST_DATAGRAM = 9216

Ancillary = list[tuple[int, int, bytes]]


class DatagramSockets:
    """Multicast and unicast adverts on one interface; a system says how its sockets are opened.

    Args:
        interface: Where.
        own: Our address there.
        group: The multicast group.
        port: Of all of them.
        speaker: Opens a socket that sends from `own` and is not bound yet.
        listener: Opens one that receives only, and is not bound yet.
        join: Makes a listener a member of the group.
        ancillary_space: Bytes for the TTL beside a datagram,
        ttl: which this finds there; None where it is missing.
    """

    def __init__(
        self,
        interface: Interface,
        own: Address,
        group: Address,
        port: int,
        speaker: Callable[[IPv4Address], socket.socket],
        listener: Callable[[], socket.socket],
        join: Callable[[socket.socket, IPv4Address], None],
        ancillary_space: int,
        ttl: Callable[[Ancillary], int | None],
    ) -> None:
        self._interface = interface.name
        self._group = (str(group), port)
        self._port = port
        self._buffer = bytearray(_LARGEST_DATAGRAM)
        self._ancillary_space = ancillary_space
        self._ttl = ttl
        self._rejected_ttl = 0
        self._rejected_size = 0
        if not (isinstance(own, IPv4Address) and isinstance(group, IPv4Address)):
            problem = f"adverts over IPv6 ({own}, {group}) are not supported"
            raise HostError("opening advert sockets", interface.name, errno.EAFNOSUPPORT, problem)
        with (
            host_errors(f"opening UDP port {port} on {own} and {group}", interface.name),
            ExitStack() as opened,
        ):
            self._unicast = opened.enter_context(speaker(own))
            self._unicast.bind((str(own), port))
            self._multicast = opened.enter_context(listener())
            self._multicast.bind(self._group)
            join(self._multicast, group)
            opened.pop_all()

    def filenos(self) -> Sequence[int]:
        """Readable when `receive` has something."""
        return (self._unicast.fileno(), self._multicast.fileno())

    def receive(self, limit: int) -> Sequence[tuple[bytes, Path]]:
        """Datagrams that came with TTL 255, and how; a flood on one path leaves the other half of `limit`."""
        unicast = self._receive(self._unicast, Path.UNICAST, limit - limit // 2)
        return unicast + self._receive(self._multicast, Path.MULTICAST, limit - len(unicast))

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
                length, ancillary, flags, _source = listener.recvmsg_into(
                    [self._buffer], self._ancillary_space
                )
            except BlockingIOError:
                break
            except OSError:
                # A pending error of the interface, reported once; the datagrams behind it follow.
                continue
            if self._acceptable(ancillary, flags):
                received.append((bytes(self._buffer[:length]), path))
        return received

    def _acceptable(self, ancillary: Ancillary, flags: int) -> bool:
        """Count what came through a router, or is too large, and refuse it."""
        if self._ttl(ancillary) != ON_LINK_TTL:
            self._rejected_ttl += 1
            return False
        if flags & socket.MSG_TRUNC:
            self._rejected_size += 1
            return False
        return True
