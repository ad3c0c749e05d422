"""What is wrong with a configuration, one sentence a problem, all of them in one go."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from vipservice.core.frozen import dataclass

SHOWN_AT_MOST = 100
"""Sentences printed of one file; a file with more is not a configuration that somebody mistyped."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what was found, and what to write instead."""

    line: int
    """Counted from 1; 0 where the problem has no line."""
    key_path: str
    """Such as `floating_ip[1].priority`; empty for the file as a whole."""
    found: str
    hint: str = ""

    def under(self, key_path: str) -> "Problem":
        """The same problem, seen from further up the tree."""
        joint = "." if self.key_path and not self.key_path.startswith("[") else ""
        return replace(self, key_path=key_path + joint + self.key_path)

    def sentence(self, source: Path) -> str:
        """Write it as `vipservice.yml:7: floating_ip.priority: found '300'; write ...`."""
        place = f"{source}:{self.line}" if self.line else str(source)
        parts = [place, self.key_path] if self.key_path else [place]
        said = f"{self.found}; {self.hint}" if self.hint else self.found
        return ": ".join([*parts, said])


@dataclass(frozen=True, slots=True)
class MissingInterface(Problem):
    """The file is right but the machine is not there yet: `check` reports it, the daemon may wait."""


class ConfigError(Exception):
    """The operator's file cannot be used; carries every problem, in the order of the file."""

    def __init__(self, source: Path, problems: Iterable[Problem]) -> None:
        super().__init__(source)
        self.source = source
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))

    @property
    def only_missing_interfaces(self) -> bool:
        """Whether waiting for the machine can cure it."""
        return all(isinstance(problem, MissingInterface) for problem in self.problems)

    def sentences(self) -> tuple[str, ...]:
        """Every problem as a sentence of its own, the first hundred at most."""
        shown = tuple(problem.sentence(self.source) for problem in self.problems[:SHOWN_AT_MOST])
        more = len(self.problems) - len(shown)
        return (*shown, f"{self.source}: {more} further problems are not shown") if more else shown

    def __str__(self) -> str:
        return "\n".join(self.sentences())


class RefusedError(Exception):
    """A value cannot be what its key wants; the problems' key paths are relative to that key."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems
