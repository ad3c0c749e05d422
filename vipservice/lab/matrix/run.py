"""The whole run: phases, rounds, and the lanes in which jobs are played at once."""

import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from vipservice.lab.clock import now
from vipservice.lab.matrix.perform import Stopped, perform
from vipservice.lab.matrix.plan import PHASES, Job, Phase, Tally, Wish, turns
from vipservice.lab.matrix.trials import Journal, Trial
from vipservice.lab.owners import EventsLostError

MOST_FAILURES = 3
"""Turns of a setting that may come to nothing before a phase goes on without it."""

FAILURES = (OSError, RuntimeError, EventsLostError, subprocess.SubprocessError, psutil.Error)
"""What can come of a machine that is too slow, or of a daemon that does not do what it is told."""


@dataclass(slots=True)
class Run:
    """Plays what is wanted and not yet in the journal.

    Args:
        wish: What is wanted.
        journal: Where trials are, and where they go.
        say: Takes a line for people.
    """

    wish: Wish
    journal: Journal
    say: Callable[[str], None]
    failures: list[str] = field(default_factory=list)
    """Turns that came to nothing, and why."""
    _failed: Counter[tuple[str, int]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)

    def perform(self) -> None:
        """Until everything wanted is there, or cannot be had.

        Raises:
            KeyboardInterrupt: Somebody wants it to end; what was played is in the journal.
        """
        for phase in PHASES:
            self._failed.clear()
            while jobs := self._jobs(phase):
                self.say(
                    f"{phase.title}: {len(jobs)} settings, {sum(len(job.chains) for job in jobs)} trials"
                )
                self._round(phase, jobs)

    def _jobs(self, phase: Phase) -> list[Job]:
        jobs = turns(self.wish, phase, Tally.of(self.journal.trials()))
        return [job for job in jobs if self._failed[job.setting.name, job.nodes] < MOST_FAILURES]

    def _round(self, phase: Phase, jobs: Sequence[Job]) -> None:
        if phase.lanes == 1:
            for job in jobs:
                self._perform(job)
            return
        pool = ThreadPoolExecutor(phase.lanes, thread_name_prefix="lane")
        try:
            for done in [pool.submit(self._perform, job) for job in jobs]:
                done.result()
        except BaseException:
            # On Ctrl-C nobody waits for the lanes: the kernel takes their LANs away with this process.
            self._stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()

    def _perform(self, job: Job) -> None:
        try:
            with suppress(Stopped):
                perform(job, self._write, self._stop.is_set)
        except FAILURES as error:
            said = f"{job.setting.name}, {job.nodes} nodes: {(str(error) or repr(error)).splitlines()[0]}"
            with self._lock:
                self._failed[job.setting.name, job.nodes] += 1
                self.failures.append(said)
                self.say(f"came to nothing: {said}")

    def _write(self, trials: Sequence[Trial]) -> None:
        with self._lock:
            self.journal.append(trials)
            for one in trials:
                self.say(told(one))


def told(one: Trial) -> str:
    """A trial as a line."""
    twice = f", TWO OWNERS for {one.twice:.3f} s" if one.owners > 1 else ""
    rest = "".join(
        [
            "" if one.as_it_must else ", not as it must be",
            f", overdue: {one.overdue}" if one.overdue else "",
            ", disturbed" if one.disturbed else "",
        ]
    )
    return (
        f"{now():10.1f}  {one.event:36} {one.setting:16} {one.nodes} nodes {1000 * one.gap:9.1f} ms"
        f" {one.lost:6} lost{twice}{rest}"
    )
