"""Ethernet II frames: the 14 bytes around ARP packets and raw adverts (IEEE 802.3 clause 3).

Frames carry no VLAN tag here: the kernel takes it off before a socket on the VLAN's interface sees them.
"""

from enum import IntEnum
from struct import Struct

from vipservice.core.frozen import dataclass
from vipservice.core.values import Mac, show_mac
from vipservice.wire.errors import DecodeError

BROADCAST = Mac(b"\xff" * 6)
NO_MAC = Mac(bytes(6))
"""Six zero bytes: "not known", where a packet has a place for a MAC and none to put there."""


class EtherType(IntEnum):
    """What a frame carries."""

    ARP = 0x0806
    ADVERT = 0x88B5
    """Local experimental EtherType 1 (IEEE 802): crosses switches, needs no IP, never leaves the site."""


_HEADER = Struct(">6s 6s H")
HEADER_SIZE = _HEADER.size


@dataclass(frozen=True, slots=True)
class Frame:
    """An Ethernet frame; `payload` possibly with padding at its end (frames have 60 bytes at least)."""

    destination: Mac
    source: Mac
    ether_type: int
    payload: bytes


def encode(frame: Frame) -> bytes:
    """Write a frame, without check sequence and padding, which the hardware adds."""
    return _HEADER.pack(frame.destination, frame.source, frame.ether_type) + frame.payload


def decode(data: bytes) -> Frame:
    """Read a whole frame, of whatever type.

    Raises:
        DecodeError: frame_short.
    """
    if len(data) < HEADER_SIZE:
        raise DecodeError("frame_short", f"a frame of {len(data)} bytes")
    destination, source, ether_type = _HEADER.unpack_from(data)
    return Frame(Mac(destination), Mac(source), ether_type, data[HEADER_SIZE:])


def check_type(frame: Frame, wanted: EtherType) -> None:
    """Refuse a frame that carries something else.

    Raises:
        DecodeError: frame_type.
    """
    if frame.ether_type != wanted:
        raise DecodeError("frame_type", f"EtherType {frame.ether_type:#06x} from {show_mac(frame.source)}")


def advert_frame(datagram: bytes, source: Mac, destination: Mac = BROADCAST) -> bytes:
    """Wrap a sealed advert into a frame: the path that needs neither IP nor multicast."""
    return encode(Frame(destination, source, EtherType.ADVERT, datagram))


def advert_payload(data: bytes) -> bytes:
    """Take the sealed advert out of a frame, padding possibly still at its end.

    Raises:
        DecodeError: frame_short or frame_type.
    """
    frame = decode(data)
    check_type(frame, EtherType.ADVERT)
    return frame.payload
