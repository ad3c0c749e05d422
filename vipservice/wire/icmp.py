"""ICMP echo, for round-trip times (RFC 792; checksum as in RFC 1071)."""

from enum import IntEnum
from struct import Struct

from vipservice.core.frozen import dataclass
from vipservice.wire.errors import DecodeError


class EchoKind(IntEnum):
    """The ICMP types of the two halves of a ping."""

    REPLY = 0
    REQUEST = 8


_HEADER = Struct(">B B H H H")
_CHECKSUM_OFFSET = 2
_IP_HEADER_SIZE = 20
_ICMP_PROTOCOL = 1


@dataclass(frozen=True, slots=True)
class Echo:
    """An echo request or reply. Linux replaces the identifier on SOCK_DGRAM by one of its own."""

    kind: EchoKind
    identifier: int
    sequence: int
    payload: bytes = b""


def encode(echo: Echo) -> bytes:
    """Write an ICMP message, as both SOCK_DGRAM and SOCK_RAW take it."""
    blank = _HEADER.pack(echo.kind, 0, 0, echo.identifier, echo.sequence) + echo.payload
    check = checksum(blank).to_bytes(2, "big")
    return blank[:_CHECKSUM_OFFSET] + check + blank[_CHECKSUM_OFFSET + 2 :]


def decode(message: bytes) -> Echo:
    """Read an ICMP message without IP header, as Linux hands it out on SOCK_DGRAM.

    Raises:
        DecodeError: frame_short, icmp_type or icmp_checksum.
    """
    if len(message) < _HEADER.size:
        raise DecodeError("frame_short", f"an ICMP message of {len(message)} bytes")
    kind, code, _checksum, identifier, sequence = _HEADER.unpack_from(message)
    if kind not in (EchoKind.REPLY, EchoKind.REQUEST) or code:
        raise DecodeError("icmp_type", f"type {kind}, code {code}")
    if checksum(message):
        raise DecodeError("icmp_checksum", f"echo {sequence} is damaged")
    return Echo(EchoKind(kind), identifier, sequence, message[_HEADER.size :])


def decode_with_ip_header(packet: bytes) -> Echo:
    """Read a whole IPv4 packet, as SOCK_RAW hands it out, and on macOS SOCK_DGRAM too.

    The total length is not looked at: macOS writes it in the host's byte order and without the header.

    Raises:
        DecodeError: As `decode`, and frame_type for what is not ICMP over IPv4.
    """
    if len(packet) < _IP_HEADER_SIZE:
        raise DecodeError("frame_short", f"an IP packet of {len(packet)} bytes")
    version, header_size = packet[0] >> 4, (packet[0] & 0x0F) * 4
    if version != 4 or header_size < _IP_HEADER_SIZE or packet[9] != _ICMP_PROTOCOL:
        raise DecodeError("frame_type", f"not ICMP over IPv4: version {version}, protocol {packet[9]}")
    return decode(packet[header_size:])


def checksum(data: bytes) -> int:
    """Compute the Internet checksum of `data`; 0 when `data` contains its own right checksum.

    The one's complement sum of 16-bit words is the number they make, modulo 65535 (RFC 1071, section 2),
    which Python computes in one step; a sum of zero is written 0xFFFF unless every byte is zero.
    """
    number = int.from_bytes(data if len(data) % 2 == 0 else data + b"\0", "big")
    total = number % 0xFFFF or (0xFFFF if number else 0)
    return 0xFFFF - total
