"""What Prometheus sees, read back by its own parser."""

import timeit
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from math import isnan
from typing import Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from vipservice.core.actions import (
    Announce,
    ConditionChanged,
    ConditionKind,
    PhaseMeasured,
    Rejected,
    Release,
    Repaired,
    Turned,
)
from vipservice.core.messages import Path
from vipservice.core.roles import TRANSITIONS, Reason, Role
from vipservice.core.status import NodeView
from vipservice.core.values import GroupId, NodeId
from vipservice.runtime.gauges import peer_labels
from vipservice.runtime.metrics import CAUSES, CORE_REASONS, MAX_TARGETS, Metrics
from vipservice.runtime.snapshot import SnapshotUnavailableError
from vipservice.runtime.status import LinkGroupStatus, NodeStatus, ReloadStatus
from vipservice.wire.errors import ADVERT_REASONS

ONE = GroupId(1)
NODE_B = NodeId(bytes(15) + b"\x02")
NODE_C = NodeId(bytes(15) + b"\x03")

Node = Callable[..., NodeStatus]
Group = Callable[..., LinkGroupStatus]
View = Callable[..., NodeView]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Scrape:
    """A scrape of metrics that can be asked for one sample."""

    def __init__(self, metrics: Metrics) -> None:
        self.families = list(text_string_to_metric_families(generate_latest(metrics.registry).decode()))
        self.samples: Samples = {}
        for family in self.families:
            for sample in family.samples:
                key = sample.name, frozenset(sample.labels.items())
                assert key not in self.samples, f"Prometheus refuses a scrape with {key} twice"
                self.samples[key] = sample.value

    def __call__(self, name: str, **labels: str) -> float:
        return self.samples[f"vipservice_{name}", frozenset(labels.items())]

    def all(self, name: str) -> dict[frozenset[tuple[str, str]], float]:
        return {
            labels: value for (found, labels), value in self.samples.items() if found == f"vipservice_{name}"
        }


@pytest.fixture
def metrics(node: Node) -> Metrics:
    return Metrics({ONE: "vip"}, node)


def test_zero_is_visible_before_anything_has_happened(metrics: Metrics) -> None:
    scrape = Scrape(metrics)
    assert (
        scrape("transitions_total", group="vip", to="active", reason="adopted", **{"from": "initialize"}) == 0
    )
    assert scrape("flaps_total", group="vip") == 0
    assert scrape("takeover_duration_seconds_count", group="vip", phase="proof") == 0
    assert scrape("announcements_sent_total", kind="una") == 0
    assert scrape("adverts_sent_total", path="raw") == 0
    assert {dict(labels)["reason"] for labels in scrape.all("adverts_rejected_total")} == (
        ADVERT_REASONS | CORE_REASONS
    )


def test_every_allowed_change_of_role_has_series_and_no_other() -> None:
    assert set(CAUSES) == {(old, new) for old, targets in TRANSITIONS.items() for new in targets}
    assert all(CAUSES.values())
    assert {reason for reasons in CAUSES.values() for reason in reasons} == set(Reason)


def test_there_are_no_series_about_the_making_of_series(metrics: Metrics) -> None:
    assert not [name for name, _ in Scrape(metrics).samples if name.endswith("_created")]


def test_every_family_has_a_help_and_the_prefix(metrics: Metrics) -> None:
    for family in Scrape(metrics).families:
        assert family.documentation.endswith(".")
        assert family.name.startswith(("vipservice_", "process_")), family.name


def test_a_role_change_is_counted_with_its_reason_and_flaps_only_at_active(metrics: Metrics) -> None:
    metrics.turned(Turned(ONE, Role.BACKUP, Role.PROBING, Reason.ADVERTS_SILENT, "x"), "7-1")
    metrics.turned(Turned(ONE, Role.PROBING, Role.ACTIVE, Reason.SILENCE_PROVED, "x"), "7-2")
    metrics.turned(Turned(ONE, Role.ACTIVE, Role.BACKUP, Reason.BETTER_ACTIVE, "x"), "7-3")
    scrape = Scrape(metrics)
    labels = {"group": "vip", "from": "probing", "to": "active", "reason": "silence_proved"}
    assert scrape("transitions_total", **labels) == 1
    assert sum(scrape.all("transitions_total").values()) == 3
    assert scrape("flaps_total", group="vip") == 2


