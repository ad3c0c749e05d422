"""Adverts as they pass an interface, in and out: before this host's firewall inwards, behind it outwards.

What is seen here and not by a daemon's sockets was dropped by this host itself; what is not seen here never
came.
"""

import select
import socket
import time
from collections.abc import Iterable
from ipaddress import IPv4Address

from vipservice.adapters.classic_bpf import (
    DROP,
    JUMP_EQUAL,
    JUMP_SET,
    LOAD_BYTE,
    LOAD_HALF,
    LOAD_HALF_INDEXED,
    RETURN,
    WHOLE,
    Instruction,
    Program,
)
from vipservice.adapters.host_errors import host_errors
from vipservice.adapters.linux.packet_filter import PACKET_OTHERHOST, PACKET_OUTGOING
from vipservice.adapters.linux.socket_options import attach_filter, receive_buffer
from vipservice.core.frozen import dataclass
from vipservice.core.messages import Path
from vipservice.core.values import Address, Mac
from vipservice.runtime.ports import Interface
from vipservice.wire.ethernet import HEADER_SIZE, EtherType

_ETH_P_ALL = 0x0003
"""Only a socket for all types is shown what this host sends (packet(7))."""

_IPV4, _UDP = 0x0800, 17
_TYPE_AT, _FRAGMENT_AT, _PROTOCOL_AT = 12, 20, 23
_LATER_FRAGMENT = 0x1FFF
_LOAD_IP_HEADER_LENGTH = 0xB1
_UDP_HEADER = 8
_BUFFER = 1024 * 1024
_LARGEST = 65536
_BATCH = 256
MOST = 20_000
"""Frames that are kept: a flood shall not fill the memory of who looks at it."""


@dataclass(frozen=True, slots=True)
class Passed:
    """An advert, or what came to its port, as it passed the interface."""

    path: Path
    outgoing: bool
    mac: Mac
    """Of the sender of the frame."""
    source: Address | None
    """Of the datagram; a raw frame has none."""
    destination: Address | None
    payload: bytes


class Tap:
    """Listens on one interface to one port of adverts. It sends nothing and holds nothing up."""

    def __init__(self, interface: Interface, port: int) -> None:
        self.passed: list[Passed] = []
        with host_errors("opening a packet socket", interface.name):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            try:
                self._socket.setblocking(False)
                attach_filter(self._socket, _program(port))
                receive_buffer(self._socket, _BUFFER)
                self._socket.bind((interface.name, _ETH_P_ALL))
            except BaseException:
                self._socket.close()
                raise

    def fileno(self) -> int:
        """Readable when `read` has something."""
        return self._socket.fileno()

    def read(self) -> None:
        """Take what is there now, a bounded amount of it."""
        for _ in range(_BATCH):
            try:
                frame, (_name, _type, kind, *_rest) = self._socket.recvfrom(_LARGEST)
            except OSError:  # nothing is left, or the interface went down
                return
            if kind != PACKET_OTHERHOST and len(self.passed) < MOST and (seen := _read(frame, kind)):
                self.passed.append(seen)

    def close(self) -> None:
        """Let the socket go."""
        self._socket.close()


def listen(taps: Iterable[Tap], seconds: float) -> None:
    """Let the taps hear for so long."""
    by_descriptor = {tap.fileno(): tap for tap in taps}
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        for descriptor in select.select(by_descriptor, (), (), left)[0]:
            by_descriptor[descriptor].read()


def _read(frame: bytes, kind: int) -> Passed | None:
    mac, outgoing = Mac(frame[6:12]), kind == PACKET_OUTGOING
    if int.from_bytes(frame[_TYPE_AT:HEADER_SIZE], "big") == EtherType.ADVERT:
        return Passed(Path.RAW, outgoing, mac, None, None, frame[HEADER_SIZE:])
    packet = frame[HEADER_SIZE:]
    header = 4 * (packet[0] & 0x0F)
    total = int.from_bytes(packet[2:4], "big")
    if len(packet) < total or total < header + _UDP_HEADER:
        return None
    source, destination = IPv4Address(packet[12:16]), IPv4Address(packet[16:20])
    path = Path.MULTICAST if destination.is_multicast else Path.UNICAST
    return Passed(path, outgoing, mac, source, destination, packet[header + _UDP_HEADER : total])


def _program(port: int) -> Program:
    """Pass raw adverts, and UDP over IPv4 to the port that is no later fragment."""
    return (
        Instruction(LOAD_HALF, _TYPE_AT),
        Instruction(JUMP_EQUAL, EtherType.ADVERT, 8, 0),
        Instruction(JUMP_EQUAL, _IPV4, 0, 8),
        Instruction(LOAD_BYTE, _PROTOCOL_AT),
        Instruction(JUMP_EQUAL, _UDP, 0, 6),
        Instruction(LOAD_HALF, _FRAGMENT_AT),
        Instruction(JUMP_SET, _LATER_FRAGMENT, 4, 0),
        Instruction(_LOAD_IP_HEADER_LENGTH, HEADER_SIZE),
        Instruction(LOAD_HALF_INDEXED, HEADER_SIZE + 2),
        Instruction(JUMP_EQUAL, port, 0, 1),
        Instruction(RETURN, WHOLE),
        Instruction(RETURN, DROP),
    )
