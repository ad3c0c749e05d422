"""Planted bugs: small mutations of the real source, declared in plain text, which the suite must catch.

A file of them (`bugs/*.bugs`) has one block for each, blank lines between, `#` for comments:

    bug: the term is not raised by a bind
    breaks: one owner after a heal: the later owner must win
    file: vipservice/core/group.py
    -        self.own_term = self.greatest_term = self.greatest_term + 1
    +        self.own_term = self.greatest_term

`-` lines are whole lines of the source as they stand there, `+` lines what comes in their place. `live:`
names a live test, for what no other test can see; `near:` unit tests to ask first, where their folder is not
called as the bug's. The old lines must occur exactly once, so that no bug can
rot: when the source changes under it, applying it fails with a sentence.
"""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "bugs"
KEYS = ("bug", "breaks", "file", "live", "near")


class BugError(Exception):
    """A planted bug can't be read or applied: where, and why."""


@dataclass(frozen=True, slots=True)
class Bug:
    """One mutation."""

    name: str
    breaks: str
    """Which promise."""
    file: str
    """Seen from the top of the checkout."""
    old: str
    new: str
    live: str = ""
    """A live test that is asked too."""
    near: str = ""
    """Unit tests that are asked first."""

    def applied_to(self, source: str) -> str:
        """The source with the bug in it.

        Raises:
            BugError: The old lines don't occur exactly once.
        """
        lines, old = source.splitlines(keepends=True), self.old.splitlines(keepends=True)
        places = [at for at in range(len(lines)) if lines[at : at + len(old)] == old]
        if len(places) != 1:
            raise BugError(f"{self.name}: its old lines occur {len(places)} times in {self.file}, not once")
        return "".join([*lines[: places[0]], self.new, *lines[places[0] + len(old) :]])


def all_bugs() -> list[Bug]:
    """Every bug of every file, in the order of the files' names."""
    bugs = [bug for path in sorted(FOLDER.glob("*.bugs")) for bug in read(path.read_text(), path.name)]
    names = [bug.name for bug in bugs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BugError(f"two bugs have the same name: {', '.join(twice)}")
    return bugs


def read(text: str, source: str) -> list[Bug]:
    """Take the text of a file apart.

    Raises:
        BugError: A line is none of the form, or a block is not whole; with its line.
    """
    blocks: list[list[tuple[int, str]]] = [[]]
    for number, line in enumerate(text.splitlines(), 1):
        if not line:
            blocks.append([])
        elif not line.startswith("#"):
            blocks[-1].append((number, line))
    return [_bug(block, source) for block in blocks if block]


def _bug(block: list[tuple[int, str]], source: str) -> Bug:
    said: dict[str, str] = {}
    lines: dict[str, list[str]] = {"-": [], "+": []}
    for number, line in block:
        key, colon, value = line.partition(": ")
        if line[0] in lines:
            lines[line[0]].append(f"{line[1:]}\n")
        elif colon and key in KEYS and key not in said:
            said[key] = value
        else:
            raise BugError(f"{source}, line {number}: found {line!r}; allowed are {', '.join(KEYS)}, - and +")
    if missing := [key for key in KEYS[:3] if key not in said] + [sign for sign in lines if not lines[sign]]:
        raise BugError(f"{source}, line {block[0][0]}: the bug has no {' and no '.join(missing)}")
    old, new = ("".join(lines[sign]) for sign in "-+")
    return Bug(
        said["bug"], said["breaks"], said["file"], old, new, said.get("live", ""), said.get("near", "")
    )
