"""The rules as Prometheus reads them, alert by alert, and the runbook that each alert names."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.grafana.conftest import ALERTS, RULES, misunderstood, rules_of, tool

RULE_TESTS = Path("grafana/tests/alerts.yml")
RUNBOOKS = Path("docs/runbooks.md")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)

ALERT_RULES = rules_of(ALERTS)
NAMES = [rule["alert"] for rule in ALERT_RULES]
EVERY_ALERT = pytest.mark.parametrize("rule", ALERT_RULES, ids=NAMES)

Shown = dict[str, set[str]]


def anchors(page: Path) -> set[str]:
    """The anchors that Markdown's readers give the headings of a page."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(page.read_text())
    }


def test_prometheus_reads_the_rules() -> None:
    said = tool("promtool", "check", "rules", ALERTS, RULES)
    assert f"{len(ALERT_RULES)} rules found" in said


@pytest.mark.timeout(300)  # 15 s of processor time, which a machine that does ten other things gives late
def test_each_alert_fires_when_it_should_and_is_quiet_otherwise() -> None:
    assert "SUCCESS" in tool("promtool", "test", "rules", RULE_TESTS)


def test_each_alert_has_a_moment_at_which_it_fires_and_one_at_which_it_does_not() -> None:
    asked = [
        test for case in yaml.safe_load(RULE_TESTS.read_text())["tests"] for test in case["alert_rule_test"]
    ]
    fires = {test["alertname"] for test in asked if test["exp_alerts"]}
    quiet = {test["alertname"] for test in asked if not test["exp_alerts"]}
    assert set(NAMES) == fires == quiet


def test_no_alert_has_the_name_of_another() -> None:
    assert len(NAMES) == len(set(NAMES))


@EVERY_ALERT
def test_an_alert_says_how_grave_it_is_what_it_means_and_where_to_read_on(rule: dict[str, Any]) -> None:
    name, annotations = rule["alert"], rule["annotations"]
    assert re.fullmatch(r"Vipservice([A-Z][a-z]+)+", name)
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(annotations) == {"summary", "description", "runbook_url"}
    assert "{{ $labels." in annotations["summary"]
    assert len(annotations["summary"]) < 110
    page, _, anchor = annotations["runbook_url"].partition("#")
    assert anchor == name.lower()
    assert anchor in anchors(Path(page))


@pytest.mark.parametrize("path", [ALERTS, RULES], ids=str)
def test_the_rules_ask_only_for_what_nodes_show(path: Path, shown: Shown) -> None:
    wrong = {
        rule.get("alert") or rule["record"]: problems
        for rule in rules_of(path)
        if (problems := misunderstood(rule["expr"], shown))
    }
    assert wrong == {}


def test_the_runbooks_have_no_section_for_an_alert_that_is_gone() -> None:
    sections = {heading for heading in HEADING.findall(RUNBOOKS.read_text()) if heading.startswith("Vip")}
    assert sections == set(NAMES)


def test_links_within_the_runbooks_lead_somewhere() -> None:
    targets = set(re.findall(r"\]\(#([\w-]+)\)", RUNBOOKS.read_text()))
    assert targets <= anchors(RUNBOOKS)
