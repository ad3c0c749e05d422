"""What a hostile host puts on the wire, as whole Ethernet frames: random, but the same for one seed."""

import secrets
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address
from random import Random
from struct import Struct

from vipservice.core.messages import Advert, Capability, Entry
from vipservice.core.roles import Role
from vipservice.core.values import Address, GroupId, Mac, NodeId
from vipservice.lab.demo.cluster import VIP
from vipservice.lab.faults import ADVERT_PORT
from vipservice.lab.network import DEFAULT_NETWORK
from vipservice.wire import arp, ethernet
from vipservice.wire.advert import encode
from vipservice.wire.signing import Keyring, seal

STRANGER = Mac(bytes.fromhex("0276697000ee"))
ADVERT_GROUP = IPv4Address("224.0.0.254")
ADVERT_GROUP_MAC = Mac(bytes.fromhex("01005e0000fe"))
"""What that group is on Ethernet (RFC 1112 section 6.4)."""

ETHERTYPE_IPV4 = 0x0800
FAR = 10**12
"""A term, an incarnation, a sequence number that beats any other."""

_IPV4 = Struct(">B B H H H B B H 4s 4s")
_UDP = Struct(">H H H H")
_LEAST_FRAME = 60


def arp_flood(dice: Random, gateway: IPv4Address) -> list[bytes]:
    """ARP of every kind: questions for the address, probes, lies about who has it, noise, broken ones."""
    frames = [arp.request(_mac(dice), gateway, VIP) for _ in range(60)]
    frames += [arp.request(_mac(dice), _host(dice), VIP) for _ in range(60)]
    frames += [arp.request(_mac(dice), _host(dice), _host(dice)) for _ in range(60)]
    frames += [arp.probe(_mac(dice), VIP) for _ in range(20)]
    frames += [arp.gratuitous_reply(_mac(dice), VIP) for _ in range(20)]
    frames += [_mac(dice) * 2 + b"\x08\x06" + dice.randbytes(dice.randrange(60)) for _ in range(20)]
    dice.shuffle(frames)
    return frames


def garbage(dice: Random, targets: Iterable[tuple[Mac, Address]]) -> list[bytes]:
    """Random bytes of any length to the advert port, to the group and to each node."""
    places = _places(targets)
    return [
        udp_frame(dice.randbytes(dice.randrange(1, 1400)), _host(dice), *dice.choice(places))
        for _ in range(250)
    ]


def wrongly_signed(
    dice: Random, targets: Iterable[tuple[Mac, Address]], sources: Iterable[Address] = ()
) -> list[bytes]:
    """Adverts that are right in every byte but the signature, from strangers, or in the name of `sources`."""
    places, names = _places(targets), list(sources)
    keyring = Keyring({1: secrets.token_bytes(32)})
    frames = []
    for _ in range(250):
        source = dice.choice(names) if names else _host(dice)
        frames.append(udp_frame(_advert(dice, source, keyring), source, *dice.choice(places)))
    return frames


def replayed(recorded: Iterable[bytes]) -> list[bytes]:
    """Recorded datagrams from a stranger's MAC; without checksum, which virtual cards leave undone."""
    checksum = ethernet.HEADER_SIZE + _IPV4.size + 6
    return [
        frame[:6] + STRANGER + frame[12:checksum] + bytes(2) + frame[checksum + 2 :] for frame in recorded
    ]


def is_advert(frame: bytes) -> bool:
    """Whether this is a datagram to the advert port."""
    port = ethernet.HEADER_SIZE + _IPV4.size + 2
    return frame[12:14] == b"\x08\x00" and frame[port : port + 2] == ADVERT_PORT.to_bytes(2, "big")


def raw_wrongly_signed(dice: Random) -> list[bytes]:
    """The same as Ethernet frames, which need no address."""
    keyring = Keyring({1: secrets.token_bytes(32)})
    return [ethernet.advert_frame(_advert(dice, _host(dice), keyring), _mac(dice)) for _ in range(250)]


def udp_frame(payload: bytes, source: Address, to_mac: Mac, to: Address) -> bytes:
    """A datagram to the advert port with TTL 255, from a stranger's MAC and whatever address it claims."""
    udp = _UDP.pack(ADVERT_PORT, ADVERT_PORT, _UDP.size + len(payload), 0)  # no checksum (RFC 768)
    size = _IPV4.size + len(udp) + len(payload)
    header = _IPV4.pack(0x45, 0xC0, size, 0, 0, 255, 17, 0, source.packed, to.packed)
    header = header[:10] + _checksum(header) + header[12:]
    frame = ethernet.Frame(to_mac, STRANGER, ETHERTYPE_IPV4, header + udp + payload)
    return ethernet.encode(frame).ljust(_LEAST_FRAME, b"\0")


def _advert(dice: Random, source: Address, keyring: Keyring) -> bytes:
    """An active of the highest rank there is, of the size that the cluster's own adverts have."""
    entry = Entry(
        group=GroupId(1),
        role=Role.ACTIVE,
        priority=254,
        term=FAR,
        interval=0.01,
        lease_left=3.0,
        digest=bytes(8),
        addresses=(VIP,),
        fit=True,
    )
    advert = Advert(
        node=NodeId(dice.randbytes(16)),
        name="mallory",
        incarnation=FAR,
        sequence=FAR,
        address=source,
        macs=(STRANGER,),
        capabilities=Capability.NONE,
        heard=(),
        entries=(entry,),
    )
    return seal(encode(advert), keyring)


def _places(targets: Iterable[tuple[Mac, Address]]) -> list[tuple[Mac, Address]]:
    """Whereto: as often to the group as to all nodes together."""
    nodes = list(targets)
    return [*nodes, *[(ADVERT_GROUP_MAC, ADVERT_GROUP)] * len(nodes)]


def _host(dice: Random) -> IPv4Address:
    """An address of the LAN that nobody has."""
    return DEFAULT_NETWORK[dice.randrange(110, 230)]


def _mac(dice: Random) -> Mac:
    return Mac(b"\x02" + dice.randbytes(5))


def _checksum(header: bytes) -> bytes:
    """The ones' complement of the ones' complement sum (RFC 1071)."""
    total = sum(int.from_bytes(header[at : at + 2], "big") for at in range(0, len(header), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2, "big")


def written(frames: Iterable[bytes]) -> Iterator[bytes]:
    """As `flooding` reads them."""
    for frame in frames:
        yield len(frame).to_bytes(2, "big") + frame
    yield bytes(2)
