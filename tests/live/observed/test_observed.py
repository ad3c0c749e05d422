"""What a real node shows while real things happen: scrape, history, exemplars, the list of nodes."""

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from vipservice.lab.clock import wait_until
from vipservice.lab.demo.cluster import VIP, Cluster

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster(("a", "b"), gateway=True) as made:
        made.start("a", "b")
        made.wait_until_whole()
        yield made


def get(cluster: Cluster, node: str, path: str, headers: dict[str, str] | None = None) -> str:
    """Ask the node's HTTP server, from the node itself."""
    request = urllib.request.Request(f"http://127.0.0.1:10234{path}", headers=headers or {})

    def ask() -> str:
        with urllib.request.urlopen(request, timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    return cluster.lan.node(node).inside(ask)


def history(cluster: Cluster, node: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(get(cluster, node, "/api/v1/history"))
    return entries


def test_promtool_finds_nothing_to_say_about_a_live_scrape(cluster: Cluster) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: scripts/test installs it")
    scrape = get(cluster, "a", "/metrics").encode()
    checked = subprocess.run([promtool, "check", "metrics"], input=scrape, capture_output=True, check=False)
    said = (checked.stdout + checked.stderr).decode()
    assert (checked.returncode, said) == (0, "")


def test_a_takeover_is_in_history_exemplars_and_metrics_under_one_id(cluster: Cluster) -> None:
    owner = cluster.wait_for_owner(5)
    heir = "b" if owner == "a" else "a"
    cluster.daemons[owner].kill()
    cluster.wait_for_owner(10, other_than=owner)
    wait_until(lambda: "proof" in history(cluster, heir)[0]["phases"], 5, "the proof")

    active, probing, *_ = history(cluster, heir)
    assert (probing["to"], active["from"], active["to"]) == ("probing", "probing", "active")
    assert active["reason"] == "silence_proved"
    assert set(active["phases"]) == {"detect", "probe", "bind", "proof"}
    assert active["phases"]["bind"] < 0.5
    assert active["inputs"]["nodes"][0]["name"] == f"node-{owner}"
    assert active["inputs"]["term"] >= probing["inputs"]["term"] >= 1

    text = get(cluster, heir, "/metrics", OPENMETRICS)
    families = {family.name: family for family in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]
    exemplars = {
        (sample.labels["to"], sample.exemplar.labels["transition"])
        for sample in families["vipservice_transitions"].samples
        if sample.exemplar
    }
    assert {("probing", probing["id"]), ("active", active["id"])} <= exemplars
    phases = [one for one in families["vipservice_takeover_duration_seconds"].samples if one.exemplar]
    assert {one.exemplar.labels["transition"] for one in phases if one.exemplar} == {
        probing["id"],
        active["id"],
    }
    [since] = [one.value for one in families["vipservice_role_since_timestamp_seconds"].samples]
    assert json.loads(get(cluster, heir, "/api/v1/status"))["groups"][0]["since"][:19] in active["time"]
    assert since > 1e9


def test_the_history_outlives_a_kill_and_says_so(cluster: Cluster) -> None:
    owner = cluster.wait_for_owner(5)
    before = history(cluster, owner)
    cluster.daemons[owner].kill()
    cluster.daemons[owner].start()
    cluster.daemons[owner].wait_ready(10)
    after = history(cluster, owner)
    ids = [entry["id"] for entry in after]
    assert ids[-len(before) :] == [entry["id"] for entry in before]
    assert len(set(ids)) == len(ids)
    assert any("ended without goodbye" in entry["detail"] for entry in after)
    scrape = get(cluster, owner, "/metrics")
    assert "vipservice_unclean_starts_total 1.0\n" in scrape


def test_every_node_lists_all_nodes_for_prometheus(cluster: Cluster) -> None:
    expected = sorted((f"{cluster.lan.node(name).address}:10234", f"node-{name}") for name in cluster.daemons)
    for name in cluster.daemons:
        listed = json.loads(get(cluster, name, "/sd"))
        assert sorted((one["targets"][0], one["labels"]["node"]) for one in listed) == expected


def test_round_trips_and_the_lease_come_from_the_kernel(cluster: Cluster) -> None:
    owner = cluster.wait_for_owner(5)
    heir = "b" if owner == "a" else "a"

    def answered(kind: str) -> bool:
        found = re.findall(
            rf'vipservice_ping_rtt_seconds_count{{.*kind="{kind}".*}} (\S+)', get(cluster, heir, "/metrics")
        )
        return bool(found) and float(found[0]) >= 1

    for kind in ("vip", "peer", "gateway"):
        wait_until(partial(answered, kind), 10, f"an echo of the {kind}")
    shown = json.loads(get(cluster, owner, "/api/v1/status"))["groups"][0]
    assert [one["address"] for one in shown["addresses"] if one["bound"]] == [str(VIP)]
    assert 0 < shown["lease_left"] <= shown["lease"]
    assert shown["standbys"] == 1
