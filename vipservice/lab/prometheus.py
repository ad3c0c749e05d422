"""A real Prometheus on a host of the lab: it scrapes the nodes, evaluates rules, and is asked what it knows.

Its database lives in the host's own /run, which is memory and goes with the host.
"""

import http.client
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from vipservice.lab.clock import wait_until
from vipservice.lab.hosts import Host

PROGRAM = "prometheus"
PORT = 9090
METRICS_PORT = 10234
JOB = "vipservice"
FOLDER = Path("/run/prometheus")

START_TIMEOUT = 30.0
ANSWER_TIMEOUT = 10.0

CONFIG = """\
global:
  scrape_interval: {interval}
  scrape_timeout: {interval}
  evaluation_interval: {interval}
rule_files: {rules}
scrape_configs:
  - job_name: {job}
    static_configs:
      - targets: {targets}
"""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: its labels, and its samples as (seconds since the epoch, number)."""

    labels: Mapping[str, str]
    samples: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The last number."""
        return self.samples[-1][1]


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that Prometheus has on its list."""

    name: str
    state: str
    """`pending` or `firing`."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class PrometheusError(Exception):
    """It refused a question; the message is its own."""


class Prometheus:
    """`prometheus` on a host, from its making to the host's end.

    Args:
        host: Where it runs.
        targets: Addresses (host:port) of the nodes' metrics.
        rules: Files of recording and alerting rules.
        interval: Between scrapes, and between evaluations of the rules.
    """

    def __init__(
        self, host: Host, targets: Sequence[str], rules: Sequence[Path] = (), *, interval: str = "1s"
    ) -> None:
        self.host = host
        folder = host.root / FOLDER.relative_to("/")
        folder.mkdir()
        config = CONFIG.format(
            interval=interval,
            job=JOB,
            rules=json.dumps([str(path.resolve()) for path in rules]),
            targets=json.dumps(list(targets)),
        )
        (folder / "prometheus.yml").write_text(config, encoding="utf-8")
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = host.spawn(_command(), stdout=log, stderr=subprocess.STDOUT)
        wait_until(self._ready, START_TIMEOUT, f"Prometheus on {host.name}")

    def value(self, query: str, at: float | None = None) -> float:
        """The one number that a query gives.

        Raises:
            LookupError: It gives none, or several.
        """
        found = self.query(query, at)
        if len(found) != 1:
            raise LookupError(f"{query}: {len(found)} series instead of one: {found}")
        return found[0].value

    def query(self, query: str, at: float | None = None) -> list[Series]:
        """What an expression gives, now or at a moment of the wall clock."""
        parameters = {"query": query} if at is None else {"query": query, "time": f"{at:.3f}"}
        return _series(self.api("/api/v1/query", parameters))

    def query_range(self, query: str, start: float, end: float, step: float) -> list[Series]:
        """What an expression gave in a window of the wall clock."""
        window = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        return _series(self.api("/api/v1/query_range", {"query": query, **window}))

    def alerts(self) -> list[Alert]:
        """Alerts that are pending or fire."""
        return [
            Alert(
                name=one["labels"]["alertname"],
                state=one["state"],
                labels={key: value for key, value in one["labels"].items() if key != "alertname"},
                annotations=one["annotations"],
            )
            for one in self.api("/api/v1/alerts")["alerts"]
        ]

    def firing(self) -> set[str]:
        """Names of the alerts that fire."""
        return {alert.name for alert in self.alerts() if alert.state == "firing"}

    def api(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """The `data` of what its HTTP API answers.

        Raises:
            PrometheusError: It refuses, a query with a mistake say.
            OSError: It doesn't answer.
        """
        target = f"{path}?{urlencode(parameters)}" if parameters else path
        status, body = self.host.in_network(lambda: _get(target))
        try:
            answer = json.loads(body)
        except ValueError as error:
            raise PrometheusError(f"{path}: HTTP {status}: {body[:200]!r}") from error
        if answer["status"] != "success":
            raise PrometheusError(answer["error"])
        return answer["data"]

    def log_text(self) -> str:
        """What it wrote, for a failed test to show."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _ready(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"Prometheus ended with {self._process.returncode}:\n{self.log_text()}")
        try:
            return self.host.in_network(lambda: _get("/-/ready"))[0] == http.client.OK
        except OSError:
            return False


def _command() -> tuple[str, ...]:
    return (
        PROGRAM,
        f"--config.file={FOLDER / 'prometheus.yml'}",
        f"--storage.tsdb.path={FOLDER / 'data'}",
        "--storage.tsdb.retention.size=256MB",
        f"--web.listen-address=127.0.0.1:{PORT}",
        "--log.level=warn",
    )


def _get(target: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=ANSWER_TIMEOUT)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _series(data: Any) -> list[Series]:
    """Vectors and matrices alike."""
    if data["resultType"] == "scalar":
        return [Series({}, (_sample(data["result"]),))]
    return [
        Series(one["metric"], tuple(map(_sample, one.get("values") or [one["value"]])))
        for one in data["result"]
    ]


def _sample(pair: Sequence[Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])
