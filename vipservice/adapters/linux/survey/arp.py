"""Who answers for an address: asked by ARP, as a probe that claims nothing or as this host."""

import select
import time
from collections.abc import Iterable
from ipaddress import IPv4Address

from vipservice.adapters.linux.frames import LinuxNeighbours
from vipservice.core.values import Mac
from vipservice.runtime.ports import Interface
from vipservice.wire import arp
from vipservice.wire.arp import NO_ADDRESS, Operation
from vipservice.wire.errors import DecodeError

ROUNDS = 3
"""One lost frame shall prove nothing."""

SPACING = 0.1
"""Seconds from one round to the next, and for the last answers."""

PROXY_PATIENCE = 1.0
"""Linux answers for others after up to 0.8 s, by chance (proxy_delay, arp(7))."""

_BATCH = 64

Answers = dict[IPv4Address, frozenset[Mac]]
"""Address to the MACs that say they have it; none for silence."""


def who_has(
    interface: Interface,
    addresses: Iterable[IPv4Address],
    sender: IPv4Address = NO_ADDRESS,
    to: Mac | None = None,
    patience: float = SPACING,
) -> Answers:
    """Ask for each address, three times 0.1 s apart.

    Args:
        interface: Where to ask.
        addresses: Whom for.
        sender: Who asks: nobody (a probe, RFC 5227), or this host's own address there.
        to: Ask this MAC alone instead of everybody.
        patience: Seconds to wait after the last question.

    Raises:
        HostError: The machine refused.
    """
    answers: dict[IPv4Address, set[Mac]] = {address: set() for address in addresses}
    if not answers:
        return {}
    neighbours = LinuxNeighbours(interface)
    try:
        for wait in (*[SPACING] * (ROUNDS - 1), patience):
            for address in answers:
                neighbours.send(arp.request(interface.mac, sender, address, to))
            _collect(neighbours, answers, sender, wait)
    finally:
        neighbours.close()
    return {address: frozenset(macs) for address, macs in answers.items()}


def _collect(
    neighbours: LinuxNeighbours, answers: dict[IPv4Address, set[Mac]], asker: IPv4Address, seconds: float
) -> None:
    """Take the answers to what `asker` asked; late ones to an earlier question prove another thing."""
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        select.select(neighbours.filenos(), (), (), left)
        neighbours.receive_adverts(_BATCH)  # not ours to look at here; unread they would keep us from waiting
        for frame in neighbours.receive_arp(_BATCH):
            try:
                packet = arp.decode(frame)
            except DecodeError:
                continue
            ours = packet.operation is Operation.REPLY and packet.target_address == asker
            if ours and packet.sender_address in answers:
                answers[packet.sender_address].add(packet.sender_mac)
