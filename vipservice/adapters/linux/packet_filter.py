"""Classic BPF programs that let only the frames that count reach the daemon. Pure: addresses in, bytes out.

The kernel runs them on the whole Ethernet frame (SOCK_RAW). Loads at `ANCILLARY` plus an offset read what
the kernel knows beside the bytes (linux/filter.h).
"""

import sys
from collections.abc import Iterable
from ipaddress import IPv4Address

from vipservice.adapters.classic_bpf import (
    DROP,
    JUMP,
    JUMP_EQUAL,
    JUMP_SET,
    LOAD_BYTE,
    LOAD_HALF,
    LOAD_HALF_INDEXED,
    LOAD_HEADER_LENGTH,
    LOAD_WORD,
    WHOLE,
    Instruction,
    Program,
    drop_unless,
    give,
    give_if,
)
from vipservice.adapters.linux.rtnetlink import RTM_DELROUTE, RTM_NEWROUTE
from vipservice.core.values import Address, Mac
from vipservice.runtime.ports import KEPT

ANCILLARY = 0xFFFFF000
PACKET_TYPE, INTERFACE_INDEX, RANDOM = ANCILLARY + 4, ANCILLARY + 8, ANCILLARY + 56
LINK_LAYER = 0xFFE00000
"""Where the Ethernet header begins for a socket that is shown what lies behind it."""

PACKET_HOST, PACKET_BROADCAST, PACKET_OTHERHOST, PACKET_OUTGOING = 0, 1, 3, 4
"""How the kernel sorted the frame (linux/if_packet.h): to this interface's MAC, to all, to others, sent."""

_GROUP_BIT = 0x01
"""Of the first byte: a broadcast or multicast destination."""
_SOURCE_MAC_AT = 6
_ETHERTYPE_AT, _HARDWARE_AND_PROTOCOL_AT, _LENGTHS_AT, _SENDER_AT, _TARGET_AT = 12, 14, 18, 28, 38
_ETHERTYPE_ARP, _ETHERTYPE_ADVERT = 0x0806, 0x88B5
_ETHERNET_AND_IPV4, _SIX_AND_FOUR = 0x00010800, 0x0604
_ICMP_REPLY, _ICMP_IDENTIFIER_AT = 0, 4
_MESSAGE_TYPE_AT, _DESTINATION_LENGTH_AT = 4, 17

ARP_SNAP = 128
"""Bytes of an ARP frame that are kept: twice the least frame."""
MAX_ADDRESSES = 1700
"""Two comparisons each and one return a chunk stay below the kernel's 4096 instructions, with"""

MAX_KNOWN = 128
"""so many MACs of peers before them, five instructions each."""


def arp_program(addresses: Iterable[Address], index: int, known: frozenset[Mac] | None = None) -> Program:
    """Pass ARP that is for the interface's MAC or has one of `addresses` as its sender or target.

    With more addresses than fit, all ARP passes: too much is only slower, too little would be wrong.

    Args:
        addresses: The IPv4 addresses among them count; ARP knows no others.
        index: Of the interface that the socket is bound to.
        known: Of what is not sent to us alone, one of `KEPT` passes unless it is from one of these MACs;
            None: all. Answers to probes come to us alone: no flood of questions hides who has an address.
    """
    wanted = sorted({int(address) for address in addresses if isinstance(address, IPv4Address)})
    start = _received_on_this_link(index, _ETHERTYPE_ARP)
    if len(wanted) > MAX_ADDRESSES:
        return (*start, *give(ARP_SNAP))
    return (
        *start,
        *give_if(PACKET_TYPE, [PACKET_HOST], ARP_SNAP),
        *_thin(known, _SOURCE_MAC_AT),
        *drop_unless(LOAD_WORD, _HARDWARE_AND_PROTOCOL_AT, _ETHERNET_AND_IPV4),
        *drop_unless(LOAD_HALF, _LENGTHS_AT, _SIX_AND_FOUR),
        *give_if(_TARGET_AT, wanted, ARP_SNAP),  # the last field first: a frame cut short ends here
        *give_if(_SENDER_AT, wanted, ARP_SNAP),
        *give(DROP),
    )


