"""Maintenance as a node does it: what is remembered, what is said, and what would move by itself."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from tests.unit.runtime.conftest import GROUP, SETTINGS, Machine, Memory
from tests.unit.runtime.test_node import hear, start
from vipservice.config.settings import ResolvedGroup
from vipservice.core.actions import StoreTerm
from vipservice.core.roles import Role
from vipservice.core.values import GroupId
from vipservice.runtime.maintenance import begun, plans

Make = Callable[..., Any]


def test_maintenance_outlives_the_daemon_and_ends_by_order_alone(machine: Machine, memory: Memory) -> None:
    assert start(machine, memory).maintenance(None, True)[0]
    again = start(machine, memory)
    (group,) = again.status().groups
    assert group.core.maintenance
    assert "maintenance off" in group.core.conditions[next(iter(group.core.conditions))]
    assert again.maintenance(GROUP, False) == (True, "vip: this node takes part again")
    assert not start(machine, memory).status().groups[0].core.maintenance


def test_a_term_that_is_stored_forgets_no_maintenance(machine: Machine, memory: Memory) -> None:
    node = start(machine, memory)
    node.maintenance(None, True)
    node.observer.observe(StoreTerm(GROUP, 4, 6))
    node.observer.tell()
    stored = memory.groups[GROUP]
    assert (stored.own_term, stored.reserved_term, stored.maintenance) == (4, 6, True)


def test_an_unknown_group_is_refused_and_nothing_is_remembered(machine: Machine, memory: Memory) -> None:
    assert start(machine, memory).maintenance(9, True) == (False, "there is no group 9")
    assert not memory.groups


def test_a_standby_says_when_nobody_else_stands_by(machine: Machine, memory: Memory) -> None:
    node = start(machine, memory)
    ok, detail = node.maintenance(None, True)
    assert ok
    assert detail == "warning: vip: with this node out nobody holds the address"
    hear(node, 1)
    assert node.maintenance(None, True) == (True, "vip: in maintenance, this node stays out")


def test_an_active_says_to_whom_it_hands_over(group: Make, view: Make) -> None:
    worse = view(name="node-c", priority=80)
    better = view(name="node-b", priority=90)
    assert begun(group(nodes=(worse, better)).core) == "vip: in maintenance, handing over to node-b"


def test_the_last_node_says_why_the_others_cannot(group: Make, view: Make) -> None:
    said = begun(group(nodes=(view(fit=False, unfit_because="is not healthy"),)).core)
    assert said.startswith(
        "warning: vip: this is the last node (node-b is not healthy): it keeps the address"
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, []),
        ({"role": Role.BACKUP, "failback_in": 12.3}, ["would fail back in 12 s"]),
        (
            {"failback_in": 0.5, "held_back_for": 41.2, "recent_moves": 4},
            ["held back: 4 moves in 60 s, for another 41 s"],
        ),
    ],
)
def test_what_would_move_by_itself_is_said_and_what_holds_it_back(
    group: Make, changed: dict[str, Any], said: list[str]
) -> None:
    assert list(plans(group(**changed).core)) == said


def test_a_group_that_a_reload_brings_to_a_node_in_maintenance_stays_out_too(
    machine: Machine, memory: Memory
) -> None:
    node = start(machine, memory)
    another = replace(SETTINGS, id=GroupId(7), name="more", addresses=(IPv4Address("192.168.3.99"),))
    node.maintenance(None, True)
    node.add([ResolvedGroup(another, "eth0", 32, (), None, 0)])
    assert [group.core.maintenance for group in node.status().groups] == [True, True]
    node.maintenance(7, False)
    assert [group.core.maintenance for group in node.status().groups] == [True, False]