def test_an_unusual_reason_is_counted_too(metrics: Metrics) -> None:
    metrics.turned(Turned(ONE, Role.FAULT, Role.BACKUP, Reason.STOPPED, "x"), "7-1")
    labels = {"group": "vip", "from": "fault", "to": "backup", "reason": "stopped"}
    assert Scrape(metrics)("transitions_total", **labels) == 1


def test_actions_are_counted_for_what_they_are(metrics: Metrics) -> None:
    metrics.phase(PhaseMeasured(ONE, "bind", 0.004), "7-1")
    metrics.observe(Repaired(ONE, IPv4Address("10.0.0.234")))
    metrics.observe(ConditionChanged(ONE, ConditionKind.CONFLICT, True, "x"))
    metrics.observe(ConditionChanged(ONE, ConditionKind.CONFLICT, False, "x"))
    metrics.observe(ConditionChanged(ONE, ConditionKind.DEAF, True, "x"))
    metrics.observe(Rejected("replayed", "x"))
    metrics.observe(Announce(ONE, (IPv4Address("10.0.0.234"), IPv6Address("fe80::1"))))
    metrics.observe(Release(ONE, ()))
    scrape = Scrape(metrics)
    assert scrape("takeover_duration_seconds_sum", group="vip", phase="bind") == 0.004
    assert scrape("address_repairs_total", group="vip") == 1
    assert scrape("conflicts_total", group="vip") == 1
    assert scrape("adverts_rejected_total", reason="replayed") == 1
    for kind in ("garp_request", "garp_reply", "una"):
        assert scrape("announcements_sent_total", kind=kind) == 1


def test_the_loops_own_numbers_are_counted(metrics: Metrics) -> None:
    metrics.advert_sent(Path.MULTICAST)
    metrics.advert_received(Path.RAW)
    metrics.advert_rejected("ttl")
    metrics.advert_rejected("a reason that the wire gets tomorrow")
    metrics.frame_rejected("arp_format")
    metrics.lag(0.0002)
    metrics.watchdog()
    scrape = Scrape(metrics)
    assert scrape("adverts_sent_total", path="multicast") == 1
    assert scrape("adverts_received_total", path="raw") == 1
    assert scrape("adverts_rejected_total", reason="ttl") == 1
    assert scrape("adverts_rejected_total", reason="a reason that the wire gets tomorrow") == 1
    assert scrape("frames_rejected_total", reason="arp_format") == 1
    assert scrape("loop_lag_seconds_bucket", le="0.00025") == 1
    assert scrape("loop_lag_seconds_bucket", le="0.0001") == 0
    assert scrape("watchdog_notifications_total") == 1


def test_round_trips_and_lost_echoes_are_kept_by_target(metrics: Metrics) -> None:
    metrics.ping(ONE, "10.0.0.1", "gateway", 0.0003)
    metrics.ping(ONE, "10.0.0.1", "gateway", None)
    scrape = Scrape(metrics)
    labels = {"group": "vip", "target": "10.0.0.1", "kind": "gateway"}
    assert scrape("ping_rtt_seconds_count", **labels) == 1
    assert scrape("ping_rtt_seconds_bucket", le="0.0002", **labels) == 0
    assert scrape("ping_rtt_seconds_bucket", le="0.0005", **labels) == 1
    assert scrape("ping_lost_total", **labels) == 1


def test_peers_that_come_and_go_cannot_grow_the_series_without_end(metrics: Metrics) -> None:
    for n in range(MAX_TARGETS + 50):
        metrics.ping(ONE, f"10.0.{n // 250}.{n % 250}", "peer", None)
    scrape = Scrape(metrics)
    assert len(scrape.all("ping_lost_total")) == MAX_TARGETS + 1
    assert scrape("ping_lost_total", group="vip", target="other", kind="peer") == 50


def test_the_role_is_one_of_five_series(metrics: Metrics) -> None:
    roles = {dict(labels)["role"]: value for labels, value in Scrape(metrics).all("role").items()}
    assert roles == {"initialize": 0, "backup": 0, "probing": 0, "active": 1, "fault": 0}


