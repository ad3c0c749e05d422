"""Reads YAML into nodes with line numbers, and refuses what a configuration never needs.

PyYAML's parser only splits the text into events; values are read by whoever knows what a key wants. So `no`
stays "no" until somebody asks for a boolean, and `010`, `1:30`, `1e3` and dates never turn into something
else. Aliases, tags, second documents and bottomless nesting are refused while the events come in: nothing is
ever expanded, and the tree is built without recursion.
"""

import re
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from vipservice.config.nodes import Broken, Entry, Listing, Mapping, Node, Scalar, quoted
from vipservice.config.problems import ConfigError, Problem
from vipservice.core.frozen import dataclass

MAX_BYTES = 1 << 20
MAX_DEPTH = 16
MAX_NODES = 20_000
"""Two hundred groups with every key written out are half of this."""

LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML was built with it, seven times faster."""

UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
"""What YAML 1.1 (section 5.1) does not allow in a stream."""

QUOTES_HINT = "check the indentation, and put quotes around values with : # [ ] { } & * ! in them"


@dataclass(frozen=True, slots=True)
class Document:
    """A file's mapping, and what was wrong that did not keep it from being read."""

    root: Mapping
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been seen; a mapping's keys and values alternate in `children`."""

    line: int
    is_mapping: bool
    children: list[Node] = field(default_factory=list)


def read_file(path: Path) -> bytes:
    """Read a configuration file, never more than is allowed.

    Raises:
        ConfigError: It cannot be read, or is too large.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(path, [Problem(0, "", f"cannot be read: {why}")]) from error


def read_yaml(content: bytes, source: Path) -> Document:
    """Turn a file's bytes into its one mapping.

    Raises:
        ConfigError: It is not one YAML mapping of bounded size in UTF-8.
    """
    return _Reader(source).read(decode(content, source))


def decode(content: bytes, source: Path) -> str:
    """Make text of a file's bytes.

    Raises:
        ConfigError: Too large, not UTF-8, or with characters that no text has.
    """
    if len(content) > MAX_BYTES:
        raise ConfigError(source, [Problem(0, "", f"is larger than {MAX_BYTES} bytes")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        bad = f"found the byte 0x{content[error.start]:02x}, which is not UTF-8"
        raise ConfigError(source, [Problem(line, "", bad, "save the file as UTF-8 text")]) from error
    if bad_character := UNPRINTABLE.search(text):
        line = text.count("\n", 0, bad_character.start()) + 1
        bad = f"found the control character U+{ord(bad_character.group()):04X}"
        raise ConfigError(source, [Problem(line, "", bad, "save the file as plain text")])
    return text


class _Reader:
    """Builds the tree of one file out of the parser's events."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._problems: list[Problem] = []
        self._open: list[_Open] = []
        self._root: Node | None = None
        self._documents = 0
        self._nodes = 0

    def read(self, text: str) -> Document:
        """Read all events; what is left must be one mapping."""
        for event in self._events(text):
            self._take(event)
        root = self._root
        if root is None or (isinstance(root, Scalar) and root.is_null):
            self._stop(0, "is empty", "begin with 'floating_ip:' and 'enabled: true' below it")
        if not isinstance(root, Mapping):
            self._stop(root.line, "found no mapping at the top", "begin with a key such as 'floating_ip:'")
        return Document(root, tuple(self._problems))

    def _events(self, text: str) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(text, Loader=LOADER)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._stop(mark.line + 1 if mark else 0, f"is not YAML: {error.problem}", QUOTES_HINT)
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # The parser in Python lets chr() fail on an escape such as "\UFFFFFFFF".
            self._stop(0, f"is not YAML: {quoted(str(error))}", QUOTES_HINT)

    def _take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 0
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self._stop(line, "found a second document", "remove the '---' and what follows it")
            case yaml.AliasEvent():
                self._complain(line, f"found the alias {quoted(f'*{event.anchor}')}", "write the value out")
                self._add(Broken(line))
            case yaml.ScalarEvent():
                self._check_properties(event, line)
                self._add(Scalar(line, event.value, plain=not event.style))
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._check_properties(event, line)
                self._descend(_Open(line, isinstance(event, yaml.MappingStartEvent)))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._ascend()

    def _check_properties(
        self, event: yaml.ScalarEvent | yaml.SequenceStartEvent | yaml.MappingStartEvent, line: int
    ) -> None:
        if event.anchor is not None:
            self._complain(line, f"found the anchor {quoted(f'&{event.anchor}')}", "write the value out")
        if event.tag is not None:
            self._complain(line, f"found the tag {quoted(event.tag)}", "remove the tag; a key knows its type")

    def _descend(self, opened: _Open) -> None:
        if len(self._open) == MAX_DEPTH:
            self._stop(opened.line, f"is nested more than {MAX_DEPTH} levels deep")
        self._open.append(opened)

    def _ascend(self) -> None:
        closed = self._open.pop()
        if closed.is_mapping:
            self._add(Mapping(closed.line, tuple(self._entries(closed.children))))
        else:
            self._add(Listing(closed.line, tuple(closed.children)))

    def _add(self, node: Node) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._stop(node.line, f"has more than {MAX_NODES} values")
        if self._open:
            self._open[-1].children.append(node)
        else:
            self._root = node

    def _entries(self, children: list[Node]) -> Iterator[Entry]:
        for key, value in zip(children[::2], children[1::2], strict=True):
            if isinstance(key, Scalar):
                yield Entry(key.text, key.line, value)
            elif not isinstance(key, Broken):
                self._complain(key.line, "found a key that is a list or mapping", "write a name and a colon")

    def _complain(self, line: int, found: str, hint: str) -> None:
        self._problems.append(Problem(line, "", found, hint))

    def _stop(self, line: int, found: str, hint: str = "") -> NoReturn:
        raise ConfigError(self._source, [*self._problems, Problem(line, "", found, hint)])
