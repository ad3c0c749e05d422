"""Whatever reads what it did not write: any bytes give a value or the declared error, and values survive.

Each target is called with bytes. It returns when they were read, or refused as they should be; whatever else
is raised is a finding. `scripts/fuzz` draws the bytes by coverage; pytest replays those that once were one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TypeVar

from tests.fuzz import documents, requests
from vipservice.adapters.darwin import capture, kernel_events, route_messages
from vipservice.adapters.guard import messages as guard_messages
from vipservice.adapters.linux import netlink, rtnetlink
from vipservice.core.messages import Advert, Capability, Entry, Hearsay, Offer, PeerHeard, Ready, Resign
from vipservice.core.roles import Role
from vipservice.core.values import GroupId, Mac, NodeId
from vipservice.wire import advert, arp, ethernet, icmp
from vipservice.wire.entry import decode_entry, encode_entry
from vipservice.wire.errors import ADVERT_REASONS, FRAME_REASONS, DecodeError
from vipservice.wire.header import KEY_ID, KEY_ID_OFFSET, UNSIGNED
from vipservice.wire.neighbour import neighbour_seen
from vipservice.wire.signing import Keyring, read, seal

KEYRING = Keyring({7: b"first", 6: b"second"})
NODE = NodeId(b"n" * 16)
US = Mac(b"\x02\0\0\0\0\x0a")
VIP = IPv4Address("192.0.2.234")

SEAL_REASONS = frozenset({"unsigned", "signed", "unknown_key", "bad_signature"})
LONGEST_SENTENCE = 1000

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Target:
    """One reader, and what a fuzzer begins with."""

    check: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    """Pieces that are hard to come upon byte by byte."""


def unsigned_advert(data: bytes) -> None:
    """What is read can be written, and is read again as the same."""
    found = _refused(lambda: advert.decode(data), ADVERT_REASONS)
    if found is not None:
        assert advert.decode(advert.encode(found)) == found


def datagram(data: bytes) -> None:
    """Of a node with keys and of one without: never both believe the same bytes."""
    signed = _refused(lambda: read(data, KEYRING), ADVERT_REASONS)
    plain = _refused(lambda: read(data, Keyring()), ADVERT_REASONS)
    assert signed is None or plain is None


def sealed(data: bytes) -> None:
    """Bytes that we have sealed may be refused for what they say, never for their seal."""
    length = KEY_ID_OFFSET + KEY_ID.size + len(data)
    body = BODY[:6] + length.to_bytes(2, "big") + KEY_ID.pack(UNSIGNED) + data
    _refused(lambda: read(seal(body, KEYRING), KEYRING), ADVERT_REASONS - SEAL_REASONS)


def entry(data: bytes) -> None:
    """A group's part of an advert."""
    found = _refused(lambda: decode_entry(data), ADVERT_REASONS)
    if found is not None:
        assert decode_entry(encode_entry(found)) == found


def arp_frame(data: bytes) -> None:
    """ARP, and what the election is told of it."""
    packet = _refused(lambda: arp.decode(data), FRAME_REASONS)
    seen = _refused(lambda: neighbour_seen(data, [US]), FRAME_REASONS)
    assert (packet is None) == (seen is None)
    if packet is not None:
        assert arp.decode(arp.encode(packet)) == packet


def ethernet_frame(data: bytes) -> None:
    """Nothing of a frame is lost; a raw advert is what lies behind the header."""
    frame = _refused(lambda: ethernet.decode(data), FRAME_REASONS)
    if frame is not None:
        assert ethernet.encode(frame) == data
    payload = _refused(lambda: ethernet.advert_payload(data), FRAME_REASONS)
    assert payload is None or data.endswith(payload)


def icmp_message(data: bytes) -> None:
    """An echo, bare and behind an IP header."""
    found = _refused(lambda: icmp.decode(data), FRAME_REASONS)
    if found is not None:
        assert icmp.decode(icmp.encode(found)) == found
    _refused(lambda: icmp.decode_with_ip_header(data), FRAME_REASONS)


def netlink_datagram(data: bytes) -> None:
    """Messages of the kernel: what cannot be one is left out; the loop must not end by it."""
    for message in netlink.split(data):
        netlink.read_error(message)
        netlink_body(message.body)
    netlink_body(data)


def netlink_body(body: bytes) -> None:
    """The body of a message, read as each kind of it."""
    rtnetlink.read_link(body)
    rtnetlink.read_address(body)
    rtnetlink.read_default_routes(body)