def test_bound_is_what_the_kernel_says_not_what_the_role_hopes(node: Node, group: Group) -> None:
    scrape = Scrape(Metrics({ONE: "vip"}, lambda: node(groups=(group(bound=False),))))
    assert scrape("role", group="vip", role="active") == 1
    assert scrape("address_bound", group="vip", address="192.168.3.234", interface="eth0") == 0


def test_what_would_move_by_itself_and_what_holds_it_back_are_numbers(node: Node, group: Group) -> None:
    waits = group(failback_in=12.5, held_back_for=41.0, recent_moves=4, maintenance=True)
    scrape = Scrape(Metrics({ONE: "vip"}, lambda: node(groups=(waits,))))
    names = ("failback_in_seconds", "held_back_seconds", "recent_moves", "maintenance")
    assert [scrape(name, group="vip") for name in names] == [12.5, 41.0, 4, 1]
    idle = Scrape(Metrics({ONE: "vip"}, lambda: node(groups=(group(),))))
    assert isnan(idle("failback_in_seconds", group="vip"))


def test_the_gauges_of_a_group_and_of_the_node(metrics: Metrics) -> None:
    scrape = Scrape(metrics)
    assert scrape("lease_remaining_seconds", group="vip") == 2.4
    assert scrape("owners_observed", group="vip") == 1
    assert scrape("maintenance", group="vip") == 0
    assert scrape("adverts_authenticated") == 1
    assert scrape("config_last_reload_successful") == 1
    assert scrape("config_last_reload_success_timestamp_seconds") == 1_795_348_934.0
    assert scrape("snapshot_successful") == 1
    [build] = scrape.all("build_info")
    assert dict(build)["version"] == "0.1.0"


def test_every_alarm_has_a_series_that_is_1_while_it_is_on(node: Node, group: Group) -> None:
    alarmed = node(groups=(group(conditions={ConditionKind.HELD_BY_SILENT_PEER: "node-b answers"}),))
    series = Scrape(Metrics({ONE: "vip"}, lambda: alarmed)).all("condition")
    kinds = {dict(labels)["kind"]: value for labels, value in series.items()}
    assert kinds == {kind.value: kind is ConditionKind.HELD_BY_SILENT_PEER for kind in ConditionKind}


def test_lost_redundancy_is_fewer_nodes_heard_than_expected(node: Node, group: Group) -> None:
    status = node(groups=(replace(group(), expected_nodes=3),))
    scrape = Scrape(Metrics({ONE: "vip"}, lambda: status))
    assert scrape("nodes_expected", group="vip") == 3
    assert scrape("nodes_heard", group="vip") == 2


def test_a_failed_reload_and_missing_keys_show(node: Node) -> None:
    failed = node(key_ids=(), reload=ReloadStatus(ok=False, succeeded_at=1.0))
    scrape = Scrape(Metrics({ONE: "vip"}, lambda: failed))
    assert scrape("adverts_authenticated") == 0
    assert scrape("config_last_reload_successful") == 0


def test_peers_heard_and_only_remembered_are_both_there(metrics: Metrics, node: Node) -> None:
    scrape = Scrape(metrics)
    assert scrape("peer_up", group="vip", peer="node-b") == 1
    assert scrape("peer_hears_this_node", group="vip", peer="node-b") == 1
    last_seen = scrape("peer_last_seen_timestamp_seconds", group="vip", peer="node-b")
    assert last_seen == pytest.approx(node().wall - 0.25)
    assert scrape("peer_up", group="vip", peer="node-c") == 0
    assert scrape("peer_last_seen_timestamp_seconds", group="vip", peer="node-c") == 5.0


def test_a_one_way_link_is_up_and_does_not_hear_us(node: Node, group: Group, view: View) -> None:
    scrape = Scrape(Metrics({ONE: "vip"}, lambda: node(groups=(group(nodes=(view(hears_us_ago=9.0),)),))))
    assert scrape("peer_up", group="vip", peer="node-b") == 1
    assert scrape("peer_hears_this_node", group="vip", peer="node-b") == 0


