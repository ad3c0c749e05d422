"""A long run of three nodes at a short interval with a Prometheus looking on: does anything grow or move?"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

from vipservice.lab.client import SETTLE
from vipservice.lab.clock import now
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.hostility import lag
from vipservice.lab.hostility.journal import Entries, Journal
from vipservice.lab.hostility.machine import Noise, load, stolen
from vipservice.lab.hostility.scraping import Sample, Scraper
from vipservice.lab.hostility.watching import watch
from vipservice.lab.results import Record, table, take

STRETCH = 60.0
"""Seconds between two looks at the kernels' record and the client's, more or less."""

WARM_UP = 0.1
"""The share of the run at whose end the growth begins to count: caches fill, every page is seen once."""

MEBIBYTE = 2**20
HOUR = 3600.0
ALLOWED_GROWTH = 1.0
"""MiB that the median resident memory of the last tenth may lie above that of the first one counted."""


def soak(interval: str, seconds: float, journal: Path, announce: Callable[[str], None]) -> Record:
    """Run it; what came of it.

    Raises:
        TimeoutError: The cluster did not come up.
        EventsLostError: Nothing can be said about the owners.
    """
    command = f"sudo scripts/hostility --soak {seconds / 60:g}m --interval {interval}"
    with Cluster(("a", "b", "c"), interval=interval, gateway=True) as cluster:
        cluster.start(*cluster.daemons)
        cluster.wait_until_whole()
        with Journal(journal) as written, Noise() as noise, Scraper(cluster, written.sample):
            written.run(take("soak", command, {"interval": interval}))
            _watch(cluster, seconds, written, noise, announce)
    return again(journal)


def again(journal: Path) -> Record:
    """What came of the run of which this is the journal, whole or not.

    Raises:
        ValueError: It says nothing about its run.
    """
    entries = Entries(journal)
    if entries.run is None:
        raise ValueError(f"{journal} does not say what run it is of")
    return replace(entries.run, figures={**entries.run.figures, **summary(entries)})


def _watch(
    cluster: Cluster, seconds: float, journal: Journal, noise: Noise, announce: Callable[[str], None]
) -> None:
    since, robbed = now(), stolen()
    count = max(1, round(seconds / STRETCH))
    for number in range(1, count + 1):
        until = since + seconds / count
        time.sleep(max(0.0, until - now()) + SETTLE)
        stretch = watch(cluster, since, until)
        before, robbed = robbed, stolen()
        journal.stretch(stretch, load(), robbed - before)
        journal.noise(noise.so_far(), noise.worst())
        if not stretch.calm:
            announce(f"not calm: {stretch}\n{cluster.report()}")
        announce(f"minute {number} of {count}, calm: {stretch.calm}, load {load():.1f}")
        since = until


def summary(entries: Entries) -> dict[str, Any]:
    """The figures of a run, from its journal."""
    stretches = entries.stretches
    nodes = sorted({sample.node for sample in entries.samples})
    return {
        "minutes": round((stretches[-1].until - stretches[0].since) / 60, 1),
        "role_changes": sum(one.role_changes for one in stretches),
        "moves": sum(one.moves for one in stretches),
        "several_seconds": sum(one.several for one in stretches),
        "none_seconds": sum(one.none for one in stretches),
        "stalls": sum(one.stalls for one in stretches),
        "pings_lost": sum(one.lost for one in stretches),
        "longest_gap": max(one.gap for one in stretches),
        "client_pause": max(one.pause for one in stretches),
        "load": {"median": median(entries.loads), "most": max(entries.loads)},
        "stolen_seconds": sum(entries.stolen) if entries.stolen else None,
        "unrest": [unrest(entries, number) for number, one in enumerate(stretches, 1) if not one.calm],
        "noise": {**lag.figures(entries.noise), "worst_exact": entries.noise_worst},
        "nodes": {
            node: node_figures([sample for sample in entries.samples if sample.node == node])
            for node in nodes
        },
    }


def unrest(entries: Entries, number: int) -> dict[str, Any]:
    """A stretch in which something moved, and how late the latest loop was in it."""
    stretch = entries.stretches[number - 1]
    around = (stretch.since - 1.5, stretch.until + 1.5)
    within = [one for one in entries.samples if one.scrape and around[0] <= one.at <= around[1]]
    late = [
        lag.worst(lag.difference(scrapes[-1].lag, scrapes[0].lag))
        for node in {one.node for one in within}
        if (scrapes := [one.scrape for one in within if one.node == node and one.scrape])
    ]
    return {
        "minute": number,
        "role_changes": stretch.role_changes,
        "none_seconds": stretch.none,
        "several_seconds": stretch.several,
        "stalls": stretch.stalls,
        "late": _closed(max(late, default=0.0)),
    }


def _closed(end: float) -> float | None:
    """An upper end as a record keeps it: None for the open one."""
    return None if end == inf else end


def node_figures(samples: Sequence[Sample]) -> dict[str, Any]:
    """What one node took and how late it was, over its samples in order."""
    answered = [sample.scrape for sample in samples if sample.scrape is not None]
    counted = samples[int(len(samples) * WARM_UP) :]
    resident = [sample.usage.resident / MEBIBYTE for sample in counted]
    hours = (samples[-1].at - samples[0].at) / HOUR
    leases = [scrape.lease_left for scrape in answered if scrape.lease_left]
    return {
        "samples": len(samples),
        "scrapes_failed": len(samples) - len(answered),
        "scrape_median": median(scrape.seconds for scrape in answered),
        "scrape_worst": max(scrape.seconds for scrape in answered),
        "resident_start": samples[0].usage.resident / MEBIBYTE,
        "resident_end": resident[-1],
        "resident_growth": _growth(resident),
        "resident_per_hour": linear_regression([one.at / HOUR for one in counted], resident).slope,
        "descriptors": _range([one.usage.descriptors for one in counted]),
        "threads": _range([one.usage.threads for one in counted]),
        "processor": (samples[-1].usage.processor - samples[0].usage.processor) / (hours * HOUR),
        "flaps": answered[-1].flaps - answered[0].flaps,
        "owners_not_one": sum(scrape.owners != 1 for scrape in answered),
        "least_lease_left": min(leases, default=None),
        "lag": lag.figures(lag.difference(answered[-1].lag, answered[0].lag)),
    }


def held(figures: dict[str, Any]) -> bool:
    """Whether nothing moved, nothing was missing and nothing grew."""
    nodes = figures["nodes"].values()
    moved = any(figures[one] for one in ("role_changes", "moves", "several_seconds", "none_seconds"))
    flapped = any(node["flaps"] or node["owners_not_one"] for node in nodes)
    return not (moved or flapped or any(_grows(node) for node in nodes))


def markdown(record: Record) -> str:
    """The tables of the page."""
    figures = record.figures
    return "\n\n".join(
        (_story(figures), _node_table(figures["nodes"]), _lag_table(figures), record.provenance)
    )


def _grows(node: dict[str, Any]) -> bool:
    return bool(node["resident_growth"] > ALLOWED_GROWTH or node["descriptors"]["growth"] > 0)


def _growth(numbers: Sequence[float]) -> float:
    """The median of the last tenth less that of the first: a slope would be bent by one odd sample."""
    part = max(1, len(numbers) // 10)
    return median(numbers[-part:]) - median(numbers[:part])


def _range(numbers: Sequence[int]) -> dict[str, float]:
    return {"least": min(numbers), "most": max(numbers), "growth": _growth(numbers)}


def _story(figures: dict[str, Any]) -> str:
    load = figures["load"]
    return (
        f"Three nodes and a gateway at {figures['interval']}, each scraped once a second over the LAN, for "
        f"{figures['minutes']:g} minutes: {figures['role_changes']} role changes, {figures['moves']} moves, "
        f"{figures['several_seconds']:.3g} s with two owners, {figures['none_seconds']:.3g} s without one. "
        f"The client asked every millisecond: {figures['pings_lost']} pings were lost, the longest time "
        f"between two answers was {figures['longest_gap'] * 1e3:.1f} ms (its own pauses, up to "
        f"{figures['client_pause'] * 1e3:.0f} ms, not counted). The nodes noticed {figures['stalls']} stalls "
        f"of their own. Load average of the machine: median {load['median']:.1f}, at most {load['most']:.1f}"
        f"{_robbed(figures)}." + "".join(_trouble(one) for one in figures["unrest"])
    )


def _robbed(figures: dict[str, Any]) -> str:
    """How much the hypervisor took; nothing where the run did not look."""
    seconds = figures["stolen_seconds"]
    return "" if seconds is None else f"; its hypervisor kept its processors for {seconds:.0f} s altogether"


def _trouble(one: dict[str, Any]) -> str:
    """A sentence about a stretch in which something moved."""
    return (
        f" In minute {one['minute']} there were {one['role_changes']} role changes, "
        f"{one['none_seconds']:.3f} s without an owner and {one['several_seconds']:.3f} s with two; "
        f"{one['stalls']} times a node stood still, and the latest loop was {_late(one['late'])} late."
    )


def _late(end: float | None) -> str:
    return "more than 1 s" if end is None else f"at most {end * 1e3:g} ms"


def _node_table(nodes: dict[str, Any]) -> str:
    header = [
        "node",
        "resident, start -> end",
        "growth (after warming up)",
        "slope",
        "descriptors",
        "threads",
        "processor",
        "least lease left",
        "scrape, median (worst)",
    ]
    return table(header, [_node_row(name, node) for name, node in nodes.items()])


def _node_row(name: str, node: dict[str, Any]) -> list[str]:
    lease = node["least_lease_left"]
    return [
        f"node-{name}",
        f"{node['resident_start']:.1f} -> {node['resident_end']:.1f} MiB",
        f"{node['resident_growth']:+.2f} MiB",
        f"{node['resident_per_hour']:+.2f} MiB/h",
        _span(node["descriptors"]),
        _span(node["threads"]),
        f"{node['processor']:.1%}",
        "-" if lease is None else f"{lease:.2f} s",
        f"{node['scrape_median'] * 1e3:.1f} ms ({node['scrape_worst'] * 1e3:.0f} ms)",
    ]


def _span(numbers: dict[str, float]) -> str:
    least, most = numbers["least"], numbers["most"]
    return f"{least:g}" if least == most else f"{least:g} to {most:g}"


def _lag_table(figures: dict[str, Any]) -> str:
    sleeper = figures["noise"]
    rows = [_lag_row(f"loop of node-{name}", node["lag"]) for name, node in figures["nodes"].items()]
    rows.append(_lag_row("a real-time process that only sleeps", sleeper))
    return table(["late by", "times", *(f"{share} %" for share in lag.SHARES), "worst"], rows)


def _lag_row(name: str, figures: dict[str, Any]) -> list[str]:
    ends = [figures[f"p{share:g}"] for share in lag.SHARES]
    return [name, f"{figures['count']:.0f}", *map(lag.milliseconds, [*ends, figures["worst"]])]
