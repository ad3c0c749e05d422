"""Who is put through what, in which order: rounds in which every daemon has its turn.

A round gives each setting one trial of each chain, so that whatever the machine does in some minute befalls
all daemons alike. Chains that wait for seconds are played on several LANs at once; whether that disturbs is
seen in the noise floor, which is measured on the same nodes just before. A chain during which the machine
stood still is played again, in rounds that are added at the end.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from vipservice.lab.matrix.rows import ALL_NODES, CHAINS, QUIET, Chain, Company
from vipservice.lab.matrix.settings import SETTINGS, Setting
from vipservice.lab.matrix.trials import Trial

TRIALS = 5
"""Of each chain, unless something else is asked for."""

FEW = 3
"""Of what takes seconds, and with more than two nodes."""

SLOW_BY = 3.5
"""What a chain takes longer where failover takes seconds."""

UP = 1.5
"""What making nodes and waiting until they stand takes, seconds."""


Key = tuple[str, str, int]
"""An event, a setting by name, how many nodes."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What of the matrix is wanted."""

    trials: int = TRIALS
    nodes: tuple[int, ...] = (2, 3, 5)
    events: frozenset[str] | None = None
    settings: tuple[Setting, ...] = SETTINGS
    exact: bool = False
    """As many trials of every row as `trials` says, heals too."""
    done: frozenset[Key] = frozenset()
    """What is known well enough."""

    def wanted(self, chain: Chain, setting: Setting, nodes: int) -> int:
        """How many trials of a chain that nothing disturbed; of what tells little news fewer are enough."""
        if self.exact or chain.trials:
            return self.trials if self.exact else chain.trials
        return min(self.trials, FEW) if setting.slow or nodes > min(ALL_NODES) else self.trials

    def chosen(self, chain: Chain) -> bool:
        """Whether a chain was asked for."""
        return self.events is None or bool(self.events & set(chain.events))


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the run: chains that tolerate the same company."""

    title: str
    lanes: int
    """How many LANs there are at once."""
    companies: frozenset[Company]
    slow: bool | None
    """Only settings whose failover takes seconds, or only the others; both where nothing is said."""
    at_once: int = 1
    """Trials that a setting has in its turn."""

    def takes(self, setting: Setting, chain: Chain) -> bool:
        """Whether it is played here."""
        return chain.company in self.companies and self.slow in {None, setting.slow}


LANES = min(6, os.cpu_count() or 1)
"""LANs at once where trials tolerate company: with three times as many nearly every trial was disturbed."""

PHASES = (
    Phase("one after the other", 1, frozenset({Company.ALONE}), slow=False),
    Phase("what waits for the lease", LANES, frozenset({Company.FEW}), slow=None),
    Phase("what takes seconds anyway", LANES, frozenset({Company.ALONE}), slow=True),
    Phase("adverts dropped", LANES, frozenset({Company.MANY}), slow=None, at_once=5),
)


@dataclass(frozen=True, slots=True)
class Job:
    """One turn of a setting: a fresh LAN, and the chains that it is put through."""

    setting: Setting
    nodes: int
    chains: tuple[Chain, ...]
    company: str

    @property
    def seconds(self) -> float:
        """About what it takes."""
        extra = SLOW_BY if self.setting.slow else 0.0
        return UP + QUIET.seconds + sum(chain.seconds + extra for chain in self.chains)


@dataclass(slots=True)
class Tally:
    """How many trials of each there are."""

    calm: Counter[Key]
    """Those that nothing disturbed."""
    played: Counter[Key]
    """All."""

    @classmethod
    def of(cls, trials: Iterable[Trial]) -> Self:
        """Count them."""
        keys = [(one.event, one.setting, one.nodes, one.calm) for one in trials]
        return cls(Counter(key[:3] for key in keys if key[3]), Counter(key[:3] for key in keys))

    def add(self, job: Job) -> None:
        """Imagine that all of a job was played, and calm."""
        keys = [(chain.events[0], job.setting.name, job.nodes) for chain in job.chains]
        self.calm.update(keys)
        self.played.update(keys)


def turns(wish: Wish, phase: Phase, tally: Tally) -> list[Job]:
    """The next round of a phase: a job for each setting that still lacks trials; nothing when all is done."""

    def lacking(setting: Setting, nodes: int) -> Iterator[Chain]:
        for chain in CHAINS:
            if not (wish.chosen(chain) and chain.fits(setting, nodes) and phase.takes(setting, chain)):
                continue
            key = (chain.events[0], setting.name, nodes)
            if all((event, *key[1:]) in wish.done for event in chain.events):
                continue
            wanted = wish.wanted(chain, setting, nodes)
            missing = min(wanted - tally.calm[key], most(wanted) - tally.played[key])
            yield from [chain] * min(missing, phase.at_once)

    return [
        Job(setting, nodes, chains, f"{phase.lanes} at once" if phase.lanes > 1 else "alone")
        for nodes in wish.nodes
        for setting in wish.settings
        if (chains := tuple(lacking(setting, nodes)))
    ]


def most(wanted: int) -> int:
    """How many trials of a chain there are at most where the machine stands still during some."""
    return wanted + wanted // 2 + 2


def estimate(wish: Wish, trials: Iterable[Trial]) -> float:
    """About how long it takes in all, if nothing disturbs, seconds."""
    tally = Tally.of(trials)
    return sum(_phase_seconds(wish, phase, tally) for phase in PHASES)


def _phase_seconds(wish: Wish, phase: Phase, tally: Tally) -> float:
    """The rounds of a phase as they would be if every trial were calm; counts them."""
    seconds = 0.0
    while jobs := turns(wish, phase, tally):
        lanes = [0.0] * phase.lanes
        for job in jobs:
            lanes[lanes.index(min(lanes))] += job.seconds
            tally.add(job)
        seconds += max(lanes)
    return seconds
