"""The snapshot as JSON and as systemd's line."""

import json
import re
import time
from collections.abc import Callable
from math import inf

import pytest

from vipservice.core.actions import ConditionKind
from vipservice.core.roles import Role
from vipservice.core.status import NodeView
from vipservice.runtime.status import LinkGroupStatus, NodeStatus, UpgradeStatus, status_line, to_json

Node = Callable[..., NodeStatus]
Group = Callable[..., LinkGroupStatus]


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def test_moments_are_wall_clock_and_durations_seconds(node: Node) -> None:
    said = to_json(node())
    assert said["time"] == "2026-11-22T12:03:14.120Z"
    assert said["started"] == "2026-11-22T12:02:14.120Z"
    assert said["up_for"] == 60.0
    group = said["groups"][0]
    assert group["since"] == "2026-11-22T12:03:04.120Z"
    assert group["since_ago"] == 10.0


def test_every_key_that_the_docstring_names_is_there_and_no_other(node: Node) -> None:
    said = to_json(node(upgraded=UpgradeStatus("0.0.9", 0.4)))
    documented = set(re.findall(r"`([a-z_0-9]+)`", to_json.__doc__ or "")) - {"status"}
    group = said["groups"][0]
    parts = (
        said["reload"],
        said["upgraded"],
        group["addresses"][0],
        group["nodes"][0],
        group["round_trips"][0],
        group["checks"][0],
        group["hooks"][0],
    )
    keys = {*said, *group, *said["peers"][0], *said["peers"][0]["heard_by"]}.union(*parts)
    assert keys == documented


def test_what_never_happened_is_null_since_json_has_no_infinity(node: Node, group: Group, view: Node) -> None:
    said = to_json(node(groups=(group(nodes=(view(hears_us_ago=inf),)),)))
    assert said["groups"][0]["nodes"][0]["hears_us_ago"] is None
    assert said["peers"][0]["heard_ago"] is None
    json.dumps(said, allow_nan=False)


def test_a_group_whose_address_the_kernel_lost_is_active_but_not_serving(node: Node, group: Group) -> None:
    said = to_json(node(groups=(group(bound=False),)))["groups"][0]
    assert said["role"] == "active"
    assert said["addresses"] == [{"address": "192.168.3.234", "bound": False}]
    assert said["serving"] is False


def test_conditions_are_told_by_their_kind(node: Node, group: Group) -> None:
    said = to_json(node(groups=(group(conditions={ConditionKind.CONFLICT: "the stranger answers"}),)))
    assert said["groups"][0]["conditions"] == {"conflict": "the stranger answers"}


def test_systemds_line_has_role_reason_address_and_peers(node: Node) -> None:
    line = status_line(node())
    assert line == "vip: active since 12:03:04, node-b handed over; 192.168.3.234 on eth0; peers 1"


def test_systemds_line_counts_living_peers_only_and_names_alarms(
    node: Node, group: Group, view: Callable[..., NodeView]
) -> None:
    alarmed = group(nodes=(view(living=False),), conditions={ConditionKind.RIVAL: "somebody"})
    assert status_line(node(groups=(alarmed,))).endswith("on eth0; peers 0; rival")


def test_systemds_line_counts_where_the_groups_are_many(node: Node, group: Group) -> None:
    groups = (*(group(name=f"vip-{n}") for n in range(3)), group(role=Role.BACKUP))
    assert status_line(node(groups=groups)) == "4 groups: 1 backup, 3 active"


def test_systemds_line_says_what_is_waited_for_and_when_nothing_is_enabled(node: Node) -> None:
    assert (
        status_line(node(groups=(), waiting=("there is no interface eth7",))) == "there is no interface eth7"
    )
    assert status_line(node(groups=())) == "no floating address is enabled"


def test_a_group_is_found_by_name_and_by_id(node: Node) -> None:
    status = node()
    assert status.group("vip") is status.group("1") is status.groups[0]
    assert status.group("2") is None
