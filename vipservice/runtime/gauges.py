"""The gauges, made at scrape time out of one snapshot, so that no two of them contradict each other."""

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from vipservice.core.actions import ConditionKind
from vipservice.core.roles import Role
from vipservice.core.status import NodeView
from vipservice.core.values import NodeId
from vipservice.runtime.snapshot import SnapshotUnavailableError
from vipservice.runtime.status import LinkGroupStatus, NodeStatus

Samples = Iterable[tuple[tuple[str, ...], float]]
"""Label values, and the number."""

HEARS_US_WITHIN = 3.0
"""Seconds: a backup says once a second whom it has heard; a third miss in a row counts."""


def _of_groups(value: Callable[[LinkGroupStatus], float]) -> Callable[[NodeStatus], Samples]:
    """A gauge with one number a group."""
    return lambda status: [((group.core.name,), value(group)) for group in status.groups]


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


GAUGES: tuple[tuple[str, str, tuple[str, ...], Callable[[NodeStatus], Samples]], ...] = (
    ("vipservice_role", "1 for the role that this node has, 0 for the others.", ("group", "role"), _roles),
    (
        "vipservice_address_bound",
        "Whether the kernel has the address on the interface.",
        ("group", "address", "interface"),
        _bound,
    ),
    (
        "vipservice_lease_remaining_seconds",
        "Seconds until the kernel removes the address if nobody renews it; 0 where it is not held.",
        ("group",),
        _of_groups(lambda group: max(0.0, group.core.lease_left)),
    ),
    (
        "vipservice_owners_observed",
        "Owners of the address that this node knows of, itself included; anything but 1 deserves a look.",
        ("group",),
        _of_groups(lambda group: group.core.owners_observed),
    ),
    (
        "vipservice_nodes_expected",
        "Nodes that the group should have, this one included: configured, else known from before.",
        ("group",),
        lambda status: [
            ((one.core.name,), one.expected_nodes) for one in status.groups if one.expected_nodes is not None
        ],
    ),
    (
        "vipservice_nodes_heard",
        "Nodes of the group that are there, this one included; fewer than expected is lost redundancy.",
        ("group",),
        _of_groups(lambda group: group.nodes_heard),
    ),
    ("vipservice_condition", "Whether this alarm of the election is on.", ("group", "kind"), _conditions),
    (
        "vipservice_maintenance",
        "Whether this node stays out of the election for maintenance.",
        ("group",),
        _of_groups(lambda group: group.core.maintenance),
    ),
    ("vipservice_peer_up", "Whether the peer's adverts come in.", ("group", "peer"), _peer_up),
    (
        "vipservice_peer_hears_us",
        "Whether the peer says that it hears this node; 0 beside peer_up 1 is a one-way link.",
        ("group", "peer"),
        _peer_hears_us,
    ),
    (
        "vipservice_peer_last_seen_timestamp_seconds",
        "When the peer's last advert came in, 0 for never.",
        ("group", "peer"),
        _peer_last_seen,
    ),
    (
        "vipservice_adverts_authenticated",
        "Whether adverts are signed and verified.",
        (),
        lambda status: [((), bool(status.key_ids))],
    ),
    (
        "vipservice_config_last_reload_successful",
        "Whether the configuration could be read the last time.",
        (),
        lambda status: [((), status.reload.ok)],
    ),
    (
        "vipservice_config_last_reload_success_timestamp_seconds",
        "When the configuration was last read without a problem.",
        (),
        lambda status: [((), status.reload.succeeded_at)],
    ),
)
"""Name, help, labels, and where the numbers are in the snapshot."""


class StatusGauges(Collector):
    """Turns a snapshot into gauges; says itself whether it could get one."""

    def __init__(self, snapshot: Callable[[], NodeStatus]) -> None:
        self._snapshot = snapshot

    def describe(self) -> Iterable[Metric]:
        """The families, empty: registering must not ask a loop that does not run yet."""
        yield _available(0)
        yield InfoMetricFamily("vipservice_build", "The program that runs.", labels=("version", "python"))
        for name, text, labels, _ in GAUGES:
            yield GaugeMetricFamily(name, text, labels=labels)

    def collect(self) -> Iterable[Metric]:
        """The families of one snapshot; without one, only that it is missing."""
        try:
            status = self._snapshot()
        except SnapshotUnavailableError:
            yield _available(0)
            return
        yield _available(1)
        yield InfoMetricFamily(
            "vipservice_build",
            "The program that runs.",
            {"version": status.version, "python": platform.python_version()},
        )
        for name, text, labels, samples in GAUGES:
            family = GaugeMetricFamily(name, text, labels=labels)
            for values, number in samples(status):
                family.add_metric(values, float(number))
            yield family


def _available(value: float) -> Metric:
    return GaugeMetricFamily(
        "vipservice_snapshot_successful", "Whether the loop answered this scrape in time.", value=value
    )
