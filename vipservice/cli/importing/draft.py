"""A configuration of ours while it is being made, and what of theirs it does not have."""

from dataclasses import dataclass, field
from typing import Any

Group = dict[str, Any]
"""Keys of one `floating_ip`, in the order in which they are written."""

KEYS_HINT = (
    "its password is not copied, for it protects nothing: let 'vipservice keygen' make a key, "
    "and name it under adverts.keys on every node"
)


@dataclass(slots=True)
class Draft:
    """What was understood so far."""

    groups: list[Group] = field(default_factory=list)
    peers: list[str] = field(default_factory=list)
    """Other nodes' addresses, where adverts went by unicast."""
    notes: dict[str, list[int]] = field(default_factory=dict)
    """What was not carried over, and in which of their lines."""

    def note(self, sentence: str, line: int = 0) -> None:
        """Something of theirs that ours does not have; the same sentence is told once."""
        lines = self.notes.setdefault(sentence, [])
        if line and line not in lines:
            lines.append(line)

    def sentences(self) -> tuple[str, ...]:
        """What was not carried over, in the order in which it was met."""
        return tuple(f"{_place(lines)}{sentence}" for sentence, lines in self.notes.items())

    def data(self) -> dict[str, Any]:
        """The document, as a writer of YAML takes it."""
        document: dict[str, Any] = {"floating_ip": self.groups}
        if self.peers:
            document["adverts"] = {"peers": self.peers}
        return document


SHOWN_LINES = 8


def _place(lines: list[int]) -> str:
    if not lines:
        return ""
    shown = ", ".join(map(str, lines[:SHOWN_LINES])) + (", ..." if len(lines) > SHOWN_LINES else "")
    return f"line {shown}: " if len(lines) == 1 else f"lines {shown}: "
