"""An advert with everything in it, and a way to make wrong ones by hand."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from struct import pack

import pytest

from vipservice.core.messages import (
    Advert,
    Capability,
    Entry,
    Hearsay,
    Offer,
    PeerHeard,
    Question,
    Ready,
    Request,
    Resign,
)
from vipservice.core.roles import Role
from vipservice.core.values import GroupId, Mac, NodeId
from vipservice.wire.signing import Keyring

NODE = NodeId(bytes(range(16)))
PEER = NodeId(b"\xbb" * 16)

MakeBody = Callable[..., bytes]


@pytest.fixture
def advert() -> Advert:
    messages = (
        Request(),
        Offer(PEER, 0.05),
        Ready(PEER, 2**64 - 1),
        Resign(PEER, 8, 42),
        Resign(None, 8, 0),
        Question(),
        Hearsay(PEER, 1763840001, 0.000125, 7, 254, 0.002, 2.871),
    )
    active = Entry(
        group=GroupId(1),
        role=Role.ACTIVE,
        priority=100,
        term=7,
        interval=0.1,
        lease_left=2.5,
        digest=b"8 bytes.",
        addresses=(IPv4Address("192.0.2.234"), IPv6Address("2001:db8::234"), IPv4Address("192.0.2.235")),
        fit=True,
        messages=messages,
    )
    backup = Entry(
        GroupId(255), Role.BACKUP, 1, 0, 1.0, 0.0, b"otherone", (IPv4Address("192.0.2.9"),), fit=False
    )
    return Advert(
        node=NODE,
        name="knoten-ä",
        incarnation=1763840000,
        sequence=2**64 - 1,
        address=IPv4Address("192.0.2.10"),
        macs=(Mac(b"\x02\0\0\0\0\x0a"), Mac(b"\x02\0\0\0\0\x0b")),
        capabilities=Capability.KERNEL_LEASE,
        heard=(PeerHeard(PEER, 1763840001, 0.061), PeerHeard(NodeId(b"\xcc" * 16), 5, 12.5)),
        entries=(active, backup),
    )


@pytest.fixture
def keyring() -> Keyring:
    return Keyring({7: b"the new secret of the cluster...", 3: b"the old secret"})


@pytest.fixture
def make_body() -> MakeBody:
    """Bytes of a body from (type, value) pairs, written here independently of the code under test."""

    def make(
        *fields: tuple[int, bytes],
        magic: bytes = b"VIPS",
        version: int = 1,
        flags: int = 0,
        length: int | None = None,
        key_id: int = 0,
        incarnation: int = 9,
        padding: bytes = b"",
    ) -> bytes:
        tail = b"".join(pack(">BH", kind, len(value)) + value for kind, value in fields)
        stated = 44 + len(tail) if length is None else length
        start = magic + pack(">BBHI", version, flags, stated, key_id)
        return start + NODE + pack(">QQ", incarnation, 1) + tail + padding

    return make
