"""Keys as a table: name, reader, default, what is allowed and what it is for.

One row a key; reading, error messages, `vipservice check`, the manual page and the reference in the docs all
come from the same rows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace
from difflib import get_close_matches
from typing import Any, Generic, TypeVar

from vipservice.config.nodes import Broken, Entry, Listing, Mapping, Node, Scalar, quoted, refused
from vipservice.config.problems import Problem, RefusedError
from vipservice.core.frozen import dataclass

T = TypeVar("T")
Reader = Callable[[Node], T]

LONGEST_KEY = 40
"""Longer names are not compared with the known ones: nobody mistyped them."""


@dataclass(frozen=True, slots=True)
class Key(Generic[T]):
    """A row of a table."""

    name: str
    read: Reader[T]
    default: T
    allowed: str
    """Continues "write ..."."""
    doc: str
    """A sentence or two for operators."""
    shown_default: str = ""
    """The default as the file would have it, where the value alone does not tell."""

    @property
    def default_text(self) -> str:
        """The default for readers of the manual."""
        if self.shown_default:
            return self.shown_default
        return str(self.default).lower() if isinstance(self.default, bool) else str(self.default)


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its place at the top of the file."""

    name: str
    doc: str
    keys: tuple[Key[Any], ...]


@dataclass(slots=True)
class Values:
    """What was read of one mapping: a value for every key of its table, defaults included."""

    values: dict[str, Any]
    nodes: dict[str, Node] = field(default_factory=dict)
    """What was written, good or bad."""
    lines: dict[str, int] = field(default_factory=dict)
    """Where each key was written."""
    bad: set[str] = field(default_factory=set)
    """Keys that were complained about; their value is the default."""

    def __getitem__(self, key: Key[T]) -> T:
        value: T = self.values[key.name]
        return value

    def given(self, key: Key[T]) -> bool:
        """Whether the file has a usable value for `key`."""
        return key.name in self.lines and key.name not in self.bad

    def sound(self, *keys: Key[Any]) -> bool:
        """Whether none of `keys` was complained about, so that it makes sense to compare them."""
        return not any(key.name in self.bad for key in keys)


def read_mapping(node: Node, keys: Sequence[Key[Any]]) -> tuple[Values, list[Problem]]:
    """Read a mapping by its table; key paths of the problems are relative to the mapping.

    Raises:
        RefusedError: `node` is no mapping at all.
    """
    if not isinstance(node, Mapping):
        raise refused(node, hint=f"write a mapping, one key a line; known keys are {listed(keys)}")
    known = {key.name: key for key in keys}
    values = Values({key.name: key.default for key in keys})
    problems: list[Problem] = []
    for entry in node.entries:
        if entry.key not in known:
            problems.append(_unknown(entry, keys))
        elif entry.key in values.lines:
            problems.append(_second(entry, values.lines[entry.key]))
        else:
            problems += _read_entry(entry, known[entry.key], values)
    return values, problems


def list_of(read: Reader[T]) -> Reader[tuple[T, ...]]:
    """Make a reader of a list out of one for its items; a single item need not be a list."""

    def read_list(node: Node) -> tuple[T, ...]:
        if isinstance(node, Broken):
            raise RefusedError
        if not isinstance(node, Listing):
            return (read(node),)
        results: list[T] = []
        problems: list[Problem] = []
        for index, item in enumerate(node.items):
            try:
                results.append(read(item))
            except RefusedError as error:
                problems += (problem.under(f"[{index}]") for problem in error.problems)
        if problems or any(isinstance(item, Broken) for item in node.items):
            raise RefusedError(*problems)
        return tuple(results)

    return read_list


def not_empty(read: Reader[tuple[T, ...]]) -> Reader[tuple[T, ...]]:
    """Make a reader that refuses an empty list."""

    def read_some(node: Node) -> tuple[T, ...]:
        if isinstance(node, Listing) and not node.items:
            raise refused(node, ", which is empty")
        return read(node)

    return read_some


def mapping_of(
    keys: Sequence[Key[Any]], make: Callable[[Values], T], required: Sequence[Key[Any]] = ()
) -> Reader[T]:
    """Make a reader of a nested mapping; `required` are those of its keys that have no default."""

    def read(node: Node) -> T:
        values, problems = read_mapping(node, keys)
        problems += missing(node.line, values, required)
        if problems or values.bad:
            raise RefusedError(*problems)
        return make(values)

    return read


def missing(line: int, values: Values, required: Sequence[Key[Any]]) -> Iterator[Problem]:
    """A problem for each of the `required` keys that was not written."""
    for key in required:
        if key.name not in values.lines:
            yield Problem(line, key.name, "found nothing", f"write {key.allowed}")


def lines_below(key_path: str, node: Node) -> Iterator[tuple[str, int]]:
    """Every key path in `node` with its line."""
    match node:
        case Mapping():
            for entry in node.entries:
                below = f"{key_path}.{entry.key}" if key_path else entry.key
                yield below, entry.line
                yield from lines_below(below, entry.value)
        case Listing():
            for index, item in enumerate(node.items):
                yield f"{key_path}[{index}]", item.line
                yield from lines_below(f"{key_path}[{index}]", item)


def listed(keys: Sequence[Key[Any]]) -> str:
    """Name the keys of a table."""
    return ", ".join(key.name for key in keys)


def _read_entry(entry: Entry, key: Key[Any], values: Values) -> list[Problem]:
    """Read one value into `values`; what is wrong with it is returned, with the table's hint."""
    values.lines[key.name] = entry.line
    values.nodes[key.name] = entry.value
    try:
        if isinstance(entry.value, Scalar) and entry.value.is_null:
            raise refused(entry.value, hint=f"write {key.allowed}, or remove the key")
        values.values[key.name] = key.read(entry.value)
    except RefusedError as error:
        values.bad.add(key.name)
        return [_with_hint(problem, key).under(key.name) for problem in error.problems]
    return []


def _with_hint(problem: Problem, key: Key[Any]) -> Problem:
    return problem if problem.hint else replace(problem, hint=f"write {key.allowed}")


def _unknown(entry: Entry, keys: Sequence[Key[Any]]) -> Problem:
    near = nearest(entry.key, [key.name for key in keys])
    hint = f"did you mean {near!r}?" if near else f"known keys are {listed(keys)}"
    return Problem(entry.line, _path_word(entry.key), "found an unknown key", hint)


def _second(entry: Entry, first_line: int) -> Problem:
    found = f"found the key a second time, first on line {first_line}"
    return Problem(entry.line, _path_word(entry.key), found, "keep one of the two")


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that somebody who wrote `word` most likely meant."""
    if len(word) > LONGEST_KEY:
        return None
    folded = word.lower().replace("-", "_")
    matches = get_close_matches(folded, known, n=1, cutoff=0.6)
    return matches[0] if matches else None


def _path_word(key: str) -> str:
    """A key as part of a path: as it stands where it looks like one, else quoted."""
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalnum() and len(key) <= LONGEST_KEY
    return key if plain else quoted(key)
