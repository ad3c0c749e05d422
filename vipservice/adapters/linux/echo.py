"""ICMP echoes for round-trip times: the Linux side of the EchoSocket port. IPv4 so far."""

import errno
import secrets
import socket
import time
from collections.abc import Sequence
from ipaddress import IPv4Address
from struct import Struct

from vipservice.adapters.host_errors import host_error, host_errors
from vipservice.adapters.linux.packet_filter import echo_program
from vipservice.adapters.linux.socket_options import (
    IP_UNICAST_IF,
    SO_TIMESTAMPNS,
    attach_filter,
    receive_buffer,
)
from vipservice.core.values import Address
from vipservice.runtime.ports import HostError, Interface
from vipservice.wire import icmp
from vipservice.wire.errors import DecodeError

_TIMESPEC = Struct("@l l")
_INDEX = Struct(">I")  # IP_UNICAST_IF wants network order, see ip(7)
_ANCILLARY_SPACE = socket.CMSG_SPACE(_TIMESPEC.size)
_LARGEST_PACKET = 2048
_RECEIVE_BUFFER = 64 * 1024
_OLDEST = 60.0
"""A reply that seems to have waited longer than this, seconds, tells of a step of the wall clock."""


class LinuxEchoSocket:
    """Sends echo requests from our own address, and reads the replies with the kernel's receive time.

    SOCK_DGRAM where net.ipv4.ping_group_range allows it (the kernel then keeps the identifier), else
    SOCK_RAW with CAP_NET_RAW. Requests go out by the interface; a reply counts wherever it comes in.
    """

    def __init__(self, interface: Interface, own: Address) -> None:
        self._interface = interface.name
        if not isinstance(own, IPv4Address):
            raise HostError("opening ICMP", interface.name, errno.EAFNOSUPPORT, "no echoes over IPv6 yet")
        self._identifier = secrets.randbits(16)
        with host_errors("opening ICMP", interface.name):
            self._socket, self._raw = _open()
        try:
            with host_errors("opening ICMP", interface.name):
                self._prepare(interface, own)
        except HostError:
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
        """Echo replies: source, sequence, payload, and when the kernel saw it (CLOCK_BOOTTIME seconds)."""
        replies: list[tuple[Address, int, bytes, float]] = []
        for _ in range(limit):
            try:
                packet, ancillary, _flags, source = self._socket.recvmsg(_LARGEST_PACKET, _ANCILLARY_SPACE)
            except BlockingIOError:
                break
            except OSError:
                continue  # somebody's "unreachable", reported once
            echo = self._decode(packet)
            if echo is not None:
                replies.append((IPv4Address(source[0]), echo.sequence, echo.payload, _arrival(ancillary)))
        return replies

    def close(self) -> None:
        """Let the socket go."""
        self._socket.close()

    def _prepare(self, interface: Interface, own: IPv4Address) -> None:
        self._socket.setblocking(False)
        if self._raw:
            attach_filter(self._socket, echo_program(self._identifier))
        receive_buffer(self._socket, _RECEIVE_BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.IPPROTO_IP, IP_UNICAST_IF, _INDEX.pack(interface.index))
        self._socket.bind((str(own), 0))

    def _decode(self, packet: bytes) -> icmp.Echo | None:
        """Read a reply to one of ours; None for anything else."""
        try:
            echo = icmp.decode_with_ip_header(packet) if self._raw else icmp.decode(packet)
        except DecodeError:
            return None
        wrong_one = self._raw and echo.identifier != self._identifier
        return None if echo.kind is not icmp.EchoKind.REPLY or wrong_one else echo


def _open() -> tuple[socket.socket, bool]:
    """Open the unprivileged kind if this process may, else the raw one; True for raw."""
    try:
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP), False
    except PermissionError:
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP), True


def _arrival(ancillary: list[tuple[int, int, bytes]]) -> float:
    """When the kernel saw the packet, moved from the wall clock of its stamp to CLOCK_BOOTTIME."""
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            waited = (time.time_ns() - seconds * 1_000_000_000 - nanoseconds) / 1e9
            return now - waited if 0 <= waited < _OLDEST else now
    return now
