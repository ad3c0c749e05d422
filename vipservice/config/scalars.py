"""Readers of single values: booleans, numbers, words, durations, names and paths."""

import re
from collections.abc import Mapping as Table
from pathlib import Path

from vipservice.config.durations import DurationError, parse_duration
from vipservice.config.nodes import Node, Scalar, refused
from vipservice.config.schema import Reader, T, nearest

MAX_NAME_BYTES = 63
MAX_INTERFACE_BYTES = 15
"""IFNAMSIZ less its terminator."""

MAX_PATH_BYTES = 4095
MAX_SOCKET_PATH_BYTES = 103
"""What macOS allows; Linux has four more (sun_path)."""

TRUE_WORDS = frozenset({"true", "yes", "on"})
FALSE_WORDS = frozenset({"false", "no", "off"})

_INTEGER = re.compile(r"-?[0-9]{1,18}")


def text_of(node: Node) -> str:
    """The text of a scalar.

    Raises:
        RefusedError: It is something else, or nothing.
    """
    if not isinstance(node, Scalar) or node.is_null:
        raise refused(node)
    return node.text


def read_bool(node: Node) -> bool:
    """A yes or no in any of YAML's spellings, except the single letters."""
    word = text_of(node).lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise refused(node)


def whole_number(least: int, most: int) -> Reader[int]:
    """Make a reader of decimal numbers; octal, hexadecimal and sexagesimal ones are refused."""

    def read(node: Node) -> int:
        text = text_of(node)
        if not _INTEGER.fullmatch(text):
            raise refused(node, ", which is not a whole number")
        digits = text.lstrip("-")
        if digits != "0" and digits.startswith("0"):
            raise refused(node, ", which begins with a zero, octal to some readers and decimal to others")
        number = int(text)
        if number < least:
            raise refused(node, ", which is too small")
        if number > most:
            raise refused(node, ", which is too large")
        return number

    return read


def word_of(words: Table[str, T]) -> Reader[T]:
    """Make a reader of one of a few words."""

    def read(node: Node) -> T:
        word = text_of(node).lower()
        if word in words:
            return words[word]
        near = nearest(word, list(words))
        raise refused(node, hint=f"did you mean {near!r}?" if near else "")

    return read


def duration(least: float, most: float) -> Reader[float]:
    """Make a reader of durations, in seconds."""

    def read(node: Node) -> float:
        return seconds_of(node, text_of(node), least, most)

    return read


def seconds_of(node: Node, text: str, least: float, most: float) -> float:
    """Read `text`, which is `node` or a part of it, as a duration within bounds.

    Raises:
        RefusedError: It is none.
    """
    try:
        seconds = parse_duration(text)
    except DurationError as error:
        raise refused(node, f", {error}") from error
    if seconds < least:
        raise refused(node, ", which is too short")
    if seconds > most:
        raise refused(node, ", which is too long")
    return seconds


def off_or(off: T, read: Reader[T]) -> Reader[T]:
    """Make a reader that takes `off` (or no, or false) for the value `off`."""

    def read_either(node: Node) -> T:
        if isinstance(node, Scalar) and node.text.lower() in FALSE_WORDS:
            return off
        return read(node)

    return read_either


def whole_seconds(least: int, most: int) -> Reader[int]:
    """Make a reader of durations in the kernel's unit for address lifetimes."""

    def read(node: Node) -> int:
        seconds = duration(0, float("inf"))(node)
        if seconds != int(seconds):
            raise refused(node, ", which is not a whole number of seconds, the kernel's unit for lifetimes")
        return int(duration(least, most)(node))

    return read


def read_name(node: Node) -> str:
    """A name for people and metrics: short, printable, no blanks at its ends."""
    name = text_of(node)
    if not name:
        raise refused(node, ", which is empty")
    if not name.isprintable() or name != name.strip():
        raise refused(node, ", which has unprintable characters or blanks at an end")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise refused(node, f", which has {len(name.encode())} bytes")
    return name


def read_interface(node: Node) -> str:
    """An interface's name as the kernel allows it."""
    name = text_of(node)
    if name in {"", ".", ".."} or not name.isprintable() or set(name) & set("/: "):
        raise refused(node, ", which cannot be an interface's name")
    if len(name.encode()) > MAX_INTERFACE_BYTES:
        raise refused(node, f", which is longer than the {MAX_INTERFACE_BYTES} bytes of an interface's name")
    return name


def read_path(node: Node) -> Path:
    """A path as written."""
    text = text_of(node)
    if not text or not text.isprintable():
        raise refused(node, ", which is not a path")
    if len(text.encode()) > MAX_PATH_BYTES:
        raise refused(node, f", which is longer than {MAX_PATH_BYTES} bytes")
    return Path(text)


def read_absolute_path(node: Node) -> Path:
    """A path that means the same wherever the daemon was started."""
    path = read_path(node)
    if not path.is_absolute():
        raise refused(node, ", which is not an absolute path")
    return path


def read_socket_path(node: Node) -> Path:
    """A path that fits into a Unix socket's address."""
    path = read_absolute_path(node)
    if len(bytes(path)) > MAX_SOCKET_PATH_BYTES:
        raise refused(node, f", which is longer than the {MAX_SOCKET_PATH_BYTES} bytes of a socket's path")
    return path