def darwin_kernel(data: bytes) -> None:
    """What macOS's kernel hands out: captured frames, messages of the routing socket, kernel events."""
    for frame in capture.frames(data):
        assert frame in data
    for message in route_messages.read(data):
        assert message.index >= 0
    for code, name in kernel_events.read(data):
        assert code in kernel_events.TELLING
        assert name


def guard(data: bytes) -> None:
    """A line of the daemon becomes words of a command: a name and an address, or nothing."""
    try:
        said = guard_messages.read_request(data)
    except guard_messages.GuardMessageError:
        return
    assert guard_messages.read_request(guard_messages.write_request(said).rstrip()) == said


def _refused(read_it: Callable[[], Value], reasons: frozenset[str]) -> Value | None:
    """What was read; None where it was refused for one of `reasons`."""
    try:
        return read_it()
    except DecodeError as error:
        reason, said = error.reason, str(error)
    assert reason in reasons, said
    assert len(said) < LONGEST_SENTENCE
    return None


def _entry() -> Entry:
    messages = (
        Offer(NODE, 0.05),
        Ready(NODE, 77),
        Resign(NODE, 5, 77),
        Hearsay(NODE, 1, 0.02, 4, 100, 0.1, 2.5),
    )
    return Entry(GroupId(1), Role.ACTIVE, 100, 4, 0.1, 2.5, b"digest!!", (VIP,), fit=True, messages=messages)


def _advert() -> Advert:
    heard = (PeerHeard(NodeId(b"m" * 16), 3, 0.02),)
    return Advert(
        NODE,
        "node-a",
        7,
        9,
        IPv4Address("192.0.2.1"),
        (US,),
        Capability.NONE,
        heard=heard,
        entries=(_entry(),),
    )


BODY = advert.encode(_advert())
PROBE = arp.probe(US, VIP)
ECHO = icmp.encode(icmp.Echo(icmp.EchoKind.REPLY, 1, 2, b"12345678"))
IP_HEADER = bytes.fromhex("450000240000000040010000c0000201c0000202")
ADDRESS = rtnetlink.leased_address(2, VIP, 32, 3)
ADDED = (
    bytes.fromhex("2400050c20000000010000000400000000000000") + bytes.fromhex("10020000c00002ea") + bytes(8)
)
LINK_OFF = (
    bytes.fromhex("30000000010000000100000002000000070000000c0000000200000000000000") + b"en" + bytes(14)
)
KEEP = b'{"n":1,"keep":["en0","192.0.2.234"],"until":103.5}'
ROUTE = rtnetlink.route_dump(2, 2)

TARGETS: Mapping[str, Target] = {
    "advert": Target(unsigned_advert, (BODY,)),
    "datagram": Target(datagram, (BODY, seal(BODY, KEYRING))),
    "sealed": Target(sealed, (BODY[12:],)),
    "entry": Target(entry, (encode_entry(_entry()),)),
    "arp": Target(arp_frame, (PROBE, arp.gratuitous_reply(US, VIP))),
    "ethernet": Target(ethernet_frame, (PROBE, ethernet.advert_frame(BODY, US))),
    "icmp": Target(icmp_message, (ECHO, IP_HEADER + ECHO)),
    "netlink": Target(
        netlink_datagram,
        (ADDRESS, ROUTE, netlink.request(20, 0, 1, ADDRESS), netlink.request(2, 0x200, 1, bytes(64))),
    ),
    "darwin": Target(darwin_kernel, (capture.record(PROBE), ADDED, LINK_OFF)),
    "guard": Target(guard, (KEEP, KEEP.replace(b"keep", b"drop"), b'{"n":1,"tell":true}')),
    "configuration": Target(documents.configuration, documents.CONFIGURATIONS, documents.YAML_WORDS),
    "identity": Target(documents.identity, documents.IDENTITIES, documents.JSON_WORDS),
    "groups": Target(documents.groups, documents.GROUPS, documents.JSON_WORDS),
    "peers": Target(documents.peers, documents.PEERS, documents.JSON_WORDS),
    "history": Target(documents.history, documents.HISTORIES, documents.JSON_WORDS),
    "control": Target(requests.control, requests.CONTROL, documents.JSON_WORDS),
    "authorization": Target(requests.authorization, requests.AUTHORIZATIONS),
    "web": Target(requests.web, requests.WEB, requests.WEB_WORDS),
}
"""By the name that `scripts/fuzz` takes."""
