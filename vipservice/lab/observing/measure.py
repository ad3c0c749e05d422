"""Plays the scenes in turn, several times, and says how late the loop that is looked at was in each."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vipservice.lab.clock import now
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.hostility import lag
from vipservice.lab.hostility.machine import load
from vipservice.lab.hostility.scraping import Sample, look
from vipservice.lab.hostility.watching import watch
from vipservice.lab.observing.scenes import SCENES, played
from vipservice.lab.results import Record, table

NODES = ("a", "b", "c")
WARM_UP = 3.0
SETTLE = 1.0
ANSWER_WITHIN = 15.0


@dataclass(slots=True)
class Outcome:
    """What a scene did to the owner of the address, all its rounds together."""

    interval: str
    scene: str
    seconds: float = 0.0
    answered: int = 0
    refused: int = 0
    role_changes: int = 0
    two_owners: float = 0.0
    no_owner: float = 0.0
    processor: float = 0.0
    """Seconds of processor time that the owner took."""
    snapshots: float = 0.0
    """Built by the loop."""
    building: float = 0.0
    """Seconds that took."""
    wakes: float = 0.0
    late: float = 0.0
    """Seconds, all wakes together."""


def perform(
    intervals: Sequence[str], rounds: int, seconds: float, announce: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Play every scene `rounds` times for so many seconds at each interval, one after the other.

    Raises:
        TimeoutError: The cluster did not come up, or did not answer.
        EventsLostError: Nothing can be said about the owners.
    """
    results: list[dict[str, Any]] = []
    for interval in intervals:
        outcomes = {name: Outcome(interval, name) for name in SCENES}
        lags: dict[str, list[lag.Buckets]] = {name: [] for name in SCENES}
        with Cluster(NODES, interval=interval, gateway=True) as cluster:
            cluster.start(*NODES)
            cluster.wait_until_whole()
            time.sleep(WARM_UP)
            for number in range(rounds):
                for name in SCENES:
                    announce(f"{interval}, round {number + 1} of {rounds}: {SCENES[name].words} ...")
                    lags[name].append(_play(cluster, outcomes[name], seconds))
        results += [{**asdict(outcomes[name]), "lag": lag.figures(lag.total(lags[name]))} for name in SCENES]
    return results


def figures(outcomes: list[dict[str, Any]]) -> dict[str, Any]:
    """What a record keeps."""
    return {"load": load(), "outcomes": outcomes}


def held(outcomes: Sequence[dict[str, Any]]) -> bool:
    """Whether looking moved nothing, and a scrape a second makes the loop less than 1 ms later on average."""
    calm = all(not (one["role_changes"] or one["two_owners"] or one["no_owner"]) for one in outcomes)
    alone = {one["interval"]: _mean(one) for one in outcomes if one["scene"] == "nobody"}
    return calm and all(
        _mean(one) - alone[one["interval"]] < 0.001 for one in outcomes if one["scene"] == "prometheus"
    )


def markdown(record: Record) -> str:
    """The table of the page."""
    header = [
        "adverts each", "who looks at the owner", "answers / refused, a second", "loop late on average",
        "99 % / 99.9 % / worst", "snapshots a second, each", "processor", "role changes",
    ]  # fmt: skip
    rows = [_row(one) for one in record.figures["outcomes"]]
    said = f"While it was measured the machine's load was {record.figures['load']:.1f}."
    return "\n\n".join((table(header, rows), f"{record.provenance} {said}"))


def _play(cluster: Cluster, outcome: Outcome, seconds: float) -> lag.Buckets:
    owner = cluster.wait_for_owner(ANSWER_WITHIN)
    before = _look(cluster, owner)
    with played(SCENES[outcome.scene], cluster, owner) as looked:
        began = now()
        time.sleep(seconds)
        until = now()
    time.sleep(SETTLE)
    after, stretch = _look(cluster, owner), watch(cluster, began, until)
    outcome.seconds += after.at - before.at
    outcome.answered += looked.first
    outcome.refused += looked.second
    outcome.role_changes += stretch.role_changes
    outcome.two_owners += stretch.several
    outcome.no_owner += stretch.none
    outcome.processor += after.usage.processor - before.usage.processor
    one, other = before.scrape, after.scrape
    assert one is not None and other is not None, "looked until answered"
    outcome.snapshots += other.snapshots - one.snapshots
    outcome.building += other.building - one.building
    outcome.late += other.late - one.late
    difference = lag.difference(other.lag, one.lag)
    outcome.wakes += lag.count(difference)
    return difference


def _look(cluster: Cluster, node: str) -> Sample:
    deadline = now() + ANSWER_WITHIN
    while (sample := look(cluster, node)).scrape is None:
        if now() > deadline:
            raise TimeoutError(f"node-{node} answers no scrape within {ANSWER_WITHIN:g} s")
        time.sleep(0.2)
    return sample


def _mean(outcome: dict[str, Any]) -> float:
    return float(outcome["late"] / outcome["wakes"]) if outcome["wakes"] else 0.0


def _row(one: dict[str, Any]) -> list[str]:
    seconds, snapshots = one["seconds"], one["snapshots"]
    each = f"{1e6 * one['building'] / snapshots:.0f} µs" if snapshots else "-"
    counted = f"{one['answered'] / seconds:.1f} / {one['refused'] / seconds:.1f}"
    return [
        one["interval"],
        SCENES[one["scene"]].words,
        "-" if one["scene"] == "nobody" else counted,
        f"{1e6 * _mean(one):.0f} µs",
        " / ".join(lag.milliseconds(one["lag"][name]) for name in ("p99", "p99.9", "worst")),
        f"{snapshots / seconds:.1f}, {each}",
        f"{one['processor'] / seconds:.1%}",
        str(one["role_changes"]),
    ]
