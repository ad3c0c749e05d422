"""ICMP echoes for round-trip times: the macOS side of the EchoSocket port. IPv4 so far."""

import errno
import secrets
import socket
import time
from collections.abc import Sequence
from ipaddress import IPv4Address

from vipservice.adapters.darwin.options import MACOS, SocketOptions
from vipservice.adapters.guard import clock
from vipservice.adapters.host_errors import host_error, host_errors
from vipservice.core.values import Address
from vipservice.runtime.ports import HostError, Interface
from vipservice.wire import icmp
from vipservice.wire.errors import DecodeError

_LARGEST_PACKET = 2048
_RECEIVE_BUFFER = 64 * 1024
_OLDEST = 60.0
"""A reply that seems to have waited longer than this, seconds, tells of a step of the wall clock."""


class DarwinEchoSocket:
    """Sends echo requests from our own address, and reads the replies with the kernel's receive time.

    SOCK_DGRAM needs no privilege (icmp(4)). The kernel hands every reply to every such socket: ours are known
    by their identifier, which macOS leaves as we write it.
    """

    def __init__(self, interface: Interface, own: Address, options: SocketOptions = MACOS) -> None:
        self._interface = interface.name
        self._options = options
        self._identifier = secrets.randbits(16)
        if not isinstance(own, IPv4Address):
            raise HostError("opening ICMP", interface.name, errno.EAFNOSUPPORT, "no echoes over IPv6 yet")
        with host_errors("opening ICMP", interface.name):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
            try:
                self._prepare(interface, own)
            except BaseException:
                self._socket.close()
                raise

    def fileno(self) -> int:
        """Readable when `receive` has something."""
        return self._socket.fileno()

    def send(self, address: Address, payload: bytes, sequence: int) -> None:
        """Send an echo request; `sequence` counts modulo 65536.

        Raises:
            HostError: The kernel refused.
        """
        request = icmp.Echo(icmp.EchoKind.REQUEST, self._identifier, sequence & 0xFFFF, payload)
        try:
            self._socket.sendto(icmp.encode(request), (str(address), 0))
        except OSError as error:
            raise host_error(f"sending an echo to {address}", self._interface, error) from error

    def receive(self, limit: int) -> Sequence[tuple[Address, int, bytes, float]]:
        """Echo replies: source, sequence, payload, and when the kernel saw it (the clock's seconds)."""
        replies: list[tuple[Address, int, bytes, float]] = []
        space = socket.CMSG_SPACE(self._options.timeval.size)
        for _ in range(limit):
            try:
                packet, ancillary, _flags, source = self._socket.recvmsg(_LARGEST_PACKET, space)
            except BlockingIOError:
                break
            except OSError:
                continue  # somebody's "unreachable", reported once
            echo = self._decode(packet)
            if echo is not None:
                replies.append(
                    (IPv4Address(source[0]), echo.sequence, echo.payload, self._arrival(ancillary))
                )
        return replies

    def close(self) -> None:
        """Let the socket go."""
        self._socket.close()

    def _prepare(self, interface: Interface, own: IPv4Address) -> None:
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._socket.setsockopt(*self._options.timestamp, 1)
        self._socket.setsockopt(*self._options.bound_interface, interface.index)
        self._socket.bind((str(own), 0))

    def _decode(self, packet: bytes) -> icmp.Echo | None:
        """Read a reply to one of ours; None for anything else."""
        with_header = self._options.with_ip_header
        try:
            echo = icmp.decode_with_ip_header(packet) if with_header else icmp.decode(packet)
        except DecodeError:
            return None
        wrong_one = with_header and echo.identifier != self._identifier
        return None if echo.kind is not icmp.EchoKind.REPLY or wrong_one else echo

    def _arrival(self, ancillary: list[tuple[int, int, bytes]]) -> float:
        """When the kernel saw the packet, moved from the wall clock of its stamp to ours."""
        now = clock.now()
        timeval = self._options.timeval
        for level, kind, data in ancillary:
            if (level, kind) == self._options.timestamp_message and len(data) == timeval.size:
                seconds, microseconds = timeval.unpack(data)
                waited = time.time() - seconds - microseconds / 1e6
                return now - waited if 0 <= waited < _OLDEST else now
        return now
