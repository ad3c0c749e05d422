"""Reads the secrets that sign adverts, and refuses files that others can read."""

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from vipservice.config.problems import ConfigError, Problem
from vipservice.config.settings import DEFAULT_CONFIG, Settings

MIN_KEY_BYTES = 32
"""HMAC-SHA256 gains nothing from keys shorter than its output (RFC 2104, section 3)."""

MAX_FILE_BYTES = 4096
MIN_DISTINCT_BYTES = 8
"""32 random bytes with fewer do not happen; `0000...` and `changeme...` do."""

CREDENTIALS = "CREDENTIALS_DIRECTORY"
HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")

KEYGEN_HINT = "write one with 'vipservice keygen'"


def read_keys(
    settings: Settings,
    environ: Mapping[str, str] = os.environ,
    credentials: Mapping[str, Path | None] | None = None,
) -> tuple[tuple[int, bytes], ...]:
    """Read every key of the configuration, in its order: the first signs, all verify.

    Args:
        settings: Name the keys' files.
        environ: Says where systemd has put credentials, where it has.
        credentials: For who is not the service: where the service's credentials lie. What only the service
            can read is left out.

    Raises:
        ConfigError: With a problem for every key that can't be used.
    """
    keys: list[tuple[int, bytes]] = []
    problems: list[Problem] = []
    for index, key in enumerate(settings.adverts.keys):
        path = find_key(key.file, settings.source.parent, environ)
        if credentials and not key.file.is_absolute():
            given = credentials.get(str(key.file), path)
            if given is None:
                continue
            path = given
        key_path = f"adverts.keys[{index}].file"
        try:
            keys.append((key.id, read_key(path)))
        except ConfigError as error:
            line = settings.lines.get(key_path, 0)
            problems += (Problem(line, key_path, f"{path} {p.found}", p.hint) for p in error.problems)
    if problems:
        raise ConfigError(settings.source, problems)
    return tuple(keys)


def find_key(
    file: Path, beside: Path = DEFAULT_CONFIG.parent, environ: Mapping[str, str] = os.environ
) -> Path:
    """Where a key lies: a relative name is a systemd credential if there are any, else in `beside`."""
    credentials = environ.get(CREDENTIALS)
    return (Path(credentials) if credentials else beside) / file


def secret_files(settings: Settings, environ: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """What only the daemon needs to read: keys of adverts, all credentials, passwords and the key of TLS."""
    if credentials := environ.get(CREDENTIALS):
        yield Path(credentials)
    for key in settings.adverts.keys:
        yield find_key(key.file, settings.source.parent, environ)
    if settings.metrics.web_config is not None:
        from vipservice.config.web import load_web  # noqa: PLC0415 - only for who has one

        yield settings.metrics.web_config
        with contextlib.suppress(ConfigError):
            tls = load_web(settings.metrics.web_config).tls
            if tls is not None:
                yield tls.key_file


def read_key(path: Path) -> bytes:
    """Read one key: hexadecimal digits are decoded, anything else counts as it stands.

    Blanks and line ends around it are no part of it.

    Raises:
        ConfigError: The file is missing, readable by everybody, or no good key.
    """
    key = _decode(_read_guarded(path).strip(), path)
    if len(key) < MIN_KEY_BYTES:
        raise _unusable(path, f"has a key of {len(key)} bytes, and {MIN_KEY_BYTES} are needed", KEYGEN_HINT)
    if len(set(key)) < MIN_DISTINCT_BYTES:
        raise _unusable(path, "has a key that is not random", KEYGEN_HINT)
    return key


def _decode(content: bytes, path: Path) -> bytes:
    if not content or not HEX_DIGITS.issuperset(content):
        return content
    if len(content) % 2:
        raise _unusable(path, "has an odd number of hexadecimal digits", "copy the whole line")
    return bytes.fromhex(content.decode("ascii"))


def _read_guarded(path: Path) -> bytes:
    """Read a small regular file that only its owner, and its group, may read."""
    try:
        # O_NONBLOCK: a FIFO in the place of the file must not hold up the start.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise _unusable(path, f"cannot be read: {why}", KEYGEN_HINT) from error
    try:
        _check_guarded(path, os.fstat(descriptor).st_mode)
        content = os.read(descriptor, MAX_FILE_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAX_FILE_BYTES:
        raise _unusable(path, f"is larger than {MAX_FILE_BYTES} bytes", KEYGEN_HINT)
    return content


def _check_guarded(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise _unusable(path, "is not a file", KEYGEN_HINT)
    permissions = stat.S_IMODE(mode)
    if permissions & stat.S_IRWXO:
        raise _unusable(path, f"is open to everybody (mode {permissions:04o})", f"chmod 0640 {path}")
    if permissions & stat.S_IWGRP:
        raise _unusable(path, f"can be written by its group (mode {permissions:04o})", f"chmod 0640 {path}")


def _unusable(path: Path, found: str, hint: str) -> ConfigError:
    return ConfigError(path, [Problem(0, "", found, hint)])
