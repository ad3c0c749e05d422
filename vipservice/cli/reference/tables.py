"""Tables of keys for the documentation, out of the same rows that read the file."""

from collections.abc import Iterable
from typing import Any

from vipservice.config.schema import Key


def markdown(keys: Iterable[Key[Any]], default: bool = True) -> str:
    """One row a key, in Markdown.

    Args:
        keys: The rows of a table of `config`.
        default: Whether the keys have defaults worth a column.
    """
    head = ["key", "write", "default", "meaning"] if default else ["key", "write", "meaning"]
    lines = [row(head), row(["---"] * len(head))]
    for key in keys:
        cells = [f"`{key.name}`", key.allowed, key.default_text, key.doc]
        lines.append(row(cells if default else [*cells[:2], cells[3]]))
    return "\n".join(lines) + "\n"


def row(cells: Iterable[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"