def advert_program(index: int, known: frozenset[Mac] | None = None) -> Program:
    """Pass raw adverts (EtherType 0x88B5) to the interface's MAC or to all; none of our own.

    Args:
        index: Of the interface that the socket is bound to.
        known: Of what is not from one of these one of `KEPT` passes; None: all.
    """
    return (
        *_received_on_this_link(index, _ETHERTYPE_ADVERT),
        *_thin(known, _SOURCE_MAC_AT),
        *give_if(PACKET_TYPE, [PACKET_HOST, PACKET_BROADCAST], WHOLE),
        *give(DROP),
    )


def datagram_program(known: frozenset[Mac] | None = None) -> Program:
    """Pass datagrams on a UDP socket: all of them, or what `known` sent and one of `KEPT` others."""
    return (*_thin(known, LINK_LAYER + _SOURCE_MAC_AT), *give(WHOLE))


def echo_program(identifier: int) -> Program:
    """Pass ICMP echo replies with `identifier` on a raw ICMP socket, where the frame is the IP packet."""
    return (
        Instruction(LOAD_HEADER_LENGTH, 0),
        Instruction(LOAD_HALF_INDEXED, 0),  # type and code
        Instruction(JUMP_EQUAL, _ICMP_REPLY, 0, 3),
        Instruction(LOAD_HALF_INDEXED, _ICMP_IDENTIFIER_AT),
        Instruction(JUMP_EQUAL, identifier, 0, 1),
        *give(WHOLE),
        *give(DROP),
    )


def changes_program() -> Program:
    """Drop news of routes that are no default routes: a router with a full table has hundreds a second.

    For a netlink socket: each message comes alone, header first (linux/netlink.h, linux/rtnetlink.h).
    """
    return (
        Instruction(LOAD_HALF, _MESSAGE_TYPE_AT),
        Instruction(JUMP_EQUAL, _in_host_order(RTM_NEWROUTE), 1, 0),
        Instruction(JUMP_EQUAL, _in_host_order(RTM_DELROUTE), 0, 2),
        Instruction(LOAD_BYTE, _DESTINATION_LENGTH_AT),
        Instruction(JUMP_EQUAL, 0, 0, 1),
        *give(WHOLE),
        *give(DROP),
    )


def _in_host_order(number: int) -> int:
    """What a load, which reads the high byte first, makes of two bytes in the host's order."""
    return int.from_bytes(number.to_bytes(2, sys.byteorder), "big")


def _received_on_this_link(index: int, ethertype: int) -> Program:
    """Drop what we sent, what belongs to another link, and other types.

    A socket bound to an interface is shown the frames of its VLAN and macvlan interfaces too; the kernel has
    moved those to another index. Frames of VLANs that nobody configured stay on this one with their tag taken
    off, and are marked as for others: to tell by a broadcast that is not for all.
    """
    return (
        *drop_unless(LOAD_WORD, INTERFACE_INDEX, index),
        Instruction(LOAD_WORD, PACKET_TYPE),
        Instruction(JUMP_EQUAL, PACKET_OUTGOING, 3, 0),
        Instruction(JUMP_EQUAL, PACKET_OTHERHOST, 0, 3),
        Instruction(LOAD_BYTE, 0),
        Instruction(JUMP_SET, _GROUP_BIT, 0, 1),
        *give(DROP),
        *drop_unless(LOAD_HALF, _ETHERTYPE_AT, ethertype),
    )


def _thin(known: frozenset[Mac] | None, source_at: int) -> Program:
    """Go on with frames from `known` MACs and with one of `KEPT` others, drop the rest; None: go on with all.

    With more MACs than fit all go on: too much is only slower, too little would be wrong.
    """
    if known is None or len(known) > MAX_KNOWN:
        return ()
    macs = [
        step
        for left, mac in zip(range(len(known) - 1, -1, -1), sorted(known), strict=True)
        for step in (
            Instruction(LOAD_WORD, source_at),
            Instruction(JUMP_EQUAL, int.from_bytes(mac[:4], "big"), 0, 3),
            Instruction(LOAD_HALF, source_at + 4),
            Instruction(JUMP_EQUAL, int.from_bytes(mac[4:], "big"), 0, 1),
            Instruction(JUMP, 5 * left + 1),  # past the MACs that are left, and the return
        )
    ]
    return (
        Instruction(LOAD_WORD, RANDOM),
        Instruction(JUMP_SET, KEPT - 1, 1, 0),
        Instruction(JUMP, len(macs) + 1),
        *macs,
        *give(DROP),
    )
