import os
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from vipservice.config.keys import find_key, read_key, read_keys
from vipservice.config.load import load
from vipservice.config.problems import ConfigError

SECRET = bytes(range(32))
KEYGEN = "write one with 'vipservice keygen'"

WriteKey = Callable[..., Path]


@pytest.fixture
def write_key(tmp_path: Path) -> WriteKey:
    def write_key(content: bytes, mode: int = 0o640, name: str = "advert.key") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        path.chmod(mode)
        return path

    return write_key


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read_key(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (SECRET.hex().encode() + b"\n", SECRET),
        (SECRET.hex().upper().encode() + b"\r\n", SECRET),
        (b"correct horse battery staple, and then some\n", b"correct horse battery staple, and then some"),
    ],
)
def test_a_key_is_hexadecimal_or_what_stands_there(write_key: WriteKey, content: bytes, key: bytes) -> None:
    assert read_key(write_key(content)) == key


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o600, 0o640])
def test_owner_and_group_may_read_a_key(write_key: WriteKey, mode: int) -> None:
    assert read_key(write_key(SECRET.hex().encode(), mode)) == SECRET


@pytest.mark.parametrize(
    ("mode", "why"),
    [
        (0o644, "is open to everybody (mode 0644)"),
        (0o604, "is open to everybody (mode 0604)"),
        (0o641, "is open to everybody (mode 0641)"),
        (0o602, "is open to everybody (mode 0602)"),
        (0o660, "can be written by its group (mode 0660)"),
    ],
)
def test_a_key_that_others_can_reach_is_refused(write_key: WriteKey, mode: int, why: str) -> None:
    path = write_key(SECRET.hex().encode(), mode)
    assert refusal(path) == f"{path}: {why}; chmod 0640 {path}"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", f"has a key of 0 bytes, and 32 are needed; {KEYGEN}"),
        (b"\n", f"has a key of 0 bytes, and 32 are needed; {KEYGEN}"),
        (b"ab" * 31, f"has a key of 31 bytes, and 32 are needed; {KEYGEN}"),
        (b"changeme", f"has a key of 8 bytes, and 32 are needed; {KEYGEN}"),
        (b"0" * 64, f"has a key that is not random; {KEYGEN}"),
        (b"xy" * 32, f"has a key that is not random; {KEYGEN}"),
        (SECRET.hex().encode() + b"a", "has an odd number of hexadecimal digits; copy the whole line"),
        (b"x" * 4097, f"is larger than 4096 bytes; {KEYGEN}"),
    ],
)
def test_a_bad_key_says_why(write_key: WriteKey, content: bytes, why: str) -> None:
    path = write_key(content)
    assert refusal(path) == f"{path}: {why}"


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    assert refusal(fifo) == f"{fifo}: is not a file; {KEYGEN}"
    assert refusal(tmp_path) == f"{tmp_path}: is not a file; {KEYGEN}"
    missing = tmp_path / "missing"
    assert refusal(missing) == f"{missing}: cannot be read: No such file or directory; {KEYGEN}"


def test_no_error_repeats_the_secret(write_key: WriteKey) -> None:
    secret = secrets.token_hex(20)
    assert secret[:8] not in refusal(write_key(secret.encode()))


def test_a_relative_name_is_a_credential_or_lies_beside_the_configuration() -> None:
    beside = Path("/etc/vipservice")
    assert find_key(Path("k"), beside, {}) == Path("/etc/vipservice/k")
    assert find_key(Path("k"), beside, {"CREDENTIALS_DIRECTORY": "/run/c"}) == Path("/run/c/k")
    assert find_key(Path("/k"), beside, {"CREDENTIALS_DIRECTORY": "/run/c"}) == Path("/k")


def test_all_keys_of_a_configuration_are_read_in_its_order(tmp_path: Path, write_key: WriteKey) -> None:
    write_key(SECRET.hex().encode(), name="a")
    write_key(SECRET[::-1].hex().encode(), name="b")
    config = tmp_path / "vipservice.yml"
    config.write_text("adverts: {keys: [{id: 2, file: b}, {id: 1, file: a}]}")
    assert read_keys(load(config), {}) == ((2, SECRET[::-1]), (1, SECRET))


def test_every_bad_key_is_reported_at_its_line(tmp_path: Path, write_key: WriteKey) -> None:
    a, b = write_key(b"", name="a"), tmp_path / "b"
    config = tmp_path / "vipservice.yml"
    config.write_text("adverts:\n  keys:\n    - {id: 2, file: b}\n    - {id: 1, file: a}\n")
    with pytest.raises(ConfigError) as caught:
        read_keys(load(config), {})
    assert str(caught.value) == (
        f"{config}:3: adverts.keys[0].file: {b} cannot be read: No such file or directory; {KEYGEN}\n"
        f"{config}:4: adverts.keys[1].file: {a} has a key of 0 bytes, and 32 are needed; {KEYGEN}"
    )
