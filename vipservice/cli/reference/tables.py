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
    lines = [_row(head), _row(["---"] * len(head))]
    for key in keys:
        cells = [f"`{key.name}`", key.allowed, key.default_text, key.doc]
        lines.append(_row(cells if default else [*cells[:2], cells[3]]))
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
