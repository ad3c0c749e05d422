"""What each node tells a Prometheus, over the LAN, and what its process takes."""

import contextlib
import http.client
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf
from types import TracebackType
from typing import Any, Self

import psutil
from prometheus_client.parser import text_string_to_metric_families

from vipservice.config.settings import DEFAULT_METRICS_PORT
from vipservice.lab.clock import now
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.hostility.lag import Buckets

LAG = "vipservice_loop_lag_seconds_bucket"
TIMEOUT = 5.0
"""Seconds a scrape may take."""

JOIN_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a daemon's process has taken."""

    resident: int
    """Bytes."""
    descriptors: int
    threads: int
    processor: float
    """Seconds since its start, user and system."""


@dataclass(frozen=True, slots=True)
class Scrape:
    """One answer of `/metrics`."""

    seconds: float
    """How long it took, connecting included."""
    lag: Buckets
    flaps: float
    owners: float
    """How many owners the node knows of."""
    lease_left: float
    """Seconds; 0 where the node does not hold the address."""
    late: float
    """Seconds, of all wakes of the loop together."""
    snapshots: float
    """Built by the loop for those who look."""
    building: float
    """Seconds that took."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A look at one node, at a moment of the lab's clock."""

    at: float
    node: str
    usage: Usage
    scrape: Scrape | None
    """None where it gave no answer in time, or not the whole of it."""


class Scraper:
    """Looks at every node each `period` seconds for the length of a block; `take` gets the samples."""

    def __init__(self, cluster: Cluster, take: Callable[[Sample], None], period: float = 1.0) -> None:
        self._cluster = cluster
        self._take = take
        self._period = period
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(name,), name=f"scrapes of {name}", daemon=True)
            for name in cluster.daemons
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(JOIN_TIMEOUT)

    def _work(self, name: str) -> None:
        self._cluster.lan.client.in_network(lambda: self._look_until_the_end(name))

    def _look_until_the_end(self, name: str) -> None:
        due = now()
        while not self._ended.wait(max(0.0, due - now())):
            due = max(due + self._period, now())
            with contextlib.suppress(psutil.Error):  # a daemon that has ended is in the log, and no owner
                self._take(_look(self._cluster, name))


def look(cluster: Cluster, name: str) -> Sample:
    """One sample of one node, now."""
    return cluster.lan.client.in_network(lambda: _look(cluster, name))


def usage(process: int) -> Usage:
    """What a process takes now, by its id."""
    seen = psutil.Process(process)
    with seen.oneshot():
        times = seen.cpu_times()
        return Usage(
            resident=seen.memory_info().rss,
            descriptors=seen.num_fds(),
            threads=seen.num_threads(),
            processor=times.user + times.system,
        )


def _look(cluster: Cluster, name: str) -> Sample:
    taken = usage(cluster.daemons[name].process.pid)
    return Sample(now(), name, taken, _scrape(str(cluster.lan.address_of(name))))


def _scrape(address: str) -> Scrape | None:
    began = now()
    connection = http.client.HTTPConnection(address, DEFAULT_METRICS_PORT, timeout=TIMEOUT)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return read_scrape(text, now() - began) if answer.status == http.HTTPStatus.OK else None


def read_scrape(text: str, seconds: float) -> Scrape:
    """Take what counts out of an answer of `/metrics`."""
    lag: dict[float, float] = {}
    sums: dict[str, float] = {}
    for sample in _samples(text):
        if sample.name == LAG:
            end = sample.labels["le"]
            lag[inf if end == "+Inf" else float(end)] = sample.value
        else:
            sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return Scrape(
        seconds=seconds,
        lag=lag,
        flaps=sums.get("vipservice_flaps_total", 0.0),
        owners=sums.get("vipservice_owners_observed", 0.0),
        lease_left=sums.get("vipservice_lease_remaining_seconds", 0.0),
        late=sums.get("vipservice_loop_lag_seconds_sum", 0.0),
        snapshots=sums.get("vipservice_snapshot_duration_seconds_count", 0.0),
        building=sums.get("vipservice_snapshot_duration_seconds_sum", 0.0),
    )


def _samples(text: str) -> Iterator[Any]:
    for family in text_string_to_metric_families(text):
        yield from family.samples
