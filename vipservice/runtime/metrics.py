"""Every series that this node shows to Prometheus, on two screens: counted here, gauges in `gauges`.

The group's name is the label `group`. Children are made at the start, so that zero is visible, with no MAC,
state or error text among the labels. What the loop calls costs a few microseconds: a dictionary and a lock
that a scrape holds for as long as it copies one number.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics

from vipservice.core.actions import (
    Action,
    Announce,
    ConditionChanged,
    ConditionKind,
    PhaseMeasured,
    Rejected,
    Repaired,
    Turned,
)
from vipservice.core.messages import Path
from vipservice.core.roles import Reason, Role
from vipservice.core.values import GroupId
from vipservice.runtime.gauges import StatusGauges
from vipservice.runtime.status import NodeStatus
from vipservice.wire.errors import ADVERT_REASONS, FRAME_REASONS

CORE_REASONS = frozenset({"own", "replayed", "copy", "not_acquainted", "foreign_addresses", "term", "ttl"})
"""Why adverts that could be read were not acted on, and `ttl` for those that came through a router."""

KINDS = ("vip", "peer", "gateway", "witness")
PHASES = ("detect", "probe", "bind", "proof")
ANNOUNCEMENTS = {4: ("garp_request", "garp_reply"), 6: ("una",)}
"""What one Announce puts on the wire for an address, by IP version."""

MAX_TARGETS = 256
"""Different targets of pings; more of them than this share `other`: peers bring their own addresses."""

OTHER = "other"

ROUND_TRIP_BUCKETS = (
    0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0,
)  # fmt: skip
PHASE_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0)
LAG_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)

_BROKEN = (
    Reason.INTERFACE_LOST, Reason.LINK_LOST, Reason.ADDRESS_ON_HOST, Reason.BIND_FAILED,
)  # fmt: skip
CAUSES: Mapping[tuple[Role, Role], tuple[Reason, ...]] = {
    (Role.INITIALIZE, Role.BACKUP): (Reason.STARTED,),
    (Role.INITIALIZE, Role.ACTIVE): (Reason.ADOPTED,),
    (Role.INITIALIZE, Role.FAULT): _BROKEN,
    (Role.BACKUP, Role.PROBING): (Reason.ADVERTS_SILENT,),
    (Role.BACKUP, Role.ACTIVE): (Reason.HANDOVER_TAKEN,),
    (Role.BACKUP, Role.FAULT): _BROKEN,
    (Role.PROBING, Role.ACTIVE): (Reason.SILENCE_PROVED, Reason.HANDOVER_TAKEN),
    (Role.PROBING, Role.BACKUP): (
        Reason.ACTIVE_HEARD, Reason.HELD_BY_PEER, Reason.CONFLICT, Reason.BETTER_CLAIMANT,
    ),
    (Role.PROBING, Role.FAULT): _BROKEN,
    (Role.ACTIVE, Role.BACKUP): (
        Reason.BETTER_ACTIVE, Reason.LEASE_LAPSED, Reason.HANDOVER_GIVEN, Reason.STOPPED,
        Reason.DUPLICATE_NODE,
    ),
    (Role.ACTIVE, Role.FAULT): (*_BROKEN, Reason.ISOLATED, Reason.REPAIRS_EXHAUSTED),
    (Role.FAULT, Role.BACKUP): (Reason.RECOVERED,),
}  # fmt: skip
"""Which reasons a change of role usually has: these 32 series a group exist from the start.

