"""What the rules and the dashboard ask for, and what nodes really show."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from vipservice.runtime.declarations import Kind, declared

ALERTS = Path("grafana/alerts/vipservice.yml")
RULES = Path("grafana/rules/vipservice.yml")

SCRAPED = {"job", "instance"}
NOT_OURS = (
    "up",
    "process_start_time_seconds",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_max_fds",
)
"""Of Prometheus itself, and of prometheus_client on Linux."""


def rules_of(path: Path) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def tool(name: str, *words: str | Path) -> str:
    """Run a checker to its end: what it said, where it was content."""
    path = shutil.which(name)
    assert path, f"{name} is missing: scripts/test installs it"
    done = subprocess.run((path, *words), capture_output=True, text=True, timeout=290, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def nodes_of(expression: str) -> list[promql.Expr]:
    """Every part of an expression."""
    found: list[promql.Expr] = []
    promql.walk(promql.parse(expression), found.append)
    return found


def selectors(expression: str) -> list[promql.VectorSelector]:
    return [part for part in nodes_of(expression) if isinstance(part, promql.VectorSelector)]


def misunderstood(expression: str, shown: dict[str, set[str]]) -> list[str]:
    """What the expression asks for that no node shows."""
    found = []
    for selector in selectors(expression):
        if selector.name not in shown:
            found.append(f"there is no series {selector.name}")
            continue
        found += [
            f"{selector.name} has no label {matcher.name}"
            for matcher in selector.matchers.matchers
            if matcher.name not in shown[selector.name]
        ]
    return found


@pytest.fixture(scope="session")
def shown() -> dict[str, set[str]]:
    """Every series that there is, with its labels: those of the nodes, and those of the recording rules."""
    found = dict(_series())
    for rule in rules_of(RULES):
        outermost = next(part for part in nodes_of(rule["expr"]) if isinstance(part, promql.AggregateExpr))
        assert outermost.modifier, rule
        found[rule["record"]] = set(outermost.modifier.labels) - {"le"}
    return found


def _series() -> Iterator[tuple[str, set[str]]]:
    for one in declared():
        labels = {*one.labels, *SCRAPED}
        if one.kind is Kind.HISTOGRAM:
            yield f"{one.name}_bucket", {*labels, "le"}
            yield f"{one.name}_sum", labels
            yield f"{one.name}_count", labels
        else:
            yield one.name, labels
    for name in NOT_OURS:
        yield name, SCRAPED
