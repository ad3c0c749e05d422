"""Makes the attacks one after the other on one cluster, and says what each did to it."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from vipservice.lab.clock import now
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.hostility import lag
from vipservice.lab.hostility.attacks import ATTACKS, SEED, Scene
from vipservice.lab.hostility.machine import Noise, load
from vipservice.lab.hostility.memory_group import MemoryGroup, memory_group
from vipservice.lab.hostility.scraping import Sample, look, usage
from vipservice.lab.hostility.watching import Stretch, watch
from vipservice.lab.results import Record, table

MEBIBYTE = 2**20
ALLOWED_GROWTH = 2.0
"""MiB by which a node's resident memory may be greater after an attack than before it."""

WARM_UP = 5.0
"""Seconds before the first attack: what is loaded when it is first used is loaded."""

SETTLE = 6.0
"""Seconds after an attack: an HTTP client's time is up after five."""

ANSWER_WITHIN = 15.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attack did to the cluster."""

    interval: str
    attack: str
    strength: str
    """In the attack's own words."""
    stretch: Stretch
    lag: dict[str, float | None]
    """Of all loops together."""
    noise: dict[str, float | None]
    """How late a real-time process was that only sleeps, meanwhile."""
    growth: float
    """MiB, of the node that grew most."""
    peak: float
    """MiB that a node had at most above what it had before."""
    descriptors: int
    """More than before, at the node where that is most."""
    processor: float
    """Of one core, at the node that took most."""
    load: float

    @property
    def held(self) -> bool:
        """Whether nothing moved, nothing was missing and nothing grew."""
        return self.stretch.calm and self.growth <= ALLOWED_GROWTH and self.descriptors <= 0


def perform(
    intervals: Sequence[str], names: Sequence[str], seconds: float, announce: Callable[[str], None]
) -> list[Outcome]:
    """Make these attacks, each for so many seconds, at each interval.

    Raises:
        TimeoutError: The cluster did not come up, or not back.
        EventsLostError: Nothing can be said about the owners.
    """
    outcomes = []
    for interval in intervals:
        with memory_group() as memory, cluster_in(memory, interval) as cluster:
            scene = Scene(cluster, memory, Random(SEED))  # noqa: S311 - noise, not secrets
            time.sleep(WARM_UP)
            for name in names:
                announce(f"{interval}, {name}, {seconds:g} s ...")
                outcomes.append(make(scene, name, seconds))
                announce(_line(outcomes[-1]))
                if not outcomes[-1].held:
                    announce(cluster.report())
    return outcomes


def make(scene: Scene, name: str, seconds: float, settle: float = SETTLE) -> Outcome:
    """Make one attack for so many seconds, and look `settle` seconds after it what is left of it."""
    cluster = scene.cluster
    before = _look_at_all(cluster)
    with Noise() as noise, _peaks(cluster) as peaks, ATTACKS[name](scene) as strength:
        began = now()
        time.sleep(seconds)
        until = now()
        taken = {node: usage(daemon.process.pid).processor for node, daemon in cluster.daemons.items()}
        told, machine, late, most = strength(), load(), noise.so_far(), dict(peaks)
    time.sleep(settle)
    stretch, after = watch(cluster, began, until), _look_at_all(cluster)
    pairs = [(before[node], after[node]) for node in before]
    return Outcome(
        interval=cluster.interval,
        attack=name,
        strength=told,
        stretch=stretch,
        lag=lag.figures(lag.total(_lag(one, other) for one, other in pairs)),
        noise=lag.figures(late),
        growth=max((other.usage.resident - one.usage.resident) / MEBIBYTE for one, other in pairs),
        peak=max((most.get(node, 0) - one.usage.resident) / MEBIBYTE for node, one in before.items()),
        descriptors=max(other.usage.descriptors - one.usage.descriptors for one, other in pairs),
        processor=max((taken[node] - one.usage.processor) / seconds for node, one in before.items()),
        load=machine,
    )


