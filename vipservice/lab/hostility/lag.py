"""Histograms of lateness as Prometheus keeps them, and what can honestly be read off them.

A bucket says only that a value was not greater than its upper end, so every quantile here is such an end: the
true one is at most that.
"""

from collections.abc import Iterable, Mapping
from math import inf

Buckets = Mapping[float, float]
"""Upper end in seconds to how many were not greater: cumulative, as they are scraped."""


SHARES = (50, 99, 99.9, 99.99)
"""The quantiles that are shown, per cent."""


def difference(after: Buckets, before: Buckets) -> dict[float, float]:
    """What came between two scrapes of one daemon's life."""
    return {end: count - before.get(end, 0.0) for end, count in after.items()}


def total(several: Iterable[Buckets]) -> dict[float, float]:
    """All of them together; they have the same buckets."""
    summed: dict[float, float] = {}
    for buckets in several:
        for end, count in buckets.items():
            summed[end] = summed.get(end, 0.0) + count
    return summed


def count(buckets: Buckets) -> float:
    """How many values there are."""
    return max(buckets.values(), default=0.0)


def quantile(buckets: Buckets, share: float) -> float:
    """The least bucket's end below or at which `share` of the values lie; 0 where there are none."""
    wanted = share * count(buckets)
    if not wanted:
        return 0.0
    return next(end for end, below in sorted(buckets.items()) if below >= wanted)


def worst(buckets: Buckets) -> float:
    """The end of the last bucket that has a value of its own; infinite where that is the open one."""
    return quantile(buckets, 1.0)


def figures(buckets: Buckets) -> dict[str, float | None]:
    """What a record keeps: how many, the quantiles of `SHARES`, the worst; None for the open end."""
    ends = {f"p{share:g}": quantile(buckets, share / 100) for share in SHARES}
    ends["worst"] = worst(buckets)
    return {"count": count(buckets), **{name: None if end == inf else end for name, end in ends.items()}}


def milliseconds(end: float | None) -> str:
    """An upper end in words for a table; None for the open one."""
    return "over 1 s" if end is None else f"≤ {end * 1e3:g} ms"
