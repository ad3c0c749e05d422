"""What a frame says about who is where: ARP now, neighbour discovery (IPv6) when `wire.ndp` comes.

Which MAC counts. A frame names its sender twice, in the Ethernet header and in the ARP packet, and the two
may differ (a bond, a wireless bridge, proxies, somebody who lies). Neighbours learn the one *in the packet*
(RFC 826 stores the sender hardware address; Linux does), so traffic for the address goes there: that is who
holds it, and that is the MAC we report. Neither is proof of anything, so ARP only ever raises a question.
Odd sender MACs (zero, or a group address as some load balancers answer with) are passed on as they are:
somebody answered, and to treat that as silence would be the unsafe side.
"""

from collections.abc import Collection
from ipaddress import IPv4Address

from vipservice.core.events import NeighbourSeen
from vipservice.core.values import Address, Mac
from vipservice.wire import arp


def neighbour_seen(frame: bytes, own_macs: Collection[Mac]) -> NeighbourSeen:
    """Turn a whole Ethernet frame into what the election is told about it.

    Args:
        frame: A frame with ARP in it, from its destination MAC on.
        own_macs: All MACs of this host on the link; a frame sent to one of them proves that we hear.

    Raises:
        DecodeError: Any of FRAME_REASONS about frames and ARP.
    """
    packet = arp.decode(frame)
    return NeighbourSeen(
        mac=packet.sender_mac,
        sender=_specified(packet.sender_address),
        target=_specified(packet.target_address),
        answer=packet.operation is arp.Operation.REPLY,
        to_us=packet.destination in own_macs,
    )


def _specified(address: IPv4Address) -> Address | None:
    return None if address == arp.NO_ADDRESS else address