def markdown(record: Record) -> str:
    """The table of the page."""
    header = [
        "interval", "attack", "strength", "role changes", "moves", "no owner", "two owners",
        "longest gap", "loops late: 99 % / 99.9 % / worst", "a sleeper late: 99.9 % / worst",
        "memory", "processor", "held",
    ]  # fmt: skip
    rows = [_row(outcome) for outcome in record.figures["outcomes"]]
    return "\n\n".join((table(header, rows), record.provenance))


def figures(outcomes: Sequence[Outcome], seconds: float) -> dict[str, Any]:
    """What a record keeps."""
    return {"seconds": seconds, "outcomes": [_kept(outcome) for outcome in outcomes]}


def repeat(kept: dict[str, Any], announce: Callable[[str], None]) -> dict[str, Any]:
    """Make those attacks again that were not held; each row says how often that was so before.

    Raises:
        TimeoutError: The cluster did not come up, or not back.
        EventsLostError: Nothing can be said about the owners.
    """
    rows = [
        row if row["held"] else _again(row, kept["seconds"], announce) | {"missed": row.get("missed", 0) + 1}
        for row in kept["outcomes"]
    ]
    return {**kept, "outcomes": rows}


def _again(row: dict[str, Any], seconds: float, announce: Callable[[str], None]) -> dict[str, Any]:
    (outcome,) = perform([row["interval"]], [row["attack"]], seconds, announce)
    return _kept(outcome)


def _kept(outcome: Outcome) -> dict[str, Any]:
    return {**asdict(outcome), "held": outcome.held}


@contextmanager
def cluster_in(memory: MemoryGroup | None, interval: str) -> Iterator[Cluster]:
    """Three nodes that are whole, in the group where there is one."""
    with Cluster(("a", "b", "c"), interval=interval, gateway=True) as cluster:
        if memory is None:
            cluster.start(*cluster.daemons)
        else:
            with memory.starting_here():
                cluster.start(*cluster.daemons)
        cluster.wait_until_whole()
        yield cluster


@contextmanager
def _peaks(cluster: Cluster) -> Iterator[dict[str, int]]:
    """The greatest resident memory of each node while the block lasts, bytes."""
    peaks: dict[str, int] = {}
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.5):
            for name, daemon in cluster.daemons.items():
                peaks[name] = max(peaks.get(name, 0), usage(daemon.process.pid).resident)

    thread = threading.Thread(target=work, name="peaks", daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        ended.set()
        thread.join()


def _look_at_all(cluster: Cluster) -> dict[str, Sample]:
    return {name: _look_until_answered(cluster, name) for name in cluster.daemons}


def _look_until_answered(cluster: Cluster, name: str) -> Sample:
    deadline = now() + ANSWER_WITHIN
    while (sample := look(cluster, name)).scrape is None:
        if now() > deadline:
            raise TimeoutError(f"node-{name} answers no scrape within {ANSWER_WITHIN:g} s")
        time.sleep(0.2)
    return sample


def _lag(one: Sample, other: Sample) -> lag.Buckets:
    assert one.scrape is not None and other.scrape is not None, "looked until answered"
    return lag.difference(other.scrape.lag, one.scrape.lag)


def _line(outcome: Outcome) -> str:
    """One outcome for whoever watches."""
    return " | ".join(_row(_kept(outcome)))


def _row(outcome: dict[str, Any]) -> list[str]:
    stretch, late, sleeper = outcome["stretch"], outcome["lag"], outcome["noise"]
    return [
        outcome["interval"],
        outcome["attack"],
        outcome["strength"] or "-",
        str(stretch["role_changes"]),
        str(stretch["moves"]),
        f"{stretch['none']:g} s",
        f"{stretch['several']:g} s",
        f"{stretch['gap'] * 1e3:.1f} ms",
        _ends(late, "p99", "p99.9", "worst"),
        _ends(sleeper, "p99.9", "worst"),
        f"{outcome['growth']:+.2f} MiB",
        f"{outcome['processor']:.0%}",
        _verdict(outcome),
    ]


def _verdict(outcome: dict[str, Any]) -> str:
    held = "yes" if outcome["held"] else "**no**"
    return f"{held}, {missed} before not" if (missed := outcome.get("missed", 0)) else held


def _ends(late: dict[str, float | None], *names: str) -> str:
    return " / ".join(lag.milliseconds(late[name]) for name in names)