def test_two_nodes_with_one_name_do_not_spoil_the_scrape(node: Node, group: Group, view: View) -> None:
    twins = group(nodes=(view(), view(node=NODE_C)))
    scrape = Scrape(Metrics({ONE: "vip"}, lambda: node(groups=(twins,), peers=())))
    assert len(scrape.all("peer_up")) == 2


def test_not_even_a_name_that_imitates_the_way_out() -> None:
    names = {NODE_B: "b", NODE_C: "b", NodeId(bytes(16)): f"b ({NODE_B.hex()})"}
    assert len(set(peer_labels(names).values())) == 3


def test_a_peer_on_another_interface_is_no_peer_of_the_group(node: Node) -> None:
    status = node()
    elsewhere = replace(status.peers[0], interface="eth1")
    scrape = Scrape(Metrics({ONE: "vip"}, lambda: node(peers=(elsewhere,))))
    assert {dict(labels)["peer"] for labels in scrape.all("peer_up")} == {"node-b"}


def test_without_a_snapshot_the_counters_remain_and_no_stale_gauge_is_shown() -> None:
    def snapshot() -> Any:
        raise SnapshotUnavailableError("the loop stands still")

    scrape = Scrape(Metrics({ONE: "vip"}, snapshot))
    assert scrape("snapshot_successful") == 0
    assert scrape("flaps_total", group="vip") == 0
    assert not scrape.all("role")


def test_a_group_that_a_reload_brings_has_its_zeros(metrics: Metrics) -> None:
    metrics.add_group(GroupId(2), "mail")
    assert Scrape(metrics)("flaps_total", group="mail") == 0


def test_of_a_group_that_a_reload_takes_away_no_series_is_left(metrics: Metrics) -> None:
    before = set(Scrape(metrics).samples)
    two = GroupId(2)
    metrics.add_group(two, "mail")
    metrics.turned(Turned(two, Role.FAULT, Role.BACKUP, Reason.STOPPED, "x"), "7-1")
    metrics.phase(PhaseMeasured(two, "bind", 0.004), "7-1")
    metrics.ping(two, "10.0.0.1", "gateway", None)
    metrics.expect_check("mail", "smtp")
    metrics.checked("mail", "application", 0, 1)
    metrics.expect_hook("mail", "dns")
    metrics.hook_ran("mail", "dns", "ok")
    assert {"mail"} < {dict(labels).get("group") for _, labels in Scrape(metrics).samples}
    metrics.remove_group(two)
    assert set(Scrape(metrics).samples) == before


def test_checks_and_hooks_come_and_go_alone(metrics: Metrics) -> None:
    metrics.expect_check("vip", "smtp")
    metrics.expect_hook("vip", "dns")
    metrics.forget_check("vip", "imap")
    metrics.forget_hook("vip", "mail")
    assert Scrape(metrics)("check_tries_total", group="vip", check="smtp", result="failed") == 0
    metrics.forget_check("vip", "smtp")
    metrics.forget_hook("vip", "dns")
    scrape = Scrape(metrics)
    assert (scrape.all("check_tries_total"), scrape.all("hook_runs_total")) == ({}, {})


def test_what_the_loop_calls_is_cheap(metrics: Metrics) -> None:
    turned = Turned(ONE, Role.BACKUP, Role.PROBING, Reason.ADVERTS_SILENT, "x")
    calls: list[Callable[[], None]] = [
        lambda: metrics.turned(turned, "7-1"),
        lambda: metrics.advert_sent(Path.MULTICAST),
        lambda: metrics.lag(0.0003),
        lambda: metrics.ping(ONE, "10.0.0.1", "gateway", 0.0003),
    ]
    for call in calls:
        best = min(timeit.repeat(call, number=200, repeat=5)) / 200
        assert best < 50e-6  # a few microseconds on an idle machine


def test_the_snapshot_is_not_asked_for_before_the_first_scrape(node: Node) -> None:
    asked: list[int] = []

    def snapshot() -> NodeStatus:
        asked.append(1)
        return node()

    metrics = Metrics({ONE: "vip"}, snapshot)
    assert not asked
    Scrape(metrics)
    assert len(asked) == 1
