"""Whatever somebody calls a configuration gives Settings or one ConfigError, soon."""

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from vipservice.config.addresses import unfit_for_a_host
from vipservice.config.durations import parse_duration, show_duration
from vipservice.config.load import loads
from vipservice.config.problems import ConfigError
from vipservice.config.resolve import resolve
from vipservice.config.sections import SECTIONS
from vipservice.config.seen import SeenInterface
from vipservice.config.settings import Settings
from vipservice.config.show import show

SOURCE = Path("vipservice.yml")
KEY_NAMES = sorted({key.name for section in SECTIONS for key in section.keys} | {s.name for s in SECTIONS})
WORDS = [
    "true",
    "no",
    "off",
    "on",
    "010",
    "0",
    "1",
    "100",
    "255",
    "-1",
    "1e3",
    "1:30",
    "5",
    "2ms",
    "100ms",
    "3s",
    "60s",
    "1h",
    "never",
    "immediate",
    "hold",
    "release",
    "fast",
    "10.0.0.234",
    "10.0.0.2",
    "fd00::1",
    "224.0.0.254",
    "255.255.255.0",
    "255.0.255.0",
    "/24",
    "eth0",
    "lo",
    ":10234",
    "'[::]:1'",
    "null",
    "~",
    "''",
    "x",
]


def mapping_text(mapping: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in mapping.items()) + "}"


values = st.recursive(
    st.sampled_from(WORDS) | st.text(max_size=8).map(repr),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]")
        | st.dictionaries(st.sampled_from(KEY_NAMES), inner, max_size=4).map(mapping_text)
    ),
    max_leaves=12,
)


def tried(content: str | bytes) -> Settings | None:
    """Settings, or None after an error that says something and where."""
    try:
        return loads(content, SOURCE)
    except ConfigError as refused:
        check_sentences(refused)
        return None


def check_sentences(refused: ConfigError) -> None:
    assert refused.problems
    assert all(problem.found for problem in refused.problems)
    for sentence in refused.sentences():
        assert "\n" not in sentence
        assert sentence.startswith("vipservice.yml")
        assert len(sentence) < 1000


@given(st.binary(max_size=400))
def test_any_bytes_give_settings_or_a_config_error(content: bytes) -> None:
    tried(content)


@given(st.text(max_size=400))
def test_any_text_gives_settings_or_a_config_error(content: str) -> None:
    tried(content)


@given(st.text(alphabet="[]{}:,-?!&*|>'\"%@`#~ \n\tab\\0", max_size=200))
def test_anything_that_looks_like_yaml_gives_settings_or_a_config_error(content: str) -> None:
    tried(content)


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.sampled_from([section.name for section in SECTIONS]), values), max_size=4),
)
def test_known_keys_with_any_values_give_settings_or_a_config_error(
    entries: Sequence[tuple[str, str]],
) -> None:
    tried("\n".join(f"{name}: {value}" for name, value in entries))


group_keys = st.dictionaries(
    st.sampled_from([key.name for key in SECTIONS[0].keys]), st.sampled_from(WORDS), max_size=8
)
addresses = st.builds(
    lambda number, prefix: IPv4Interface((number, prefix)), st.integers(0, 2**32 - 1), st.integers(0, 32)
)
interfaces = st.lists(
    st.builds(
        SeenInterface,
        st.sampled_from(["eth0", "eth1", "lo"]),
        st.booleans(),
        st.booleans(),
        st.lists(addresses | st.just(IPv4Interface("10.0.0.2/24")), max_size=3).map(tuple),
    ),
    max_size=3,
    unique_by=lambda seen: seen.name,
)


@settings(max_examples=300)
@given(group_keys, interfaces)
def test_what_is_resolved_can_float(keys: dict[str, str], seen: list[SeenInterface]) -> None:
    read = tried("floating_ip: " + mapping_text({**keys, "enabled": "true"}))
    if read is None:
        return
    with suppress(ConfigError):
        for group in resolve(read, seen):
            interface = next(candidate for candidate in seen if candidate.name == group.interface)
            assert not interface.loopback
            own = {address.ip for candidate in seen for address in candidate.addresses}
            for address in group.core.addresses:
                assert isinstance(address, IPv4Address)
                assert not unfit_for_a_host(address)
            assert not own & set(group.core.addresses)
            assert group.prefix_length == 32 or any(
                a.network.prefixlen == group.prefix_length for a in interface.addresses
            )
            assert show(read, [group])


@given(st.integers(1, 10**9))
def test_a_duration_survives_being_shown(microseconds: int) -> None:
    seconds = float(Decimal(microseconds) / 1_000_000)
    assert parse_duration(show_duration(seconds)) == seconds
