"""The example files, put where their own comments say, as the programs that read them take them."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana.dashboard import FILE
from tests.unit.grafana.conftest import ALERTS, RULES, rules_of, tool

EXAMPLES = Path("examples")
PROMETHEUS = EXAMPLES / "prometheus/prometheus.yml"
ALERTMANAGER = EXAMPLES / "alertmanager/alertmanager.yml"
PROVISIONING = EXAMPLES / "grafana/provisioning"
COPY = re.compile(r"\bcp (?:-r )?(\S+) (/\S+)")

ALL = [PROMETHEUS, ALERTMANAGER, *sorted(PROVISIONING.glob("*/*.yml"))]


def copies(example: Path) -> list[tuple[Path, Path]]:
    """What the comment at its head says to copy, and where to."""
    return [(Path(source), Path(target)) for source, target in COPY.findall(example.read_text())]


def follow(example: Path, root: Path) -> None:
    """Do what the comment says, with `root` instead of /."""
    for source, target in copies(example):
        inside = root / target.relative_to("/")
        inside.parent.mkdir(parents=True, exist_ok=True)
        if example.read_text().count(f"{target}/"):
            inside.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, inside / source.name, dirs_exist_ok=True)
        else:
            shutil.copy(source, inside)


@pytest.fixture
def provisioned(tmp_path: Path) -> Path:
    for example in sorted(PROVISIONING.glob("*/*.yml")):
        follow(example, tmp_path)
    return tmp_path


def in_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize("example", ALL, ids=str)
def test_each_example_says_where_to_put_it_and_what_it_names_exists(example: Path) -> None:
    assert copies(example)
    for source, _ in copies(example):
        assert source.exists()


def test_prometheus_reads_its_example_and_finds_the_rules(tmp_path: Path) -> None:
    follow(PROMETHEUS, tmp_path)
    said = tool("promtool", "check", "config", tmp_path / "etc/prometheus/prometheus.yml")
    assert "2 rule files found" in said
    for path in (RULES, ALERTS):
        assert f"{len(rules_of(path))} rules found" in said


def test_prometheus_reads_its_example_with_everything_that_is_commented_out(tmp_path: Path) -> None:
    text = re.sub(
        r"^    # (?=http_sd|  - url|scheme|tls|basic)", "    ", PROMETHEUS.read_text(), flags=re.MULTILINE
    )
    text = text.replace("/etc/prometheus/vipservice", str(tmp_path / "x"))
    for name in ("x-ca.pem", "x.password"):
        (tmp_path / name).touch()
    (tmp_path / "prometheus.yml").write_text(text)
    job = in_yaml(tmp_path / "prometheus.yml")["scrape_configs"][0]
    assert {"http_sd_configs", "scheme", "tls_config", "basic_auth"} <= set(job)
    assert {one["url"].partition(":10234")[2] for one in job["http_sd_configs"]} == {"/sd"}
    tool("promtool", "check", "config", "--syntax-only", tmp_path / "prometheus.yml")


def test_the_rules_take_the_example_for_one_of_their_jobs() -> None:
    (job,) = in_yaml(PROMETHEUS)["scrape_configs"]
    down = next(rule for rule in rules_of(ALERTS) if rule["alert"] == "VipserviceNodeDown")
    matched = re.search(r'job=~"([^"]+)"', down["expr"])
    assert matched
    assert re.fullmatch(matched[1], job["job_name"])


def test_no_alert_waits_for_less_than_twice_the_scrape_interval_of_the_example() -> None:
    interval = int(in_yaml(PROMETHEUS)["global"]["scrape_interval"].removesuffix("s"))
    sums = [rule for rule in rules_of(ALERTS) if "group_address:" in rule["expr"]]
    assert sums
    for rule in sums:
        assert int(rule["for"].removesuffix("s")) >= 2 * interval, rule["alert"]


def test_alertmanager_reads_its_example() -> None:
    assert "3 inhibit rules" in tool("amtool", "check-config", ALERTMANAGER)


@pytest.mark.parametrize("rule", rules_of(ALERTS), ids=lambda rule: rule["alert"])
def test_alertmanager_wakes_somebody_for_what_is_critical_only(rule: dict[str, Any]) -> None:
    severity = rule["labels"]["severity"]
    said = tool(
        "amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}",
        f"alertname={rule['alert']}", f"severity={severity}",
    )  # fmt: skip
    assert said.split()[0] == {"critical": "on-call", "warning": "daytime", "info": "nobody"}[severity]


def test_alertmanager_holds_back_only_alerts_that_exist() -> None:
    known = {rule["alert"] for rule in rules_of(ALERTS)}
    named = set(re.findall(r"Vipservice[A-Z]\w+", ALERTMANAGER.read_text()))
    assert named <= known


def test_grafana_finds_the_dashboard_where_the_provider_looks(provisioned: Path) -> None:
    found = in_yaml(provisioned / "etc/grafana/provisioning/dashboards/vipservice.yml")
    assert found["apiVersion"] == 1
    (provider,) = found["providers"]
    assert provider["type"] == "file"
    folder = provisioned / provider["options"]["path"].removeprefix("/")
    assert [path.name for path in folder.glob("*.json")] == [FILE.name]


def test_grafana_gets_a_data_source_as_the_dashboard_wants_it(provisioned: Path) -> None:
    found = in_yaml(provisioned / "etc/grafana/provisioning/datasources/vipservice.yml")
    assert found["apiVersion"] == 1
    (source,) = found["datasources"]
    assert {"name", "type", "access", "url"} <= set(source)
    assert source["type"] == "prometheus"
    interval = in_yaml(PROMETHEUS)["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == interval
