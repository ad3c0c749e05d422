"""The whole run: phases, rounds, and the lanes in which jobs are played at once."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from vipservice.lab.clock import now
from vipservice.lab.matrix.perform import Stopped, perform
from vipservice.lab.matrix.plan import PHASES, Job, Phase, Tally, Wish, turns
from vipservice.lab.matrix.trials import Journal, Trial
from vipservice.lab.owners import EventsLostError

MOST_FAILURES = 12
"""Jobs that may come to nothing before the run is given up."""


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
    """Jobs that came to nothing, and why."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)

    def perform(self) -> None:
        """Until everything wanted is there.

        Raises:
            KeyboardInterrupt: Somebody wants it to end; what was played is in the journal.
            RuntimeError: Too much came to nothing.
        """
        for phase in PHASES:
            while jobs := turns(self.wish, phase, Tally.of(self.journal.trials())):
                self.say(
                    f"{phase.title}: {len(jobs)} settings, {sum(len(job.chains) for job in jobs)} trials"
                )
                self._round(phase, jobs)

    def _round(self, phase: Phase, jobs: Sequence[Job]) -> None:
        if phase.lanes == 1:
            for job in jobs:
                self._perform(job)
            return
        pool = ThreadPoolExecutor(phase.lanes, thread_name_prefix="lane")
        try:
            for done in [pool.submit(self._perform, job) for job in jobs]:
                done.result()
        finally:
            # On Ctrl-C nobody waits for the lanes: the kernel takes their LANs away with this process.
            self._stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            self._stop.clear()

    def _perform(self, job: Job) -> None:
        try:
            with suppress(Stopped):
                perform(job, self._write, self._stop.is_set)
        except (TimeoutError, EventsLostError, RuntimeError, OSError) as error:
            self._failed(job, error)

    def _failed(self, job: Job, error: Exception) -> None:
        with self._lock:
            self.failures.append(f"{job.setting.name}, {job.nodes} nodes: {str(error).splitlines()[0]}")
            self.say(f"came to nothing: {self.failures[-1]}")
            if len(self.failures) > MOST_FAILURES:
                raise RuntimeError(f"{len(self.failures)} jobs came to nothing; the last: {error}") from error

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
