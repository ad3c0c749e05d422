"""What happened to whom and what came of it, and the journal in which that outlives the program."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from vipservice.lab.demo.play import Result


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of one event. Durations in seconds."""

    event: str
    setting: str
    nodes: int
    company: str
    """Beside what it was played."""
    gap: float
    """The longest time between two answers, less the time in which the client itself stood still."""
    gap_over: bool
    """Whether that gap had an end in the watch."""
    raw_gap: float
    sent: int
    lost: int
    owners: int
    """The greatest number at once, among kernels between which frames could pass."""
    twice: float
    """For how long there was more than one, within the watch."""
    owners_left: int
    """How many there were when the watch ended."""
    watched: float
    """How long it was watched."""
    role_changes: int
    noise: float
    """The longest gap with nothing happening, on the same nodes just before."""
    as_it_must: bool
    """Whether the address moved, or stayed, as the row says."""
    disturbed: bool
    """The machine stood still."""
    calm: bool = True
    """Nothing disturbed the chain of events that this one is part of."""
    overdue: str = ""
    """What was waited for in vain."""


def trial(
    event: str, setting: str, nodes: int, company: str, result: Result, calm: bool, overdue: str
) -> Trial:
    """The trial that had this result."""
    return Trial(
        event=event,
        setting=setting,
        nodes=nodes,
        company=company,
        gap=round(result.gap, 6),
        gap_over=result.gap_over,
        raw_gap=round(result.raw_gap, 6),
        sent=result.sent,
        lost=result.lost,
        owners=result.most,
        twice=round(result.several, 6),
        owners_left=result.owners_left,
        watched=round(result.ended - result.began, 3),
        role_changes=result.role_changes,
        noise=round(result.noise, 6),
        as_it_must=result.fate_held,
        disturbed=result.disturbed,
        calm=calm,
        overdue=overdue,
    )


class Journal:
    """A file with one trial a line, in the order in which they ended."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self) -> None:
        """Start anew; what was there is kept beside it."""
        if self.path.exists():
            self.path.replace(self.path.with_suffix(f"{self.path.suffix}.old"))

    def append(self, trials: Iterable[Trial]) -> None:
        """Write them down, all or none, for good."""
        lines = "".join(f"{json.dumps(asdict(one))}\n" for one in trials)
        with self.path.open("a+b") as file:
            file.truncate(self._whole())
            file.write(lines.encode())

    def trials(self) -> list[Trial]:
        """All that were written; a last line that was cut short is left out."""
        if not self.path.exists():
            return []
        return [Trial(**json.loads(line)) for line in self.path.read_bytes()[: self._whole()].splitlines()]

    def _whole(self) -> int:
        """Bytes up to the end of the last line that has one."""
        return self.path.read_bytes().rfind(b"\n") + 1


COLUMNS = tuple(field.name for field in fields(Trial))


def expand(line: str, columns: str) -> Trial:
    """Read what `compact` wrote under these columns, whichever of them there were then."""
    words = dict(zip(columns.split("|"), line.split("|"), strict=True))
    return Trial(
        **{
            field.name: _value(field.type, words[field.name])
            for field in fields(Trial)
            if field.name in words
        }
    )


def _value(kind: object, word: str) -> Any:
    if kind is bool:
        return bool(int(word))
    return word if kind is str else int(word) if kind is int else float(word)


def compact(one: Trial) -> str:
    """A trial as one line, its columns in the order of `COLUMNS`."""
    return "|".join(str(int(value) if isinstance(value, bool) else value) for value in asdict(one).values())
