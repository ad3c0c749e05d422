"""docs/wire.md says what the code does: its tables and its dump are compared with the code here."""

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from vipservice.core.messages import Advert, Capability, Entry, Offer, PeerHeard
from vipservice.core.roles import Role
from vipservice.core.values import GroupId, Mac, NodeId
from vipservice.wire import advert, entry, fields, header, messages
from vipservice.wire.errors import ADVERT_REASONS, FRAME_REASONS
from vipservice.wire.signing import Keyring, read, seal

DOCUMENT = (Path(__file__).parents[3] / "docs" / "wire.md").read_text()

KEYRING = Keyring({1: b"an example, never to be used"})
EXAMPLE = Advert(
    node=NodeId(bytes.fromhex("00112233445566778899aabbccddeeff")),
    name="node-a",
    incarnation=1_763_840_000,
    sequence=4711,
    address=IPv4Address("192.0.2.10"),
    macs=(Mac(bytes.fromhex("02000000000a")),),
    capabilities=Capability.KERNEL_LEASE,
    heard=(PeerHeard(NodeId(b"\xbb" * 16), 1_763_840_001, 0.061),),
    entries=(
        Entry(
            group=GroupId(1),
            role=Role.ACTIVE,
            priority=100,
            term=7,
            interval=0.1,
            lease_left=2.5,
            digest=bytes.fromhex("d1d2d3d4d5d6d7d8"),
            addresses=(IPv4Address("192.0.2.234"),),
            fit=True,
            messages=(Offer(NodeId(b"\xbb" * 16), 0.3),),
        ),
    ),
)

# What the dump says about each run of bytes, in order; {n} is the run as a number.
HEADER_PARTS = (
    (4, "magic"),
    (1, "version {n}"),
    (1, "flags"),
    (2, "length of the body, {n} bytes"),
    (4, "key id {n}"),
    (16, "node id"),
    (8, "incarnation {n}"),
    (8, "sequence {n}"),
)
FIELD_PARTS: dict[str, tuple[tuple[int, str], ...]] = {
    "NAME": ((6, '"node-a"'),),
    "ADDRESS": ((4, "192.0.2.10"),),
    "MACS": ((6, "02:00:00:00:00:0a"),),
    "CAPABILITIES": ((4, "kernel lease"),),
    "HEARD": ((16, "node id"), (8, "incarnation {n}"), (4, "heard {n} ms ago")),
    "GROUP": (
        (1, "group {n}"),
        (1, "role active"),
        (1, "priority {n}"),
        (1, "flags: fit"),
        (8, "term {n}"),
        (4, "interval {n} us"),
        (4, "lease left {n} ms"),
        (8, "digest"),
    ),
    "ADDRESSES_V4": ((4, "192.0.2.234"),),
    "OFFER": ((16, "to node id"), (4, "hold {n} us")),
}


class Dump:
    """Writes bytes with what they are beside them, eight to a line."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0
        self.lines: list[str] = []

    def take(self, size: int, words: str) -> int:
        """Write the next `size` bytes and return them as a number."""
        run = self.data[self.place : self.place + size]
        number = int.from_bytes(run, "big")
        for start in range(0, size, 8):
            note = words.format(n=number) if start == 0 else ""
            line = f"{self.place + start:04x}  {run[start : start + 8].hex(' '):<23}  {note}"
            self.lines.append(line.rstrip())
        self.place += size
        return number

    def parts(self, parts: Iterable[tuple[int, str]]) -> None:
        for size, words in parts:
            self.take(size, words)

    def field(self, kinds: type[IntEnum]) -> int:
        """Write the next field up to its value's end, but for what is nested; return that end."""
        kind = kinds(self.data[self.place]).name
        self.take(1, f"type {{n}}, {kind}")
        end = self.take(2, "length {n}") + self.place
        self.parts(FIELD_PARTS[kind])
        return end


def dump(datagram: bytes) -> str:
    """The datagram of EXAMPLE with each part named."""
    out = Dump(datagram)
    out.parts(HEADER_PARTS)
    length = int.from_bytes(datagram[6:8], "big")
    while out.place < length:
        end = out.field(advert.AdvertField)
        while out.place < end:
            out.field(messages.EntryField)
    out.take(32, "HMAC-SHA256")
    return "\n".join(out.lines)


def dump_in_document() -> str:
    block = re.search(r"```hexdump\n(.*?)\n?```", DOCUMENT, re.DOTALL)
    assert block
    return block[1]


def rows(heading: str, first_column: str) -> Iterator[list[str]]:
    """The cells of the first table under `heading` whose first column is called `first_column`."""
    section = DOCUMENT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = section.split(f"\n| {first_column} |")[1].split("\n\n")[0]
    for line in table.splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def test_the_dump_is_what_the_code_sends() -> None:
    assert dump_in_document() == dump(seal(advert.encode(EXAMPLE), KEYRING))


def test_the_dump_is_read_back_as_the_example() -> None:
    columns = (line[6:29] for line in dump_in_document().splitlines())
    assert read(bytes.fromhex(" ".join(columns)), KEYRING) == EXAMPLE


@pytest.mark.parametrize(
    ("heading", "size"), [("Header", header.HEADER_SIZE), ("Entry of a group", entry.FIXED_SIZE)]
)
def test_offsets_follow_from_sizes_up_to_the_end(heading: str, size: int) -> None:
    end = 0
    for offset, width, _content in rows(heading, "offset"):
        assert int(offset) == end
        end += int(width)
    assert end == size


def test_field_types_are_those_of_the_code() -> None:
    in_header = {int(row[0]): row[1] for row in rows("Fields", "type")}
    assert in_header == {int(kind): kind.name for kind in advert.AdvertField}
    in_entry = {int(row[0]): row[1] for row in rows("Entry of a group", "type")}
    assert in_entry == {int(kind): kind.name for kind in messages.EntryField}


def test_role_codes_are_those_of_the_code() -> None:
    documented = {row[1]: int(row[0]) for row in rows("Entry of a group", "code")}
    assert documented == {role.value: code for role, code in entry.ROLE_CODES.items()}


def test_limits_are_those_of_the_code() -> None:
    assert [int(row[1]) for row in rows("Limits", "what")] == [
        header.MAX_BODY,
        advert.MAX_NAME,
        advert.MAX_MACS,
        advert.MAX_HEARD,
        entry.MAX_ADDRESSES,
        entry.MAX_MESSAGES,
        fields.MAX_COUNTER,
    ]


def test_every_reason_is_explained_and_no_other() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert set(documented) == ADVERT_REASONS | FRAME_REASONS


def test_the_version_is_that_of_the_code() -> None:
    assert f"version, {header.VERSION}" in DOCUMENT
