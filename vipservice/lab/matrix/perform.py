"""Plays a job: makes the LAN, lets the chains happen, writes each down when it has ended."""

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from vipservice.lab.client import SETTLE
from vipservice.lab.clock import now
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.demo.play import Result, measure, outlast, play
from vipservice.lab.matrix.plan import Job
from vipservice.lab.matrix.rows import QUIET, START, Chain, Row
from vipservice.lab.matrix.trials import Trial, trial

Played = tuple[Row, Result, str]
"""A row, what came of it, and what was waited for in vain."""


class Stopped(Exception):  # noqa: N818 - no error: somebody has asked for the end
    """The program is to end."""


def perform(job: Job, write: Callable[[Sequence[Trial]], None], stopped: Callable[[], bool]) -> None:
    """Play a job.

    Nodes that are not whole again after a chain are thrown away, and the next chain gets fresh ones.

    Args:
        job: What is played.
        write: Takes the trials of each chain when it has ended.
        stopped: Whether the program is to end.

    Raises:
        Stopped: It is.
        TimeoutError: The nodes don't come up.
    """
    chains = list(job.chains)
    while chains:
        with job.setting.cluster(job.nodes) as cluster:
            stage = Stage(job, cluster, write)
            stage.begin(START if START in chains else None)
            chains = [chain for chain in chains if chain not in (START, QUIET)]
            while chains and stage.whole:
                if stopped():
                    raise Stopped
                stage.play(chains.pop(0))


class Stage:
    """A cluster on which chains are played."""

    def __init__(self, job: Job, cluster: Cluster, write: Callable[[Sequence[Trial]], None]) -> None:
        self._job = job
        self._cluster = cluster
        self._write = write
        self._noise = 0.0
        self.whole = True
        """Whether the next chain would find the nodes as the last one did."""

    def begin(self, start: Chain | None) -> None:
        """Start the nodes, as a trial where that is wanted, and see what the machine does by itself."""
        if start is not None:
            self.play(start)
        else:
            self._cluster.start(*self._cluster.daemons)
        self._cluster.wait_until_whole()
        (quiet,) = self.play(QUIET)
        self._noise = quiet.gap

    def play(self, chain: Chain) -> list[Trial]:
        """Let a chain happen, write down what came of it, mend everything; what was written."""
        played: list[Played] = []
        for row in chain.rows:
            played.append(self._incident(row))
            if played[-1][2]:
                break
        calm = not any(result.disturbed for _row, result, _overdue in played)
        job = self._job
        trials = [
            trial(row.event, job.setting.name, job.nodes, job.company, result, calm, overdue)
            for row, result, overdue in played
        ]
        self._write(trials)
        if played[-1][2] or self._job.setting.daemon in chain.spoils:
            self.whole = False
        else:
            self._mend(chain)
        return trials

    def _incident(self, row: Row) -> Played:
        """Let one event happen; where what must follow does not, what was seen until then."""
        cluster, step = self._cluster, replace(row.step, mend=None)
        before, began = cluster.owner, now()
        try:
            return row, play(step, cluster, self._noise, row.patience), ""
        except (TimeoutError, subprocess.TimeoutExpired) as error:
            time.sleep(step.seconds + SETTLE)
            outlast(cluster, row.patience)
            said = str(error).splitlines()[0]
            return row, measure(step, cluster, began, before, self._noise), said

    def _mend(self, chain: Chain) -> None:
        """Undo what the rows did that knows its own end, then whatever else is broken."""
        try:
            for row in chain.rows:
                if row.step.mend is not None:
                    row.step.mend(self._cluster)
            self._cluster.heal()
            self._cluster.wait_until_whole()
        except (TimeoutError, subprocess.TimeoutExpired):
            self.whole = False
