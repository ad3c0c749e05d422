"""YAML as written: texts, lists and mappings that know their line. Nothing is guessed from a text's look."""

from vipservice.config.problems import Problem, RefusedError
from vipservice.core.frozen import dataclass

SHOWN_TEXT = 60
"""Characters of a bad value that an error repeats."""

NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value: its text, whatever YAML 1.1 would make of it."""

    line: int
    text: str
    plain: bool = True
    """Written without quotes."""

    @property
    def is_null(self) -> bool:
        """Whether nothing was written (`key:` alone, or `null` without quotes)."""
        return self.plain and self.text in NULLS


@dataclass(frozen=True, slots=True)
class Listing:
    """A YAML sequence."""

    line: int
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping with its value; `line` is the key's."""

    key: str
    line: int
    value: "Node"


@dataclass(frozen=True, slots=True)
class Mapping:
    """A YAML mapping in the order of the file; a key written twice is there twice."""

    line: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that was already complained about while reading; nobody complains twice."""

    line: int


Node = Scalar | Listing | Mapping | Broken


def quoted(text: str) -> str:
    """Repeat a text from the file safely: escaped, and cut where it is long."""
    return repr(text if len(text) <= SHOWN_TEXT else text[: SHOWN_TEXT - 3] + "...")


def describe(node: Node) -> str:
    """Say what was found, for the middle of a sentence."""
    match node:
        case Scalar() if node.is_null:
            return "found nothing"
        case Scalar():
            return f"found {quoted(node.text)}"
        case Listing():
            return "found a list"
        case _:
            return "found a mapping"


def refused(node: Node, why: str = "", hint: str = "") -> RefusedError:
    """Make the exception that says what `node` is and why it will not do."""
    if isinstance(node, Broken):
        return RefusedError()
    return RefusedError(Problem(node.line, "", describe(node) + why, hint))
