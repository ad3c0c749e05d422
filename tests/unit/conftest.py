from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from math import inf
from pathlib import Path
from typing import Any

import pytest

from vipservice.core.roles import Reason, Role
from vipservice.core.status import GroupStatus, NodeView
from vipservice.core.values import GroupId, NodeId
from vipservice.runtime.health import CheckState, CheckStatus
from vipservice.runtime.hook_status import HookStatus
from vipservice.runtime.round_trips import RoundTrips
from vipservice.runtime.status import LinkGroupStatus, NodeStatus, PeerStatus, ReloadStatus

VIP = IPv4Address("192.168.3.234")
PEER = IPv4Address("192.168.3.36")

Make = Callable[..., Any]


@pytest.fixture
def view() -> Callable[..., NodeView]:
    """Another node, node-b unless said otherwise."""

    def view(**changed: Any) -> NodeView:
        made = NodeView(
            node=NodeId(bytes(15) + b"\x02"),
            name="node-b",
            address=PEER,
            role=Role.BACKUP,
            priority=90,
            term=4,
            heard_ago=0.25,
            hears_us_ago=0.5,
            living=True,
            fit=True,
        )
        return replace(made, **changed)

    return view


@pytest.fixture
def group(view: Callable[..., NodeView]) -> Callable[..., LinkGroupStatus]:
    """An active group with its address bound, unless said otherwise; `bound` is the kernel's word."""

    def group(bound: bool = True, **changed: Any) -> LinkGroupStatus:
        core = GroupStatus(
            id=GroupId(1),
            name="vip",
            addresses=(VIP,),
            role=Role.ACTIVE,
            since=90.0,
            reason=Reason.HANDOVER_TAKEN,
            detail="node-b handed over",
            priority=100,
            term=4,
            lease_left=2.5,
            owner="node-a",
            verdict="Silent",
            nodes=(view(),),
            conditions={},
            owners_observed=1,
            maintenance=False,
            healthy=True,
        )
        echoes = RoundTrips("peer", PEER, (0.00021, None, 0.00019))
        return LinkGroupStatus(
            replace(core, **changed),
            "eth0",
            {VIP: bound},
            standbys=1,
            kernel_lease=2.4,
            lease=3.0,
            advert_interval=0.1,
            round_trips=(echoes,),
            checks=(CheckStatus("web", "tcp", None, CheckState.PASSING, 95.0, "accepted a connection"),),
            hooks=(HookStatus("notify", "active", "ok", 0, 0.12, "", 1_795_348_990.0),),
        )

    return group


@pytest.fixture
def node(group: Callable[..., LinkGroupStatus]) -> Callable[..., NodeStatus]:
    """This node with one active group, unless said otherwise."""

    def node(**changed: Any) -> NodeStatus:
        made = NodeStatus(
            name="node-a",
            node_id=NodeId(bytes(15) + b"\x01"),
            version="0.1.0",
            incarnation=7,
            pid=4711,
            now=100.0,
            wall=1_795_348_994.12,
            started=40.0,
            source=Path("/etc/vipservice/vipservice.yml"),
            key_ids=(3,),
            reload=ReloadStatus(ok=True, succeeded_at=1_795_348_934.0),
            groups=(group(),),
            peers=(
                PeerStatus(
                    NodeId(bytes(15) + b"\x03"),
                    "node-c",
                    IPv4Address("192.168.3.37"),
                    "eth0",
                    inf,
                    inf,
                    False,
                    5.0,
                ),
            ),
            addresses=(IPv4Address("192.168.3.35"),),
        )
        return replace(made, **changed)

    return node
