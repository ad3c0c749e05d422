"""What this node shows of itself: one frozen snapshot for `status`, systemd, the page and the metrics.

The loop builds it; everybody else only reads. Seconds are on the loop's clock unless called wall clock.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import UTC, datetime
from math import inf, isfinite
from pathlib import Path as FilePath
from typing import Any

from vipservice.core.frozen import dataclass
from vipservice.core.messages import Path
from vipservice.core.roles import Role
from vipservice.core.status import GroupStatus, NodeView
from vipservice.core.values import Address, Mac, NodeId, show_mac
from vipservice.runtime.health import CheckStatus
from vipservice.runtime.hook_status import HookStatus
from vipservice.runtime.maintenance import plans
from vipservice.runtime.round_trips import RoundTrips

SUMMARY_FROM = 4
"""Groups: from here on the line for the service manager counts roles instead of telling each."""


@dataclass(frozen=True, slots=True)
class LinkGroupStatus:
    """A group as its election sees it, and as the kernel does."""

    core: GroupStatus
    interface: str
    bound: Mapping[Address, bool]
    """Whether the kernel has the address on the interface now; an address that is missing counts as no."""
    expected_nodes: int | None = None
    """What `nodes` says, else how many were known in this life or before it; this node included."""
    standbys: int = 0
    """Who could take over now, this node included."""
    lease: float = 0.0
    """Seconds that each renewal gives the address."""
    kernel_lease: float = 0.0
    """Seconds until the kernel removes the first of the addresses; 0 where it has none, inf for never."""
    advert_interval: float = 0.0
    """Seconds, as configured."""
    round_trips: tuple[RoundTrips, ...] = ()
    checks: tuple[CheckStatus, ...] = ()
    hooks: tuple[HookStatus, ...] = ()

    @property
    def nodes_heard(self) -> int:
        """How many of them are there now, this node included."""
        return 1 + sum(node.living for node in self.core.nodes)

    @property
    def redundancy_lost(self) -> bool:
        """Whether somebody is missing who should be able to take over."""
        return self.expected_nodes is not None and self.nodes_heard < self.expected_nodes

    @property
    def serving(self) -> bool:
        """Active, and the kernel agrees."""
        return self.core.role is Role.ACTIVE and all(self.holds(one) for one in self.core.addresses)

    def holds(self, address: Address) -> bool:
        """Whether the kernel has it."""
        return self.bound.get(address, False)


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """A node that we have heard, or remember from an earlier life."""

    node: NodeId
    name: str
    address: Address
    interface: str
    heard_ago: float
    """Seconds; inf for not in this life."""
    hears_us_ago: float
    """Seconds since it last heard us, by its own word; inf for never."""
    living: bool
    last_seen: float
    """Wall clock, seconds since the epoch; 0 for never."""
    macs: tuple[Mac, ...] = ()
    heard_by: Mapping[Path, float] = field(default_factory=dict)
    """Seconds since an advert of it came by each path; a path that is missing: not in its present life."""
    hears_us_by: Mapping[Path, float] = field(default_factory=dict)
    """Seconds since one of ours reached it by each path, by its own word; inf for never."""
    told_ago: float = inf
    """Seconds since it said so: it does when it is asked (`paths` on the control socket)."""


@dataclass(frozen=True, slots=True)
class ReloadStatus:
    """How the last reading of the configuration went; the start counts as one."""

    ok: bool
    succeeded_at: float
    """Wall clock of the last good one, seconds since the epoch."""
    problem: str = ""
    """Why the last one changed nothing."""


@dataclass(frozen=True, slots=True)
class UpgradeStatus:
    """That this code took over in place from other code of the same process."""

    version_before: str
    stood_for: float
    """Seconds between the last round of the old loop and the first of the new one."""


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """This node, now."""

    name: str
    node_id: NodeId
    version: str
    incarnation: int
    pid: int
    now: float
    wall: float
    """Wall clock at `now`, seconds since the epoch."""
    started: float
    source: FilePath
    """The configuration file."""
    key_ids: tuple[int, ...]
    """Numbers of the keys that sign and verify adverts; never the keys."""
    reload: ReloadStatus
    groups: tuple[LinkGroupStatus, ...]
    peers: tuple[PeerStatus, ...] = ()
    addresses: tuple[Address, ...] = ()
    """This host's own, by which the others reach it."""
    stored: bool = True
    """Whether the state directory takes what there is to remember."""
    waiting: tuple[str, ...] = ()
    """Sentences about interfaces that are not usable yet."""
    problems: tuple[str, ...] = ()
    """Sentences about what does not work on this host now (state directory, scheduling)."""
    notices: tuple[str, ...] = ()
    """Sentences that the configuration gave rise to."""
    upgraded: UpgradeStatus | None = None
    """None where this process was started rather than upgraded."""
    worker_problem: str | None = None
    """Why checks and hooks cannot be asked and run."""

    def group(self, name: str) -> LinkGroupStatus | None:
        """The group with this name or id."""
        return next((one for one in self.groups if name in {one.core.name, str(one.core.id)}), None)

    def wall_at(self, moment: float) -> float:
        """The wall clock at a moment of the loop's clock, as today's wall clock counts back."""
        return self.wall - (self.now - moment)


