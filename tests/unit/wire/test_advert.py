"""What an advert's bytes mean, and which bytes are refused as what."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from itertools import chain
from struct import pack

import pytest

from vipservice.core.messages import Advert, Capability, Entry, PeerHeard, Question
from vipservice.core.roles import Role
from vipservice.core.values import GroupId, Mac, NodeId
from vipservice.wire.advert import decode, encode, fit_entries
from vipservice.wire.entry import ROLE_CODES
from vipservice.wire.errors import ADVERT_REASONS, FRAME_REASONS, REASONS, DecodeError
from vipservice.wire.signing import Keyring, seal

MakeBody = Callable[..., bytes]

NAME = (1, b"a")
ADDRESS = (2, bytes([192, 0, 2, 10]))
MACS = (3, b"\x02\0\0\0\0\x0a")
NEEDED = (NAME, ADDRESS, MACS)


def fixed_part(
    *,
    group: int = 1,
    role: int = 4,
    priority: int = 100,
    flags: int = 0,
    term: int = 7,
    interval: int = 100_000,
) -> bytes:
    return pack(">BBBBQII", group, role, priority, flags, term, interval, 2500) + b"8 bytes."


def field(kind: int, value: bytes) -> bytes:
    return pack(">BH", kind, len(value)) + value


def reason_for(body: bytes) -> str:
    with pytest.raises(DecodeError) as refusal:
        decode(body)
    return refusal.value.reason


def test_everything_an_advert_can_say_survives_the_wire(advert: Advert) -> None:
    assert decode(encode(advert)) == advert


def test_an_advert_with_nothing_optional_is_read(make_body: MakeBody) -> None:
    read = decode(make_body(*NEEDED))
    assert read.name == "a"
    assert read.incarnation == 9
    assert read.sequence == 1
    assert read.address == IPv4Address("192.0.2.10")
    assert read.macs == (Mac(b"\x02\0\0\0\0\x0a"),)
    assert (read.capabilities, read.heard, read.entries) == (Capability.NONE, (), ())


def test_a_sender_may_have_an_ipv6_address(advert: Advert) -> None:
    moved = replace(advert, address=IPv6Address("fe80::1"))
    assert decode(encode(moved)).address == IPv6Address("fe80::1")


def test_the_order_of_fields_does_not_matter(make_body: MakeBody) -> None:
    assert decode(make_body(MACS, NAME, ADDRESS)) == decode(make_body(*NEEDED))


def test_fields_of_a_later_version_are_skipped_wherever_they_stand(make_body: MakeBody) -> None:
    entry = fixed_part() + field(99, b"later") + field(1, bytes([192, 0, 2, 234])) + field(100, b"")
    read = decode(make_body((200, b"?"), *NEEDED, (6, entry), (255, b""), flags=0xFF))
    plain = decode(make_body(*NEEDED, (6, fixed_part() + field(1, bytes([192, 0, 2, 234])))))
    assert read == plain


def test_unknown_capabilities_and_flags_are_ignored(make_body: MakeBody) -> None:
    read = decode(make_body(*NEEDED, (4, b"\xff\xff\xff\xff"), (6, fixed_part(flags=0xFE))))
    assert read.capabilities == Capability.KERNEL_LEASE
    assert read.entries[0].fit is False


def test_padding_after_the_stated_length_is_no_part_of_the_advert(make_body: MakeBody) -> None:
    assert decode(make_body(*NEEDED, padding=bytes(46))) == decode(make_body(*NEEDED))


@pytest.mark.parametrize("role", list(Role))
def test_every_role_has_a_code(advert: Advert, role: Role) -> None:
    entry = replace(advert.entries[0], role=role)
    assert decode(encode(replace(advert, entries=(entry,)))).entries[0].role is role


def test_role_codes_are_those_of_the_document() -> None:
    assert [ROLE_CODES[role] for role in Role] == [1, 2, 3, 4, 5]


class TestDurations:
    def test_are_rounded_up_so_that_nothing_looks_fresher_than_it_is(self, advert: Advert) -> None:
        heard = (PeerHeard(NodeId(b"\xbb" * 16), 1, 0.0601),)
        entry = replace(advert.entries[0], lease_left=2.5001, interval=0.0000011)
        read = decode(encode(replace(advert, heard=heard, entries=(entry,))))
        assert read.heard[0].age == 0.061
        assert read.entries[0].lease_left == 2.501
        assert read.entries[0].interval == 0.000002

    def test_longer_than_the_field_are_sent_as_the_longest(self, advert: Advert) -> None:
        heard = (PeerHeard(NodeId(b"\xbb" * 16), 1, 1e9), PeerHeard(NodeId(b"\xbc" * 16), 1, float("inf")))
        read = decode(encode(replace(advert, heard=heard)))
        assert [peer.age for peer in read.heard] == [4294967.295, 4294967.295]

    def test_below_zero_are_sent_as_zero(self, advert: Advert) -> None:
        entry = replace(advert.entries[0], lease_left=-0.2)
        assert decode(encode(replace(advert, entries=(entry,)))).entries[0].lease_left == 0.0


class TestRefusals:
    def test_reasons_are_a_closed_set_of_labels(self) -> None:
        assert REASONS == ADVERT_REASONS | FRAME_REASONS
        assert not ADVERT_REASONS & FRAME_REASONS
        assert all(reason.replace("_", "").isalpha() and reason.islower() for reason in REASONS)

    def test_reason_and_detail_are_both_in_the_text(self) -> None:
        assert str(DecodeError("missing", "no name")) == "missing: no name"

    @pytest.mark.parametrize("size", [0, 1, 43])
    def test_short_header(self, make_body: MakeBody, size: int) -> None:
        assert reason_for(make_body(*NEEDED)[:size]) == "short"

    def test_short_of_its_stated_length(self, make_body: MakeBody) -> None:
        assert reason_for(make_body(*NEEDED)[:-1]) == "short"

    def test_another_protocol(self, make_body: MakeBody) -> None:
        assert reason_for(make_body(*NEEDED, magic=b"VRRP")) == "not_advert"

    @pytest.mark.parametrize("version", [0, 2, 255])
    def test_another_version(self, make_body: MakeBody, version: int) -> None:
        assert reason_for(make_body(*NEEDED, version=version)) == "version"

    @pytest.mark.parametrize("length", [0, 43, 8193, 65535])
    def test_impossible_length(self, make_body: MakeBody, length: int) -> None:
        assert reason_for(make_body(*NEEDED, length=length, padding=bytes(66_000))) == "length"

    def test_the_greatest_length_is_read(self, make_body: MakeBody) -> None:
        used = len(make_body(*NEEDED))
        assert len(make_body(*NEEDED, (99, bytes(8192 - used - 3)))) == 8192
        assert decode(make_body(*NEEDED, (99, bytes(8192 - used - 3)))).name == "a"

    @pytest.mark.parametrize(
        "extra",
        [
            pytest.param((1, b"b"), id="name"),
            pytest.param((2, bytes(4)), id="address"),
            pytest.param((3, bytes(6)), id="macs"),
            pytest.param((6, fixed_part()), id="group"),
        ],
    )
    def test_what_may_come_once_comes_again(self, make_body: MakeBody, extra: tuple[int, bytes]) -> None:
        assert reason_for(make_body(*NEEDED, (6, fixed_part()), extra)) == "duplicate"

    @pytest.mark.parametrize(("kind", "value"), [(4, bytes(4)), (5, bytes(28))])
    def test_optional_fields_may_come_once_too(self, make_body: MakeBody, kind: int, value: bytes) -> None:
        assert decode(make_body(*NEEDED, (kind, value))).name == "a"
        assert reason_for(make_body(*NEEDED, (kind, value), (kind, value))) == "duplicate"

    @pytest.mark.parametrize("left_out", NEEDED)
    def test_what_must_be_there_is_not(self, make_body: MakeBody, left_out: tuple[int, bytes]) -> None:
        assert reason_for(make_body(*(pair for pair in NEEDED if pair != left_out))) == "missing"

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            pytest.param(4, bytes(3), id="capabilities of 3 bytes"),
            pytest.param(4, bytes(5), id="capabilities of 5 bytes"),
            pytest.param(5, b"", id="nobody heard, and a field to say so"),
            pytest.param(5, bytes(27), id="27 bytes of peers"),
            pytest.param(6, fixed_part()[:-1], id="an entry of 27 bytes"),
            pytest.param(6, fixed_part() + field(1, b""), id="no IPv4 address"),
            pytest.param(6, fixed_part() + field(1, bytes(5)), id="5 bytes of IPv4 addresses"),
            pytest.param(6, fixed_part() + field(2, bytes(17)), id="17 bytes of IPv6 addresses"),
            pytest.param(6, fixed_part() + b"\x01", id="one byte of a field"),
            pytest.param(6, fixed_part() + b"\x01\x00\x05" + bytes(4), id="field beyond its entry"),
            pytest.param(6, fixed_part() + field(16, b"?"), id="request with a value"),
            pytest.param(6, fixed_part() + field(17, bytes(19)), id="offer of 19 bytes"),
            pytest.param(6, fixed_part() + field(18, bytes(25)), id="ready of 25 bytes"),
            pytest.param(6, fixed_part() + field(19, bytes(17)), id="resign of 17 bytes"),
            pytest.param(6, fixed_part() + field(20, b"?"), id="question with a value"),
            pytest.param(6, fixed_part() + field(21, bytes(44)), id="hearsay of 44 bytes"),
        ],
    )
    def test_a_known_field_of_impossible_size(self, make_body: MakeBody, kind: int, value: bytes) -> None:
        assert reason_for(make_body(*NEEDED, (kind, value))) == "bad_field"

    @pytest.mark.parametrize(
        "pair",
        [(1, b""), (1, b"x" * 64), (2, b""), (2, bytes(5)), (3, b""), (3, bytes(7))],
        ids=["no name", "a name of 64", "no address", "an address of 5", "no MAC", "a MAC of 7"],
    )
    def test_a_needed_field_of_impossible_size(self, make_body: MakeBody, pair: tuple[int, bytes]) -> None:
        others = (needed for needed in NEEDED if needed[0] != pair[0])
        assert reason_for(make_body(pair, *others)) == "bad_field"

    def test_a_field_that_overruns_the_advert(self, make_body: MakeBody) -> None:
        whole = make_body(*NEEDED)
        longer = whole[:6] + pack(">H", len(whole) + 2) + whole[8:] + b"\x01\x00"
        assert reason_for(longer) == "bad_field"
        overrun = whole[:6] + pack(">H", len(whole) + 4) + whole[8:] + b"\x63\x00\x02x" + bytes(20)
        assert reason_for(overrun) == "bad_field"

    @pytest.mark.parametrize(
        "entry",
        [
            pytest.param(fixed_part(group=0), id="group 0"),
            pytest.param(fixed_part(role=0), id="role 0"),
            pytest.param(fixed_part(role=6), id="role 6"),
            pytest.param(fixed_part(priority=0), id="priority 0"),
            pytest.param(fixed_part(priority=255), id="priority 255"),
            pytest.param(fixed_part(interval=0), id="interval 0"),
            pytest.param(fixed_part(term=2**63), id="a term beyond counting"),
            pytest.param(fixed_part() + field(19, pack(">QQ", 2**63, 1)), id="resign: term"),
            pytest.param(
                fixed_part() + field(21, bytes(16) + pack(">QIQBII", 2**63, 1, 1, 1, 1, 1)),
                id="hearsay: incarnation",
            ),
            pytest.param(
                fixed_part() + field(21, bytes(16) + pack(">QIQBII", 1, 1, 2**63, 1, 1, 1)),
                id="hearsay: term",
            ),
            pytest.param(
                fixed_part() + field(21, bytes(16) + pack(">QIQBII", 1, 1, 1, 255, 1, 1)),
                id="hearsay: priority",
            ),
            pytest.param(
                fixed_part() + field(21, bytes(16) + pack(">QIQBII", 1, 1, 1, 1, 0, 1)),
                id="hearsay: interval",
            ),
        ],
    )
    def test_values_out_of_range_in_an_entry(self, make_body: MakeBody, entry: bytes) -> None:
        assert reason_for(make_body(*NEEDED, (6, entry))) == "bad_value"

    def test_incarnations_that_nobody_could_count_beyond(self, make_body: MakeBody) -> None:
        assert reason_for(make_body(*NEEDED, incarnation=2**63)) == "bad_value"
        assert reason_for(make_body(*NEEDED, (5, bytes(16) + pack(">QI", 2**63, 0)))) == "bad_value"
        assert decode(make_body(*NEEDED, incarnation=2**63 - 1)).incarnation == 2**63 - 1

    @pytest.mark.parametrize("name", [b"\xff", b"a\nb", b"\x1b[31m", b"\0", "a\u202eb".encode()])
    def test_names_that_would_write_all_over_a_log(self, make_body: MakeBody, name: bytes) -> None:
        assert reason_for(make_body((1, name), ADDRESS, MACS)) == "bad_value"

    @pytest.mark.parametrize(
        "pair",
        [
            pytest.param((5, bytes(28) * 256), id="peers heard"),
            pytest.param((6, fixed_part() + field(1, bytes(4 * 256))), id="addresses in one field"),
            pytest.param(
                (6, fixed_part() + field(1, bytes(4 * 255)) + field(1, bytes(4))), id="addresses in all"
            ),
            pytest.param((6, fixed_part() + field(20, b"") * 17), id="messages"),
        ],
    )
    def test_more_than_allowed(self, make_body: MakeBody, pair: tuple[int, bytes]) -> None:
        assert reason_for(make_body(*NEEDED, pair)) == "too_many"

    def test_more_macs_than_allowed(self, make_body: MakeBody) -> None:
        assert len(decode(make_body(NAME, ADDRESS, (3, bytes(6) * 16))).macs) == 16
        assert reason_for(make_body(NAME, ADDRESS, (3, bytes(6) * 17))) == "too_many"


class TestOurOwnMistakes:
    @pytest.mark.parametrize("name", ["", "x" * 64, "a\nb", "ä" * 32])
    def test_a_name_that_nobody_would_read_is_not_sent(self, advert: Advert, name: str) -> None:
        with pytest.raises(ValueError, match="a node's name has 1 to 63 bytes"):
            encode(replace(advert, name=name))

    def test_ids_of_another_size_are_not_padded_or_cut(self, advert: Advert) -> None:
        with pytest.raises(ValueError, match="a node id has 16 bytes"):
            encode(replace(advert, node=NodeId(b"short")))
        with pytest.raises(ValueError, match="a digest has 8 bytes"):
            encode(replace(advert, entries=(replace(advert.entries[0], digest=b"nine byte"),)))
        with pytest.raises(ValueError, match="MACs of 6 bytes"):
            encode(replace(advert, macs=(Mac(b"12345"),)))

    def test_more_than_a_receiver_takes_is_not_sent(self, advert: Advert) -> None:
        entry = advert.entries[0]
        too_many_addresses = replace(entry, addresses=(IPv4Address(1),) * 256)
        too_many_messages = replace(entry, messages=(Question(),) * 17)
        for wrong in (
            replace(advert, macs=()),
            replace(advert, macs=(Mac(bytes(6)),) * 17),
            replace(advert, heard=(advert.heard[0],) * 256),
            replace(advert, entries=(too_many_addresses,)),
            replace(advert, entries=(too_many_messages,)),
            replace(advert, entries=(entry,) * 40),
        ):
            with pytest.raises(ValueError, match=r"more|at most|carries|longer"):
                encode(wrong)


def many_groups(advert: Advert, count: int) -> Advert:
    first = Entry(
        GroupId(1), Role.ACTIVE, 100, 7, 0.1, 2.5, b"8 bytes.", (IPv4Address("192.0.2.1"),), fit=True
    )
    return replace(
        advert, entries=tuple(replace(first, group=GroupId(number)) for number in range(1, count + 1))
    )


class TestFittingEntries:
    def test_two_hundred_groups_go_into_a_few_datagrams(self, advert: Advert, keyring: Keyring) -> None:
        whole = many_groups(advert, 200)
        shares = fit_entries(whole)
        datagrams = [seal(encode(replace(whole, entries=share)), keyring) for share in shares]
        assert len(shares) == 7
        assert max(map(len, datagrams)) <= 1400
        assert tuple(chain.from_iterable(shares)) == whole.entries

    def test_the_limit_is_used_to_the_last_byte(self, advert: Advert, keyring: Keyring) -> None:
        whole = many_groups(advert, 12)
        size = len(seal(encode(whole), keyring))
        assert fit_entries(whole, size) == [whole.entries]
        assert fit_entries(whole, size - 1) == [whole.entries[:11], whole.entries[11:]]

    def test_a_node_without_groups_still_has_one_advert_to_send(self, advert: Advert) -> None:
        assert fit_entries(replace(advert, entries=())) == [()]

    def test_an_entry_greater_than_the_limit_goes_alone(self, advert: Advert) -> None:
        small, _, last = many_groups(advert, 3).entries
        big = replace(small, group=GroupId(2), addresses=(IPv6Address(1),) * 100)
        assert fit_entries(replace(advert, entries=(small, big, last))) == [(small,), (big,), (last,)]
