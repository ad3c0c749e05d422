from pathlib import Path
from time import perf_counter

import pytest
import yaml

from vipservice.config import yaml_reader
from vipservice.config.nodes import Listing, Mapping, Scalar
from vipservice.config.problems import ConfigError
from vipservice.config.yaml_reader import MAX_BYTES, read_file, read_yaml

SOURCE = Path("vipservice.yml")
STANDARD = "tag:yaml.org,2002:"
REMOVE = "; remove the tag; a key knows its type"


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs with libyaml and with the parser in Python."""
    monkeypatch.setattr(yaml_reader, "LOADER", getattr(yaml, request.param))


def complaints(content: bytes) -> list[str]:
    """What is wrong, whether or not it stopped the reading."""
    try:
        document = read_yaml(content, SOURCE)
    except ConfigError as error:
        return [sentence.removeprefix("vipservice.yml") for sentence in error.sentences()]
    return [problem.sentence(SOURCE).removeprefix("vipservice.yml") for problem in document.problems]


@pytest.mark.parametrize(
    "text", ["no", "010", "0x1f", "1:30", "1e3", "2026-11-22", "1_000", ".inf", "true", "=", "<<"]
)
def test_a_value_stays_the_text_that_was_written(text: str) -> None:
    root = read_yaml(f"key: {text}\n".encode(), SOURCE).root
    assert root.entries[0].value == Scalar(1, text)


@pytest.mark.parametrize("text", ["no", "10", "~", "2026-11-22"])
def test_a_key_stays_the_text_that_was_written(text: str) -> None:
    assert read_yaml(f"{text}: 1\n".encode(), SOURCE).root.entries[0].key == text


def test_nodes_know_their_lines() -> None:
    root = read_yaml(b"# comment\na:\n  - x\n  - b: y\n\nc: 'z'\n", SOURCE).root
    assert [(entry.key, entry.line) for entry in root.entries] == [("a", 2), ("c", 6)]
    listing = root.entries[0].value
    assert isinstance(listing, Listing)
    assert listing.items[0] == Scalar(3, "x")
    assert isinstance(listing.items[1], Mapping)
    assert listing.items[1].entries[0].line == 4
    assert root.entries[1].value == Scalar(6, "z", plain=False)


def test_a_missing_value_is_on_the_line_of_its_key() -> None:
    root = read_yaml(b"a:\n\n\nb: 1\n", SOURCE).root
    assert root.entries[0].value == Scalar(1, "")


def test_quoted_null_is_a_text_and_plain_null_is_nothing() -> None:
    quoted, plain = (entry.value for entry in read_yaml(b"a: 'null'\nb: null\n", SOURCE).root.entries)
    assert isinstance(quoted, Scalar)
    assert isinstance(plain, Scalar)
    assert not quoted.is_null
    assert plain.is_null


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    root = read_yaml(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", SOURCE).root
    assert [(entry.key, entry.line, entry.value) for entry in root.entries] == [
        ("a", 1, Scalar(1, "1")),
        ("b", 2, Scalar(2, "2")),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ": is empty; begin with 'floating_ip:' and 'enabled: true' below it"),
        (b"# nothing\n", ": is empty; begin with 'floating_ip:' and 'enabled: true' below it"),
        (b"---\n", ": is empty; begin with 'floating_ip:' and 'enabled: true' below it"),
        (b"- a\n", ":1: found no mapping at the top; begin with a key such as 'floating_ip:'"),
        (b"word\n", ":1: found no mapping at the top; begin with a key such as 'floating_ip:'"),
        (b"a: 1\n---\nb: 2\n", ":2: found a second document; remove the '---' and what follows it"),
        (b"a: 1\nb: \xff\n", ":2: found the byte 0xff, which is not UTF-8; save the file as UTF-8 text"),
        (b"a: 1\n\x00\n", ":2: found the control character U+0000; save the file as plain text"),
        (b"\x7fELF\x02\x01", ":1: found the control character U+007F; save the file as plain text"),
        (b"\xed\xa0\x80: 1", ":1: found the byte 0xed, which is not UTF-8; save the file as UTF-8 text"),
        (b"a: !!python/name:os.system\n", f":1: found the tag '{STANDARD}python/name:os.system'{REMOVE}"),
        (b"a: !mine 1\n", f":1: found the tag '!mine'{REMOVE}"),
        (b"a: !!int 1\n", f":1: found the tag '{STANDARD}int'{REMOVE}"),
        (b"a: &x 1\n", ":1: found the anchor '&x'; write the value out"),
        (b"a: 1\nb: *x\n", ":2: found the alias '*x'; write the value out"),
        (b"a: 1\n? [b]\n: 1\n", ":2: found a key that is a list or mapping; write a name and a colon"),
        (b"[" * 100, ":1: is nested more than 16 levels deep"),
        (b" " * (MAX_BYTES + 1), ": is larger than 1048576 bytes"),
    ],
)
def test_what_no_configuration_needs_is_refused_with_a_sentence(content: bytes, expected: str) -> None:
    assert complaints(content) == [expected]


@pytest.mark.parametrize(
    "content", [b"a: [1\nb: 2\n", b"a: 'open\n", b"a:\n\t- b\n", b"a: b: c\n", b"}", b"%X\n"]
)
def test_broken_yaml_is_refused_with_a_line_and_a_hint(content: bytes) -> None:
    [sentence] = complaints(content)
    assert sentence.startswith(":")
    assert "is not YAML: " in sentence
    assert sentence.endswith("put quotes around values with : # [ ] { } & * ! in them")


def test_an_escape_beyond_unicode_is_refused() -> None:
    [sentence] = complaints(b'a: "\\UFFFFFFFF"\n')
    assert "is not YAML" in sentence


BOMB = b"a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (level, level, b",".join([b"*a%d" % (level - 1)] * 9)) for level in range(1, 10)
)


@pytest.mark.parametrize(
    "content",
    [
        BOMB,
        b"[" * MAX_BYTES,
        b"{a: " * (MAX_BYTES // 4),
        b"- " * (MAX_BYTES // 2),
        b"".join(b" " * depth + b"a:\n" for depth in range(1400)),
        b"- a\n" * (MAX_BYTES // 4),
        b"".join(b"key%d: 1\n" % number for number in range(80_000)),
    ],
    ids=["bomb", "flow lists", "flow mappings", "block lists", "block mappings", "long list", "many keys"],
)
def test_hostile_files_are_refused_quickly(content: bytes) -> None:
    began = perf_counter()
    assert complaints(content)
    assert perf_counter() - began < 10  # 0.1 s with libyaml, 1 s without, on an idle machine


def test_a_file_is_read_no_further_than_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "large.yml"
    path.write_bytes(b"#" * (2 * MAX_BYTES))
    assert len(read_file(path)) == MAX_BYTES + 1


@pytest.mark.parametrize(
    ("name", "why"), [("missing.yml", "No such file or directory"), (".", "Is a directory")]
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_file(tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name}: cannot be read: {why}"