def to_json(status: NodeStatus) -> dict[str, Any]:
    """The snapshot as JSON takes it: the answer to `status`, and what `status --json` prints.

    Moments are RFC 3339 in UTC, durations seconds, what never happened null. Keys only ever join.

    node: `name`, `node_id` (32 hex digits), `version`, `pid`, `incarnation`, `time`, `started`, `up_for`,
        `config` (path), `key_ids`, `reload` {`ok`, `succeeded_at`}, `upgraded` {`from` (version),
        `stood_for`} or null, `waiting`, `problems`, `notices` (sentences), `groups`, `peers`.
    group: `id`, `name`, `interface`, `role`, `since`, `since_ago`, `reason`, `detail`, `addresses`
        [{`address`, `bound`}], `serving` (active and bound), `priority`, `term`, `lease_left`, `lease` and
        `advert_interval` (as configured), `owner` (name), `owners_observed`, `standbys`, `verdict`,
        `maintenance`, `healthy`, `expected_nodes`, `conditions` {kind: sentence}, `nodes` [{`name`,
        `node_id`, `address`, `role`, `priority`, `term`, `heard_ago`, `hears_us_ago`, `living`, `fit`,
        `unfit_because` (words, or null)}], `failback_in` (seconds until this better node asks for the
        address, or null), `held_back_for` (seconds for which voluntary moves must wait), `recent_moves` (in
        60 s), `plans` (sentences about these),
        `checks` [{`name`, `kind`, `weight` (null for a must), `state` (unknown, passing, failing), `since`,
        `detail`, `seconds` (of the last try), `passed`, `failed`}], `hooks` [{`name`, `event`, `result` (ok,
        failed, timed_out, not_started, or null), `exit_status`, `seconds`, `output`, `time`}],
        `round_trips` [{`kind`, `address`, `recent` (the last echoes in seconds, oldest first; null for a
        lost one)}].
    peer: `name`, `node_id`, `address`, `macs`, `interface`, `heard_ago`, `hears_us_ago`, `living`,
        `last_seen`, `heard_by` and `hears_us_by` {`multicast`, `unicast`, `raw`: seconds ago},
        `told_ago` (since the peer told the latter).
    """
    return {
        "name": status.name,
        "node_id": status.node_id.hex(),
        "version": status.version,
        "pid": status.pid,
        "incarnation": status.incarnation,
        "time": rfc3339(status.wall),
        "started": rfc3339(status.wall_at(status.started)),
        "up_for": in_seconds(status.now - status.started),
        "config": str(status.source),
        "key_ids": list(status.key_ids),
        "reload": {"ok": status.reload.ok, "succeeded_at": rfc3339(status.reload.succeeded_at)},
        "upgraded": _upgraded(status.upgraded),
        "waiting": list(status.waiting),
        "problems": list(status.problems),
        "notices": list(status.notices),
        "groups": [_group(group, status) for group in status.groups],
        "peers": [_peer(peer) for peer in status.peers],
    }


def _upgraded(upgraded: UpgradeStatus | None) -> dict[str, Any] | None:
    if upgraded is None:
        return None
    return {"from": upgraded.version_before, "stood_for": in_seconds(upgraded.stood_for)}


def _group(group: LinkGroupStatus, status: NodeStatus) -> dict[str, Any]:
    core = group.core
    return {
        "id": int(core.id),
        "name": core.name,
        "interface": group.interface,
        "role": core.role.value,
        "since": rfc3339(status.wall_at(core.since)),
        "since_ago": in_seconds(status.now - core.since),
        "reason": core.reason.value,
        "detail": core.detail,
        "addresses": [{"address": str(one), "bound": group.holds(one)} for one in core.addresses],
        "serving": group.serving,
        "priority": core.priority,
        "term": core.term,
        "lease_left": in_seconds(max(0.0, core.lease_left)),
        "lease": group.lease,
        "advert_interval": group.advert_interval,
        "owner": core.owner,
        "owners_observed": core.owners_observed,
        "verdict": core.verdict,
        "maintenance": core.maintenance,
        "healthy": core.healthy,
        "expected_nodes": group.expected_nodes,
        "conditions": {kind.value: detail for kind, detail in core.conditions.items()},
        "failback_in": None if core.failback_in is None else in_seconds(core.failback_in),
        "held_back_for": in_seconds(core.held_back_for),
        "recent_moves": core.recent_moves,
        "plans": list(plans(core)),
        "standbys": group.standbys,
        "nodes": [view_to_json(node) for node in core.nodes],
        "checks": [_check(one, status) for one in group.checks],
        "hooks": [_hook(one) for one in group.hooks],
        "round_trips": [_round_trips(one) for one in group.round_trips],
    }


