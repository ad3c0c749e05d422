"""Carry out an incident under the eyes of the judges."""

from dataclasses import dataclass, field, replace

from tests.simulation.incident import ACTIVE, STANDBY, Happening, Incident
from tests.simulation.judge.last import judge_end
from tests.simulation.judge.moves import Moves
from tests.simulation.judge.one_owner import OneOwner
from tests.simulation.judge.record import Record
from tests.simulation.judge.served import Served
from tests.simulation.judge.succession import Succession
from vipservice.adapters.memory.scenario import understand
from vipservice.adapters.memory.stage import Stage


@dataclass(slots=True)
class Run:
    """One incident being carried out, and what the judges find."""

    incident: Incident
    stage: Stage = field(default_factory=Stage)
    problems: list[str] = field(default_factory=list)
    happened: list[Happening] = field(default_factory=list)
    _names: dict[Happening, tuple[str, str]] = field(default_factory=dict)
    _busy: dict[str, float] = field(default_factory=dict)
    record: Record = field(init=False)
    moves: Moves = field(init=False)
    served: Served = field(init=False)
    succession: Succession = field(init=False)

    def __post_init__(self) -> None:
        lan = self.stage.lan
        self.record = Record(lan)
        lan.watch(self.record, frames=True)
        self.moves = Moves(self.record, self.problems)
        self.served = Served(self.record, self.moves, self.problems)
        self.succession = Succession(self.record, self.moves, self.problems)
        for judge in (OneOwner(self.record, self.problems), self.moves, self.served, self.succession):
            lan.watch(judge)

    def go(self) -> "Run":
        """Carry it out; `problems` says what was wrong, in the order of time."""
        for line in (*self.incident.setup, "start"):
            self._do(line)
        for at, happening, line, first in self.incident.timeline():
            self._until(at)
            if first and not self._begins(happening):
                continue
            if happening in self._names:
                self._do(
                    line.replace("@victim", self._names[happening][0]).replace(
                        "@other", self._names[happening][1]
                    )
                )
        self.stage.lan.run(self.incident.calm)
        judge_end(self.record, self.moves, self.problems)
        return self

    @property
    def as_it_was(self) -> Incident:
        """The incident with the names of those whom it befell, without what did not fit in."""
        return replace(self.incident, happenings=tuple(self.happened))

    def _until(self, at: float) -> None:
        if at > self.stage.lan.now:
            self.stage.lan.run(at - self.stage.lan.now)

    def _do(self, line: str) -> None:
        command, words = understand(self.stage, line)
        if command.echo or self.stage.started:
            self.stage.lan.note(">", line)
        self.moves.told(line)
        self.served.disturbed()
        command.do(self.stage, words)
        self.stage.lan.touch()

    def _begins(self, happening: Happening) -> bool:
        """Whom it befalls; False where something of its sort is going on there."""
        names = [host.name for host in self.stage.nodes]
        victim = self._resolve(happening.victim, names)
        other = self._resolve(happening.other, names)
        if other == victim:
            other = next(name for name in names if name != victim)
        now = self.stage.lan.now
        concerned = names if happening.kind == "rolling upgrade" else [victim]
        if happening.exclusive:
            if any(self._busy.get(name, -1.0) >= now for name in concerned):
                return False
            self._busy |= dict.fromkeys(concerned, happening.ends)
        self._names[happening] = victim, other
        self.happened.append(happening.named(victim, other))
        return True

    def _resolve(self, whom: str, names: list[str]) -> str:
        holders = [name for name in self.record.holders if name in names]
        if whom == ACTIVE:
            return holders[0] if holders else names[0]
        if whom == STANDBY:
            return next(name for name in names if name not in holders[:1])
        return whom
