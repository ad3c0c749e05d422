"""ARP for IPv4 over Ethernet, as whole frames (RFC 826, RFC 5227)."""

from enum import IntEnum
from ipaddress import IPv4Address
from struct import Struct

from vipservice.core.frozen import dataclass
from vipservice.core.values import Mac
from vipservice.wire import ethernet
from vipservice.wire.errors import DecodeError
from vipservice.wire.ethernet import BROADCAST, NO_MAC, EtherType, Frame


class Operation(IntEnum):
    """The two operations of RFC 826; others (reverse and inverse ARP) are not ours to read."""

    REQUEST = 1
    REPLY = 2


NO_ADDRESS = IPv4Address(0)
"""The sender of a probe: it asks without claiming anything (RFC 5227, section 1.1)."""

_FORMAT = (1, 0x0800, 6, 4)
"""Hardware Ethernet, protocol IPv4, and the sizes of their addresses."""
_PACKET = Struct(">H H B B H 6s 4s 6s 4s")


@dataclass(frozen=True, slots=True)
class ArpPacket:
    """An ARP packet and the MACs of the frame it travels in, which need not be the same."""

    operation: Operation
    sender_mac: Mac
    sender_address: IPv4Address
    target_mac: Mac
    target_address: IPv4Address
    source: Mac
    """Of the frame."""
    destination: Mac
    """Of the frame."""


def encode(packet: ArpPacket) -> bytes:
    """Write a packet as a whole frame of 42 bytes."""
    payload = _PACKET.pack(
        *_FORMAT,
        packet.operation,
        packet.sender_mac,
        packet.sender_address.packed,
        packet.target_mac,
        packet.target_address.packed,
    )
    return ethernet.encode(Frame(packet.destination, packet.source, EtherType.ARP, payload))


def decode(data: bytes) -> ArpPacket:
    """Read a whole frame with ARP in it; what follows the packet is padding.

    Raises:
        DecodeError: frame_short, frame_type, arp_format or arp_operation.
    """
    frame = ethernet.decode(data)
    ethernet.check_type(frame, EtherType.ARP)
    if len(frame.payload) < _PACKET.size:
        raise DecodeError("frame_short", f"an ARP packet of {len(frame.payload)} bytes")
    *shape, operation, sender_mac, sender, target_mac, target = _PACKET.unpack_from(frame.payload)
    if tuple(shape) != _FORMAT:
        raise DecodeError("arp_format", f"not IPv4 over Ethernet: {shape}")
    return ArpPacket(
        _operation(operation),
        Mac(sender_mac),
        IPv4Address(sender),
        Mac(target_mac),
        IPv4Address(target),
        source=frame.source,
        destination=frame.destination,
    )


def _operation(code: int) -> Operation:
    if code not in (Operation.REQUEST, Operation.REPLY):
        raise DecodeError("arp_operation", f"operation {code}")
    return Operation(code)


def probe(own_mac: Mac, address: IPv4Address, to: Mac | None = None) -> bytes:
    """Ask who has `address` without claiming any (RFC 5227, section 2.1.1); only `to` where it is given.

    By unicast it reaches the kernel of a known holder: no cache on the way answers for it.
    """
    return request(own_mac, NO_ADDRESS, address, to)


def request(own_mac: Mac, sender: IPv4Address, target: IPv4Address, to: Mac | None = None) -> bytes:
    """Ask who has `target`, as `sender`: whoever answers has learned that `sender` is at `own_mac`."""
    packet = ArpPacket(
        Operation.REQUEST, own_mac, sender, NO_MAC, target, source=own_mac, destination=to or BROADCAST
    )
    return encode(packet)


def gratuitous_request(own_mac: Mac, address: IPv4Address) -> bytes:
    """Announce `address` by a broadcast request for itself (RFC 5227, section 2.3)."""
    return request(own_mac, address, address)


def gratuitous_reply(own_mac: Mac, address: IPv4Address) -> bytes:
    """Announce `address` by a broadcast reply, for gear that learns from replies only.

    The target MAC is our own, as RFC 5944, section 4.6 has it.
    """
    packet = ArpPacket(
        Operation.REPLY, own_mac, address, own_mac, address, source=own_mac, destination=BROADCAST
    )
    return encode(packet)
