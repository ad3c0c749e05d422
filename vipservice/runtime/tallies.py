"""What the loop counts in every round, kept as plain numbers and shown to Prometheus when it asks.

A child of prometheus-client's Counter takes a lock and five calls for each step, its Histogram twice that and
a walk over the buckets: measured in a daemon that has slept an interval, 60 us of a round. These take a
dictionary's or a list's item. A scrape reads them from another thread, number by number: each is whole.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from vipservice.core.messages import Path
from vipservice.runtime.declarations import Declaration


class PathTally(Collector):
    """How many adverts went each path."""

    def __init__(self, declared: Declaration) -> None:
        self._declared = declared
        self._counts = dict.fromkeys(Path, 0)

    def inc(self, path: Path) -> None:
        """One more went this path."""
        self._counts[path] += 1

    def collect(self) -> Iterator[CounterMetricFamily]:
        """For a scrape: all paths, zeros too."""
        family = CounterMetricFamily(self._declared.name, self._declared.text, labels=self._declared.labels)
        for path, count in self._counts.items():
            family.add_metric([path.value], count)
        yield family


class Distribution(Collector):
    """How often a number was how great: a histogram without labels."""

    def __init__(self, declared: Declaration) -> None:
        self._declared = declared
        self._bounds = declared.buckets
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def observe(self, amount: float) -> None:
        """It was this great; a bucket takes what equals its bound."""
        self._counts[bisect_left(self._bounds, amount)] += 1
        self._sum += amount

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """For a scrape: each bucket with all that is not above its bound."""
        buckets = list(zip((*map(str, self._bounds), "+Inf"), accumulate(list(self._counts)), strict=True))
        family = HistogramMetricFamily(self._declared.name, self._declared.text)
        family.add_metric([], buckets, self._sum)
        yield family
