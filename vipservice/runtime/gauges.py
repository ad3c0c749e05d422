"""The gauges, made at scrape time out of one snapshot, so that no two of them contradict each other."""

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from math import nan

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from vipservice.core.actions import ConditionKind
from vipservice.core.roles import Reason, Role
from vipservice.core.status import NodeView
from vipservice.core.values import NodeId
from vipservice.runtime import declarations
from vipservice.runtime.declarations import Declaration
from vipservice.runtime.health import CheckState, CheckStatus
from vipservice.runtime.hook_status import HookStatus
from vipservice.runtime.snapshot import SnapshotUnavailableError
from vipservice.runtime.status import LinkGroupStatus, NodeStatus

Samples = Iterable[tuple[tuple[str, ...], float]]
"""Label values, and the number."""

HEARS_US_WITHIN = 3.0
"""Seconds: a backup says once a second whom it has heard; a third miss in a row counts."""


def _of_groups(value: Callable[[LinkGroupStatus], float]) -> Callable[[NodeStatus], Samples]:
    """A gauge with one number a group."""
    return lambda status: [((group.core.name,), value(group)) for group in status.groups]


def _of_groups_in_time(
    value: Callable[[LinkGroupStatus, NodeStatus], float],
) -> Callable[[NodeStatus], Samples]:
    """The same, for moments: what the clock says is the node's to tell."""
    return lambda status: [((group.core.name,), value(group, status)) for group in status.groups]


def _of_node(value: Callable[[NodeStatus], float]) -> Callable[[NodeStatus], Samples]:
    """A gauge with one number."""
    return lambda status: [((), value(status))]


def _expected(status: NodeStatus) -> Samples:
    for group in status.groups:
        if group.expected_nodes is not None:
            yield (group.core.name,), group.expected_nodes


def _reasons(status: NodeStatus) -> Samples:
    for group in status.groups:
        for reason in Reason:
            yield (group.core.name, reason.value), group.core.reason is reason


def _roles(status: NodeStatus) -> Samples:
    for group in status.groups:
        for role in Role:
            yield (group.core.name, role.value), group.core.role is role


def _conditions(status: NodeStatus) -> Samples:
    for group in status.groups:
        for kind in ConditionKind:
            yield (group.core.name, kind.value), kind in group.core.conditions


def _bound(status: NodeStatus) -> Samples:
    for group in status.groups:
        for address in group.core.addresses:
            yield (group.core.name, str(address), group.interface), group.holds(address)


def _peer_up(status: NodeStatus) -> Samples:
    for group in status.groups:
        for label, view, _ in _peers(group, status):
            yield (group.core.name, label), bool(view and view.living)


def _peer_hears_us(status: NodeStatus) -> Samples:
    for group in status.groups:
        for label, view, _ in _peers(group, status):
            yield (
                (group.core.name, label),
                bool(view and view.living and view.hears_us_ago <= HEARS_US_WITHIN),
            )


def _peer_last_seen(status: NodeStatus) -> Samples:
    for group in status.groups:
        for label, view, remembered in _peers(group, status):
            yield (group.core.name, label), status.wall - view.heard_ago if view else remembered


def _peers(group: LinkGroupStatus, status: NodeStatus) -> Iterator[tuple[str, NodeView | None, float]]:
    """Everybody known in the group, heard in this life or only remembered: label, view, last seen."""
    views = {view.node: view for view in group.core.nodes}
    names = {peer.node: peer.name for peer in status.peers if peer.interface == group.interface}
    seen = {peer.node: peer.last_seen for peer in status.peers}
    labels = peer_labels({**names, **{node: view.name for node, view in views.items()}})
    for node, label in labels.items():
        yield label, views.get(node), seen.get(node, 0.0)


def peer_labels(names: dict[NodeId, str]) -> dict[NodeId, str]:
    """A label for each node: its name, with a piece of the id where several have the same one.

    Two series with equal labels would make Prometheus refuse the whole scrape.
    """
    often = Counter(names.values())
    labels = {node: name if often[name] == 1 else f"{name} ({node.hex()})" for node, name in names.items()}
    # A node may call itself what another is called after that.
    return labels if len(set(labels.values())) == len(labels) else {node: node.hex() for node in names}


def _check_states(status: NodeStatus) -> Samples:
    for group in status.groups:
        for check in group.checks:
            for state in CheckState:
                yield (group.core.name, check.name, state.value), check.state is state


def _of_checks(value: Callable[[CheckStatus], float]) -> Callable[[NodeStatus], Samples]:
    """A gauge with one number a check."""
    return lambda status: [
        ((group.core.name, check.name), value(check)) for group in status.groups for check in group.checks
    ]