All pairs with all reasons would be 264 a group, nearly all of them impossible. A change that is not in here
still counts; its series appears with it.
"""


@dataclass(slots=True)
class _GroupSeries:
    """The children of one group."""

    name: str
    transitions: dict[tuple[Role, Role, Reason], Counter]
    phases: dict[str, Histogram]
    flaps: Counter
    repairs: Counter
    conflicts: Counter


class Metrics:
    """The series, on a registry of their own.

    Args:
        groups: Names of the groups by id.
        snapshot: Called at each scrape, from the exporter's thread; the gauges are made of what it returns.
    """

    def __init__(self, groups: Mapping[GroupId, str], snapshot: Callable[[], NodeStatus]) -> None:
        # Else every counter and histogram has a second series with the moment of its making.
        disable_created_metrics()  # type: ignore[no-untyped-call] # of prometheus_client
        registry = self.registry = CollectorRegistry()
        self._transitions = Counter(
            "vipservice_transitions_total",
            "Changes of role, by what the role was, what it became, and why.",
            ("group", "from", "to", "reason"),
            registry=registry,
        )
        self._flaps = Counter(
            "vipservice_flaps_total",
            "Times this node became active or ceased to be.",
            ("group",),
            registry=registry,
        )
        self._takeover = Histogram(
            "vipservice_takeover_duration_seconds",
            "Phases of this node's takeovers: detect the silence, probe, bind, proof that neighbours heard.",
            ("group", "phase"),
            buckets=PHASE_BUCKETS,
            registry=registry,
        )
        self._repairs = Counter(
            "vipservice_address_repairs_total",
            "Addresses put back after somebody else removed them.",
            ("group",),
            registry=registry,
        )
        self._conflicts = Counter(
            "vipservice_conflicts_total",
            "Times a stranger began to answer for an address.",
            ("group",),
            registry=registry,
        )
        self._announcements = Counter(
            "vipservice_announcements_sent_total",
            "Gratuitous ARP and unsolicited neighbour advertisements.",
            ("kind",),
            registry=registry,
        )
        self._round_trips = Histogram(
            "vipservice_ping_rtt_seconds",
            "Round trips of ICMP echoes.",
            ("group", "target", "kind"),
            buckets=ROUND_TRIP_BUCKETS,
            registry=registry,
        )
        self._lost = Counter(
            "vipservice_ping_lost_total",
            "ICMP echoes without an answer.",
            ("group", "target", "kind"),
            registry=registry,
        )
        self._sent = Counter("vipservice_adverts_sent_total", "Adverts sent.", ("path",), registry=registry)
        self._received = Counter(
            "vipservice_adverts_received_total",
            "Adverts received that could be read and believed.",
            ("path",),
            registry=registry,
        )
        self._rejected = Counter(
            "vipservice_adverts_rejected_total",
            "Adverts that were not acted on.",
            ("reason",),
            registry=registry,
        )
        self._frames_rejected = Counter(
            "vipservice_frames_rejected_total",
            "ARP and ICMP packets that could not be read.",
            ("reason",),
            registry=registry,
        )
        self._lag = Histogram(
            "vipservice_loop_lag_seconds",
            "How much later than asked for the loop woke.",
            buckets=LAG_BUCKETS,
            registry=registry,
        )
        self._watchdog = Counter(
            "vipservice_watchdog_notifications_total",
            "Signs of life given to the service manager.",
            registry=registry,
        )
        ProcessCollector(registry=registry)
        registry.register(StatusGauges(snapshot))
        self._make_children(groups)

    def _make_children(self, groups: Mapping[GroupId, str]) -> None:
        paths = [path.value for path in Path]
        kinds = [kind for kinds in ANNOUNCEMENTS.values() for kind in kinds]
        self._sent_by = _children(self._sent, paths)
        self._received_by = _children(self._received, paths)
        self._rejected_by = _children(self._rejected, sorted(ADVERT_REASONS | CORE_REASONS))
        self._frames_rejected_by = _children(self._frames_rejected, sorted(FRAME_REASONS))
        self._announced_by = _children(self._announcements, kinds)
        self._pings: dict[tuple[str, str, str], tuple[Histogram, Counter]] = {}
        self._groups: dict[GroupId, _GroupSeries] = {}
        for group, name in groups.items():
            self.add_group(group, name)
        self._observers: dict[type, Callable[..., None]] = {
            Turned: self._turned,
            PhaseMeasured: self._phase,
            Repaired: self._repaired,
            ConditionChanged: self._condition,
            Announce: self._announce,
            Rejected: self._advert_rejected,
        }

    def add_group(self, group: GroupId, name: str) -> None:
        """Make the children of a group, at the start or when a reload brings it; again is fine."""
        self._groups[group] = _GroupSeries(
            name=name,
            transitions={
                (old, new, reason): self._transitions.labels(name, old.value, new.value, reason.value)
                for (old, new), reasons in CAUSES.items()
                for reason in reasons
            },
            phases={phase: self._takeover.labels(name, phase) for phase in PHASES},
            flaps=self._flaps.labels(name),
            repairs=self._repairs.labels(name),
            conflicts=self._conflicts.labels(name),
        )

    # What the loop calls

    def observe(self, action: Action) -> None:
        """Count what the action is worth; most are worth nothing."""
        count = self._observers.get(type(action))
        if count is not None:
            count(action)

    def advert_sent(self, path: Path) -> None:
        """An advert left by this path."""
        self._sent_by[path.value].inc()

    def advert_received(self, path: Path) -> None:
        """An advert came by this path and could be believed."""
        self._received_by[path.value].inc()

    def advert_rejected(self, reason: str) -> None:
        """An advert was refused, at the edge or by the election."""
        if reason not in self._rejected_by:
            self._rejected_by[reason] = self._rejected.labels(reason)
        self._rejected_by[reason].inc()

    def frame_rejected(self, reason: str) -> None:
        """An ARP or ICMP packet could not be read."""
        self._frames_rejected_by[reason].inc()

    def lag(self, seconds: float) -> None:
        """The loop woke this much later than it had asked for."""
        self._lag.observe(seconds)

    def ping(self, group: GroupId, target: str, kind: str, rtt: float | None) -> None:
        """An echo came back after `rtt` seconds, or None: it did not."""
        key = self._groups[group].name, target, kind
        round_trips, lost = self._pings.get(key) or self._ping_series(key)
        if rtt is None:
            lost.inc()
        else:
            round_trips.observe(rtt)

    def watchdog(self) -> None:
        """The service manager was told that we live."""
        self._watchdog.inc()

    # What actions are worth

    def _turned(self, action: Turned) -> None:
        series = self._groups[action.group]
        key = action.old, action.new, action.reason
        if key not in series.transitions:
            labels = series.name, *(part.value for part in key)
            series.transitions[key] = self._transitions.labels(*labels)
        series.transitions[key].inc()
        if Role.ACTIVE in {action.old, action.new}:
            series.flaps.inc()

    def _phase(self, action: PhaseMeasured) -> None:
        self._groups[action.group].phases[action.phase].observe(action.seconds)

    def _repaired(self, action: Repaired) -> None:
        self._groups[action.group].repairs.inc()

    def _condition(self, action: ConditionChanged) -> None:
        if action.kind is ConditionKind.CONFLICT and action.on:
            self._groups[action.group].conflicts.inc()

    def _announce(self, action: Announce) -> None:
        for address in action.addresses:
            for kind in ANNOUNCEMENTS[address.version]:
                self._announced_by[kind].inc()

    def _advert_rejected(self, action: Rejected) -> None:
        self.advert_rejected(action.reason)

    def _ping_series(self, key: tuple[str, str, str]) -> tuple[Histogram, Counter]:
        """The children of a target that is new."""
        if len(self._pings) >= MAX_TARGETS:
            group, _, kind = key
            key = group, OTHER, kind
        series = self._round_trips.labels(*key), self._lost.labels(*key)
        self._pings[key] = series
        return series


def _children(parent: Counter, labels: Iterable[str]) -> dict[str, Counter]:
    return {label: parent.labels(label) for label in labels}
