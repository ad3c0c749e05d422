"""What bpf(4) shall pass on one interface. Pure: addresses in, programs out.

BSD's classic BPF knows nothing beside the bytes: neither the interface (the descriptor is attached to one)
nor chance, so that strangers are thinned out after the read (`neighbours.py`).
"""

from collections.abc import Iterable
from ipaddress import IPv4Address

from vipservice.adapters.classic_bpf import (
    DROP,
    JUMP_EQUAL,
    LOAD_HALF,
    LOAD_WORD,
    WHOLE,
    Instruction,
    Program,
    drop_unless,
    give,
    give_if,
)
from vipservice.core.values import Address, Mac

MAX_INSTRUCTIONS = 512
"""BPF_MAXINSNS of XNU's net/bpf.h; Linux takes 4096."""

MAX_ADDRESSES = 240
"""Two comparisons for each, and some twenty instructions around them."""

ARP_SNAP = 128
"""Bytes of an ARP frame that are kept: twice the least frame."""

_BROADCAST = Mac(b"\xff" * 6)
_ETHERTYPE_AT, _HARDWARE_AND_PROTOCOL_AT, _LENGTHS_AT, _SENDER_AT, _TARGET_AT = 12, 14, 18, 28, 38
_ETHERTYPE_ARP, _ETHERTYPE_ADVERT = 0x0806, 0x88B5
_ETHERNET_AND_IPV4, _SIX_AND_FOUR = 0x00010800, 0x0604


def arp_program(addresses: Iterable[Address], mac: Mac) -> Program:
    """Pass ARP that is sent to `mac` or has one of `addresses` as its sender or target.

    With more addresses than fit, all ARP passes: too much is only slower, too little would be wrong.
    """
    wanted = sorted({int(address) for address in addresses if isinstance(address, IPv4Address)})
    start = drop_unless(LOAD_HALF, _ETHERTYPE_AT, _ETHERTYPE_ARP)
    if len(wanted) > MAX_ADDRESSES:
        return (*start, *give(ARP_SNAP))
    return (
        *start,
        *_give_if_sent_to(mac, ARP_SNAP),
        *drop_unless(LOAD_WORD, _HARDWARE_AND_PROTOCOL_AT, _ETHERNET_AND_IPV4),
        *drop_unless(LOAD_HALF, _LENGTHS_AT, _SIX_AND_FOUR),
        *give_if(_TARGET_AT, wanted, ARP_SNAP),  # the last field first: a frame cut short ends here
        *give_if(_SENDER_AT, wanted, ARP_SNAP),
        *give(DROP),
    )


def advert_program(mac: Mac) -> Program:
    """Pass raw adverts (EtherType 0x88B5) to `mac` or to all; none for others, whatever else listens here."""
    return (
        *drop_unless(LOAD_HALF, _ETHERTYPE_AT, _ETHERTYPE_ADVERT),
        *_give_if_sent_to(mac, WHOLE),
        *_give_if_sent_to(_BROADCAST, WHOLE),
        *give(DROP),
    )


def _give_if_sent_to(mac: Mac, result: int) -> Program:
    return (
        Instruction(LOAD_WORD, 0),
        Instruction(JUMP_EQUAL, int.from_bytes(mac[:4], "big"), 0, 3),
        Instruction(LOAD_HALF, 4),
        Instruction(JUMP_EQUAL, int.from_bytes(mac[4:], "big"), 0, 1),
        *give(result),
    )
