"""What Prometheus answers to the dashboard's questions, asked as Grafana would ask them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grafana.dashboard import FILE
from vipservice.lab.prometheus import Prometheus, Series

EVERYTHING = ".+"
SCRAPES = 4
"""`$__rate_interval` is so many scrape intervals, and at least one step more than one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one query of a panel gave."""

    reference: str
    legend: str
    instant: bool
    series: Sequence[Series]

    def names(self) -> list[str]:
        """What each series is called in the legend."""
        return [called(self.legend, series.labels) for series in self.series]


@dataclass(frozen=True, slots=True)
class Window:
    """What the dashboard shows: from when to when (wall clock), and how finely, seconds."""

    start: float
    end: float
    step: float = 1.0
    scrape_interval: float = 1.0

    def fill(self, expression: str) -> str:
        """The expression with Grafana's variables replaced."""
        rate_interval = max(self.step + self.scrape_interval, SCRAPES * self.scrape_interval)
        values = {
            "$__rate_interval": f"{rate_interval:g}s",
            "$__range": f"{self.end - self.start:.0f}s",
            **dict.fromkeys(("$job", "$instance", "$group"), EVERYTHING),
        }
        for variable, value in values.items():
            expression = expression.replace(variable, value)
        return expression


def panels(file: Path = FILE) -> dict[str, dict[str, Any]]:
    """The panels of the dashboard by their titles, without the rows."""
    found = json.loads(file.read_text())["panels"]
    return {panel["title"]: panel for panel in found if panel["type"] != "row"}


def ask(prometheus: Prometheus, panel: Mapping[str, Any], window: Window) -> list[Answer]:
    """Ask every query of a panel; instant ones at the window's end."""
    return [_ask(prometheus, target, window) for target in panel["targets"]]


def called(legend: str, labels: Mapping[str, str]) -> str:
    """The legend's name of a series: {{label}} stands for the label's value."""
    for label, value in labels.items():
        legend = legend.replace(f"{{{{{label}}}}}", value)
    return legend


def _ask(prometheus: Prometheus, target: Mapping[str, Any], window: Window) -> Answer:
    expression = window.fill(target["expr"])
    instant = bool(target.get("instant"))
    if instant:
        series = prometheus.query(expression, at=window.end)
    else:
        series = prometheus.query_range(expression, window.start, window.end, window.step)
    return Answer(target["refId"], target.get("legendFormat", ""), instant, series)
