"""The dashboard: in step with its code, asking for what there is, and within the rules of Grafana's linter.

The rules are those of github.com/grafana/dashboard-linter (docs/rules), by their names there.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser as promql
import pytest

from grafana.dashboard import FILE, text
from grafana.panels import NODE
from tests.unit.grafana.conftest import misunderstood, nodes_of, selectors

Shown = dict[str, set[str]]
Json = dict[str, Any]

DASHBOARD: Json = json.loads(FILE.read_text())
PANELS: list[Json] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [(panel["title"], target) for panel in PANELS for target in panel["targets"]]
EVERY_PANEL = pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
EVERY_TARGET = pytest.mark.parametrize(
    "target",
    [target for _, target in TARGETS],
    ids=[f"{title}-{target['refId']}" for title, target in TARGETS],
)

VALUES = {"$__rate_interval": "15m", "$__range": "1h", "$job": "a", "$instance": "b", "$group": "c"}
"""What the variables stand for, to be parsed; `15m` is recognised by the rule about rates."""

RATES = {"rate", "irate"}
COUNTED = {"rate", "irate", "increase"}
UNITS = {"none", "short", "s", "bytes", "percentunit", "cps", "dateTimeFromNow"}
"""Of Grafana's units (packages/grafana-data/src/valueFormats/categories.ts) those that we use."""

WITHOUT_INSTANCE = {"ALERTS"}
"""Series of Prometheus's own about groups, not nodes: `instance=~".+"` would hide them."""


def filled(expression: str) -> str:
    for variable, value in VALUES.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression
    return expression


def variable(name: str) -> Json:
    found: list[Json] = [one for one in DASHBOARD["templating"]["list"] if one["name"] == name]
    assert len(found) == 1
    return found[0]


def calls_around_ranges(expression: str) -> Iterator[tuple[str, promql.MatrixSelector]]:
    """Every range in the expression, and the function that it is given to."""
    calls = [part for part in nodes_of(expression) if isinstance(part, promql.Call)]
    for call in calls:
        for argument in call.args:
            if isinstance(argument, promql.MatrixSelector):
                yield call.func.name, argument


def test_the_file_is_what_the_code_writes() -> None:
    assert FILE.read_text() == text(), "write it again: scripts/pages"


def test_its_rows_are_those_that_were_asked_for() -> None:
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == [
        "Now",
        "Roles",
        "Failovers",
        "Checks and hooks",
        "Round trips",
        "Adverts",
        "Lease and loop",
        "Resources",
    ]


def test_no_two_panels_overlap_and_none_is_too_wide() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_panels_have_titles_and_ids_of_their_own() -> None:
    for key in ("title", "id"):
        assert len({panel[key] for panel in PANELS}) == len(PANELS)


# The linter's rules about the whole


def test_template_datasource_rule() -> None:
    source = DASHBOARD["templating"]["list"][0]
    assert (source["name"], source["label"]) == ("datasource", "Data source")
    assert (source["type"], source["query"]) == ("datasource", "prometheus")


@pytest.mark.parametrize("name", ["job", "instance", "group"])
def test_template_job_rule_and_template_instance_rule(name: str) -> None:
    found = variable(name)
    assert (found["type"], found["label"]) == ("query", name.capitalize())
    assert found["datasource"]["uid"] == "${datasource}"
    assert found["multi"]
    assert found["includeAll"]
    assert found["allValue"] == ".+"


@pytest.mark.parametrize("name", ["job", "instance", "group"])
def test_template_label_promql_rule(name: str, shown: Shown) -> None:
    asked = re.fullmatch(rf"label_values\((.+), {name}\)", variable(name)["query"])
    assert asked
    (series,) = selectors(filled(asked[1]))
    assert misunderstood(filled(asked[1]), shown) == []
    assert series.name
    assert name in shown[series.name]


@pytest.mark.parametrize("name", ["job", "instance", "group"])
def test_template_on_time_change_reload_rule(name: str) -> None:
    assert variable(name)["refresh"] == 2


def test_uneditable_dashboard_rule() -> None:
    assert DASHBOARD["editable"] is False


# The linter's rules about panels


@EVERY_PANEL
def test_panel_datasource_rule(panel: Json) -> None:
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@EVERY_PANEL
def test_panel_title_description_rule(panel: Json) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")


@EVERY_PANEL
def test_panel_units_rule(panel: Json) -> None:
    if panel["type"] in {"stat", "table", "timeseries", "bargauge"}:
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS


@EVERY_PANEL
def test_panel_no_targets_rule(panel: Json) -> None:
    assert panel["targets"]


# The linter's rules about queries


@EVERY_TARGET
def test_target_promql_rule(target: Json) -> None:
    assert nodes_of(filled(target["expr"]))


@EVERY_TARGET
def test_target_rate_interval_rule(target: Json) -> None:
    for function, selector in calls_around_ranges(filled(target["expr"])):
        if function in RATES:
            assert selector.range.total_seconds() == 15 * 60, function


@EVERY_TARGET
def test_target_job_rule_and_target_instance_rule(target: Json) -> None:
    for selector in selectors(filled(target["expr"])):
        matchers = {(one.name, str(one.op), one.value) for one in selector.matchers.matchers}
        assert ("job", "MatchOp.Re", "a") in matchers, selector.name
        if selector.name not in WITHOUT_INSTANCE:
            assert ("instance", "MatchOp.Re", "b") in matchers, selector.name


@EVERY_TARGET
def test_target_counter_agg_rule(target: Json) -> None:
    expression = filled(target["expr"])
    counters = [one for one in selectors(expression) if one.name and one.name.endswith("_total")]
    counted = [one for function, one in calls_around_ranges(expression) if function in COUNTED]
    assert len(counters) == len([one for one in counted if str(one.vector_selector.name).endswith("_total")])


# And ours


@EVERY_TARGET
def test_queries_ask_only_for_what_nodes_show(target: Json, shown: Shown) -> None:
    known = {**shown, "ALERTS": {"alertname", "alertstate", "severity", "job", "group"}}
    assert misunderstood(filled(target["expr"]), known) == []


def test_the_marks_of_takeovers_ask_only_for_what_nodes_show(shown: Shown) -> None:
    (mark,) = (one for one in DASHBOARD["annotations"]["list"] if one["name"] == "Takeovers")
    assert misunderstood(filled(mark["expr"]), shown) == []
    assert NODE in mark["expr"]