MAX_INPUT_NODES = 16
"""Nodes that an entry of the history names; there are seldom more than three."""


def inputs_to_json(core: GroupStatus) -> dict[str, Any]:
    """What an election goes by, for the history of its turns."""
    return {
        "term": core.term,
        "priority": core.priority,
        "verdict": core.verdict,
        "owner": core.owner,
        "owners_observed": core.owners_observed,
        "healthy": core.healthy,
        "maintenance": core.maintenance,
        "conditions": [kind.value for kind in core.conditions],
        "nodes": [view_to_json(node) for node in core.nodes[:MAX_INPUT_NODES]],
    }


def view_to_json(node: NodeView) -> dict[str, Any]:
    """Another node of the group, as JSON takes it."""
    return {
        "name": node.name,
        "node_id": node.node.hex(),
        "address": str(node.address),
        "role": node.role.value,
        "priority": node.priority,
        "term": node.term,
        "heard_ago": in_seconds(node.heard_ago),
        "hears_us_ago": in_seconds(node.hears_us_ago),
        "living": node.living,
        "fit": node.fit,
        "unfit_because": node.unfit_because,
    }


def _check(one: CheckStatus, status: NodeStatus) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "weight": one.weight,
        "state": one.state.value,
        "since": rfc3339(status.wall_at(one.since)),
        "detail": one.detail,
        "seconds": in_seconds(one.seconds),
        "passed": one.passed,
        "failed": one.failed,
    }


def _hook(one: HookStatus) -> dict[str, Any]:
    return {
        "name": one.name,
        "event": one.event or None,
        "result": one.result or None,
        "exit_status": one.status,
        "seconds": one.seconds,
        "output": one.output,
        "time": rfc3339(one.at) if one.at else None,
    }


def _round_trips(one: RoundTrips) -> dict[str, Any]:
    recent = [None if rtt is None else round(rtt, 6) for rtt in one.recent]
    return {"kind": one.kind, "address": str(one.address), "recent": recent}


def _peer(peer: PeerStatus) -> dict[str, Any]:
    return {
        "name": peer.name,
        "node_id": peer.node.hex(),
        "address": str(peer.address),
        "macs": [show_mac(mac) for mac in peer.macs],
        "interface": peer.interface,
        "heard_ago": in_seconds(peer.heard_ago),
        "hears_us_ago": in_seconds(peer.hears_us_ago),
        "living": peer.living,
        "last_seen": rfc3339(peer.last_seen) if peer.last_seen else None,
        "heard_by": _by_path(peer.heard_by),
        "hears_us_by": _by_path(peer.hears_us_by),
        "told_ago": in_seconds(peer.told_ago),
    }


def _by_path(ago: Mapping[Path, float]) -> dict[str, float | None]:
    return {path.value: in_seconds(ago.get(path, inf)) for path in Path}


def rfc3339(wall: float) -> str:
    """A moment of the wall clock, UTC, to the millisecond: `2026-11-22T12:03:04.120Z`."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def in_seconds(duration: float) -> float | None:
    """To the tenth of a millisecond; JSON has no infinity."""
    return round(duration, 4) if isfinite(duration) else None


def status_line(status: NodeStatus) -> str:
    """One line: `vip: active since 12:03:04, node-b handed over; 192.168.3.234 on eth0; peers 2`."""
    groups = status.groups
    parts = [_count_roles(groups)] if len(groups) >= SUMMARY_FROM else [_tell(one, status) for one in groups]
    if not status.reload.ok:
        parts.insert(0, f"the last reload was refused: {status.reload.problem}")
    parts += status.waiting
    return " | ".join(parts) or "no floating address is enabled"


def _tell(group: LinkGroupStatus, status: NodeStatus) -> str:
    core = group.core
    since = time.strftime("%H:%M:%S", time.localtime(status.wall_at(core.since)))
    addresses = ", ".join(str(one) for one in core.addresses)
    peers = sum(node.living for node in core.nodes)
    alarms = "".join(f"; {kind.value}" for kind in core.conditions)
    return (
        f"{core.name}: {core.role.value} since {since}, {core.detail}; "
        f"{addresses} on {group.interface}; peers {peers}{alarms}"
    )


def _count_roles(groups: Iterable[LinkGroupStatus]) -> str:
    roles = [group.core.role for group in groups]
    counts = ", ".join(f"{roles.count(role)} {role.value}" for role in Role if role in roles)
    return f"{len(roles)} groups: {counts}"