def _of_hooks(value: Callable[[HookStatus], float]) -> Callable[[NodeStatus], Samples]:
    """A gauge with one number a hook."""
    return lambda status: [
        ((group.core.name, hook.name), value(hook)) for group in status.groups for hook in group.hooks
    ]


GAUGES: tuple[tuple[Declaration, Callable[[NodeStatus], Samples]], ...] = (
    (declarations.ROLE, _roles),
    (declarations.ROLE_SINCE, _of_groups_in_time(lambda group, status: status.wall_at(group.core.since))),
    (declarations.ROLE_REASON, _reasons),
    (declarations.BOUND, _bound),
    (declarations.OWNERS, _of_groups(lambda group: group.core.owners_observed)),
    (declarations.CONDITION, _conditions),
    (declarations.TERM, _of_groups(lambda group: group.core.term)),
    (declarations.PRIORITY, _of_groups(lambda group: group.core.priority)),
    (declarations.HEALTHY, _of_groups(lambda group: group.core.healthy)),
    (declarations.CHECK_STATE, _check_states),
    (declarations.CHECK_DURATION, _of_checks(lambda check: check.seconds)),
    (declarations.HOOK_STATUS, _of_hooks(lambda hook: nan if hook.status is None else hook.status)),
    (declarations.HOOK_DURATION, _of_hooks(lambda hook: hook.seconds)),
    (declarations.WORKER_UP, _of_node(lambda status: not status.worker_problem)),
    (declarations.MAINTENANCE, _of_groups(lambda group: group.core.maintenance)),
    (
        declarations.FAILBACK_IN,
        _of_groups(lambda group: nan if group.core.failback_in is None else group.core.failback_in),
    ),
    (declarations.HELD_BACK, _of_groups(lambda group: group.core.held_back_for)),
    (declarations.RECENT_MOVES, _of_groups(lambda group: group.core.recent_moves)),
    (declarations.LEASE, _of_groups(lambda group: group.lease)),
    (declarations.LEASE_REMAINING, _of_groups(lambda group: group.kernel_lease)),
    (declarations.EXPECTED, _expected),
    (declarations.HEARD, _of_groups(lambda group: group.nodes_heard)),
    (declarations.STANDBYS, _of_groups(lambda group: group.standbys)),
    (declarations.PEER_UP, _peer_up),
    (declarations.PEER_HEARS_US, _peer_hears_us),
    (declarations.PEER_LAST_SEEN, _peer_last_seen),
    (declarations.INTERVAL, _of_groups(lambda group: group.advert_interval)),
    (declarations.AUTHENTICATED, _of_node(lambda status: bool(status.key_ids))),
    (declarations.STATE_STORED, _of_node(lambda status: status.stored)),
    (declarations.RELOAD_SUCCESSFUL, _of_node(lambda status: status.reload.ok)),
    (declarations.RELOADED, _of_node(lambda status: status.reload.succeeded_at)),
)
"""What is declared, and where its numbers are in the snapshot."""

INFOS: tuple[tuple[Declaration, Callable[[NodeStatus], dict[str, str]]], ...] = (
    (declarations.NODE, lambda status: {"node": status.name}),
    (
        declarations.BUILD,
        lambda status: {"version": status.version, "python": platform.python_version()},
    ),
)


class StatusGauges(Collector):
    """Turns a snapshot into gauges; says itself whether it could get one."""

    def __init__(self, snapshot: Callable[[], NodeStatus]) -> None:
        self._snapshot = snapshot

    def describe(self) -> Iterable[Metric]:
        """The families, empty: registering must not ask a loop that does not run yet."""
        yield _available(0)
        for declared, _ in INFOS:
            yield _info(declared, None)
        for declared, _ in GAUGES:
            yield GaugeMetricFamily(declared.name, declared.text, labels=declared.labels)

    def collect(self) -> Iterable[Metric]:
        """The families of one snapshot; without one, only that it is missing."""
        try:
            status = self._snapshot()
        except SnapshotUnavailableError:
            yield _available(0)
            return
        yield _available(1)
        for declared, labels in INFOS:
            yield _info(declared, labels(status))
        for declared, samples in GAUGES:
            family = GaugeMetricFamily(declared.name, declared.text, labels=declared.labels)
            for values, number in samples(status):
                family.add_metric(values, float(number))
            yield family


def _available(value: float) -> Metric:
    declared = declarations.SNAPSHOT_SUCCESSFUL
    return GaugeMetricFamily(declared.name, declared.text, value=value)


def _info(declared: Declaration, value: dict[str, str] | None) -> Metric:
    return InfoMetricFamily(declared.name.removesuffix("_info"), declared.text, value)
