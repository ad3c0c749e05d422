"""The small nouns everybody shares: who a node is, where it is, and who ranks above whom."""

from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import NewType

from vipservice.core.frozen import dataclass

NodeId = NewType("NodeId", bytes)
"""128 random bits that name a node for as long as its state directory lives."""

Mac = NewType("Mac", bytes)
"""Six bytes of an Ethernet address, in wire order."""

Address = IPv4Address | IPv6Address

GroupId = NewType("GroupId", int)
"""1 to 255: one set of floating addresses that moves together."""


class Health(Enum):
    """What the checks of the service behind the address say, taken together."""

    UNKNOWN = "unknown"
    """Not all have had a result yet: no reason to give the address away, and none to be given it."""
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True, order=True)
class Rank:
    """What two actives compare: the greater stays, the other releases at once.

    Always built from what an advert carried, never from live state, so that both sides compare the same
    two values. `address` is packed, network order, so that both families compare as numbers.
    """

    term: int
    priority: int
    address: bytes


def show_mac(mac: bytes) -> str:
    """Write a MAC as ip(8) does: `02:00:00:00:00:0a`."""
    return mac.hex(":")
