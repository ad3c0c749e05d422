"""What the loop counts, as `declarations` names it; the gauges are in `gauges`.

Children are made at the start, so that zero is visible. What the loop calls costs a few microseconds: a
dictionary and a lock that a scrape holds for as long as it copies one number. What it calls in every round is
in `tallies` and costs less.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

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
from vipservice.runtime import declarations
from vipservice.runtime.declarations import Declaration
from vipservice.runtime.gauges import StatusGauges
from vipservice.runtime.status import NodeStatus
from vipservice.runtime.tallies import Distribution, PathTally
from vipservice.wire.errors import ADVERT_REASONS, FRAME_REASONS

CORE_REASONS = frozenset({"own", "replayed", "copy", "not_acquainted", "foreign_addresses", "term", "ttl"})
"""Why adverts that could be read were not acted on, and `ttl` for those that came through a router."""

KINDS = ("vip", "peer", "gateway", "witness")
PHASES = ("detect", "probe", "bind", "proof")
ANNOUNCEMENTS = {4: ("garp_request", "garp_reply"), 6: ("una",)}
"""What one Announce puts on the wire for an address, by IP version."""

HOOK_RESULTS = ("ok", "failed", "timed_out", "not_started")

MAX_TARGETS = 256
"""Different targets of pings; more of them than this share `other`: peers bring their own addresses."""

OTHER = "other"

EXEMPLAR = "transition"
"""The label under which an exemplar names the transition, by its id in the history."""

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
        Reason.DUPLICATE_NODE, Reason.UNHEALTHY,
    ),
    (Role.ACTIVE, Role.FAULT): (*_BROKEN, Reason.ISOLATED, Reason.REPAIRS_EXHAUSTED),
    (Role.FAULT, Role.BACKUP): (Reason.RECOVERED,),
}  # fmt: skip
"""Which reasons a change of role usually has: these 33 series a group exist from the start.

All pairs with all reasons would be 264 a group, nearly all of them impossible. A change that is not in here
still counts; its series appears with it.
"""


TRY_RESULTS = ("passed", "failed")
"""How the try of a check ends."""


@dataclass(slots=True)
class _GroupSeries:
    """The children of one group."""

    name: str
    transitions: dict[tuple[Role, Role, Reason], Counter]
    phases: dict[str, Histogram]
    flaps: Counter
    repairs: Counter
    conflicts: Counter
    renewals: Counter
    renewals_late: Counter
    renewals_failed: Counter


class Metrics:
    """The series, on a registry of their own.

    Args:
        groups: Names of the groups by id.
        snapshot: Called at each scrape, from the exporter's thread; the gauges are made of what it returns.
    """

    def __init__(self, groups: Mapping[GroupId, str], snapshot: Callable[[], NodeStatus]) -> None:
        # Else every counter and histogram has a second series with the moment of its making.
        # Before 0.17 only the environment turns that off: the launcher of our packages sets it.
        if hasattr(prometheus_client, "disable_created_metrics"):
            prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._transitions = self._counter(declarations.TRANSITIONS)
        self._flaps = self._counter(declarations.FLAPS)
        self._takeover = self._histogram(declarations.TAKEOVER)
        self._repairs = self._counter(declarations.REPAIRS)
        self._conflicts = self._counter(declarations.CONFLICTS)
        self._renewals = self._counter(declarations.RENEWALS)
        self._renewals_late = self._counter(declarations.RENEWALS_LATE)
        self._renewals_failed = self._counter(declarations.RENEWALS_FAILED)
        self._announcements = self._counter(declarations.ANNOUNCEMENTS)
        self._tries = self._counter(declarations.CHECK_TRIES)
        self._hook_runs = self._counter(declarations.HOOK_RUNS)
        self._round_trips = self._histogram(declarations.ROUND_TRIPS)
        self._lost = self._counter(declarations.LOST)
        self._sent = PathTally(declarations.SENT)
        self._not_sent = self._counter(declarations.NOT_SENT)
        self._received = PathTally(declarations.RECEIVED)
        self._rejected = self._counter(declarations.REJECTED)
        self._frames_rejected = self._counter(declarations.FRAMES_REJECTED)
        self._lag = Distribution(declarations.LAG)
        self._stalls = self._counter(declarations.STALLS)
        self._watchdog = self._counter(declarations.WATCHDOG)
        self._unclean_starts = self._counter(declarations.UNCLEAN_STARTS)
        self._snapshot = self._histogram(declarations.SNAPSHOT)
        ProcessCollector(registry=self.registry)
        for collector in (self._sent, self._received, self._lag, StatusGauges(snapshot)):
            self.registry.register(collector)
        self._make_children(groups)

    def _counter(self, declared: Declaration) -> Counter:
        return Counter(declared.name, declared.text, declared.labels, registry=self.registry)

    def _histogram(self, declared: Declaration) -> Histogram:
        return Histogram(
            declared.name, declared.text, declared.labels, buckets=declared.buckets, registry=self.registry
        )

    def _make_children(self, groups: Mapping[GroupId, str]) -> None:
        paths = [path.value for path in Path]
        kinds = [kind for kinds in ANNOUNCEMENTS.values() for kind in kinds]
        self._not_sent_by = _children(self._not_sent, paths)
        self._rejected_by = _children(self._rejected, sorted(ADVERT_REASONS | CORE_REASONS))
        self._frames_rejected_by = _children(self._frames_rejected, sorted(FRAME_REASONS))
        self._announced_by = _children(self._announcements, kinds)
        self._pings: dict[tuple[str, str, str], tuple[Histogram, Counter]] = {}
        self._checks: set[tuple[str, str]] = set()
        self._hooks: set[tuple[str, str]] = set()
        self._groups: dict[GroupId, _GroupSeries] = {}
        for group, name in groups.items():
            self.add_group(group, name)
        self._observers: dict[type, Callable[..., None]] = {
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
            renewals=self._renewals.labels(name),
            renewals_late=self._renewals_late.labels(name),
            renewals_failed=self._renewals_failed.labels(name),
        )

    def remove_group(self, group: GroupId) -> None:
        """A reload took the group away, or its name: its children are no news to anybody."""
        series = self._groups.pop(group)
        for turn in series.transitions:
            self._transitions.remove(series.name, *(part.value for part in turn))
        for phase in series.phases:
            self._takeover.remove(series.name, phase)
        for counter in (self._flaps, self._repairs, self._conflicts):
            counter.remove(series.name)
        for counter in (self._renewals, self._renewals_late, self._renewals_failed):
            counter.remove(series.name)
        for key in [key for key in self._pings if key[0] == series.name]:
            del self._pings[key]
            self._round_trips.remove(*key)
            self._lost.remove(*key)
        for _, check in [key for key in self._checks if key[0] == series.name]:
            self.forget_check(series.name, check)
        for _, hook in [key for key in self._hooks if key[0] == series.name]:
            self.forget_hook(series.name, hook)

    # What the loop calls

    def observe(self, action: Action) -> None:
        """Count what the action is worth; most are worth nothing."""
        count = self._observers.get(type(action))
        if count is not None:
            count(action)

    def turned(self, action: Turned, transition: str) -> None:
        """A change of role, and its id in the history."""
        series = self._groups[action.group]
        key = action.old, action.new, action.reason
        if key not in series.transitions:
            labels = series.name, *(part.value for part in key)
            series.transitions[key] = self._transitions.labels(*labels)
        series.transitions[key].inc(1, {EXEMPLAR: transition})
        if Role.ACTIVE in {action.old, action.new}:
            series.flaps.inc()

    def phase(self, action: PhaseMeasured, transition: str) -> None:
        """A phase of a takeover is over; the id of the transition that it belongs to."""
        phases = self._groups[action.group].phases
        phases[action.phase].observe(action.seconds, {EXEMPLAR: transition})

    def renewed(self, group: GroupId, *, ok: bool, late: bool) -> None:
        """The kernel was asked to extend the lease."""
        series = self._groups[group]
        (series.renewals if ok else series.renewals_failed).inc()
        if ok and late:
            series.renewals_late.inc()

    def advert_sent(self, path: Path) -> None:
        """An advert left by this path."""
        self._sent.inc(path)

    def advert_not_sent(self, path: Path) -> None:
        """The kernel did not let an advert out by this path."""
        self._not_sent_by[path.value].inc()

    def advert_received(self, path: Path) -> None:
        """An advert came by this path and could be believed."""
        self._received.inc(path)

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
        round_trips, lost = self._ping_series((self._groups[group].name, target, kind))
        if rtt is None:
            lost.inc()
        else:
            round_trips.observe(rtt)

    def expect_pings(self, group: GroupId, target: str, kind: str) -> None:
        """Echoes to this target begin."""
        self._ping_series((self._groups[group].name, target, kind))

    def expect_check(self, group: str, check: str) -> None:
        """There is such a check: its zeros are visible before its first try."""
        self._checks.add((group, check))
        for result in TRY_RESULTS:
            self._tries.labels(group, check, result)

    def checked(self, group: str, check: str, passed: int, failed: int) -> None:
        """A check was tried so often since it was counted last."""
        self._checks.add((group, check))
        for result, times in zip(TRY_RESULTS, (passed, failed), strict=True):
            self._tries.labels(group, check, result).inc(times)

    def forget_check(self, group: str, check: str) -> None:
        """A reload took the check away, where there was one."""
        if (group, check) in self._checks:
            self._checks.remove((group, check))
            for result in TRY_RESULTS:
                self._tries.remove(group, check, result)

    def expect_hook(self, group: str, hook: str) -> None:
        """There is such a hook."""
        self._hooks.add((group, hook))
        for result in HOOK_RESULTS:
            self._hook_runs.labels(group, hook, result)

    def hook_ran(self, group: str, hook: str, result: str) -> None:
        """A hook's run has ended."""
        self._hook_runs.labels(group, hook, result).inc()

    def forget_hook(self, group: str, hook: str) -> None:
        """A reload took the hook away, where there was one."""
        if (group, hook) in self._hooks:
            self._hooks.remove((group, hook))
            for result in HOOK_RESULTS:
                self._hook_runs.remove(group, hook, result)

    def stalled(self) -> None:
        """This process stood still."""
        self._stalls.inc()

    def started_uncleanly(self, times: int) -> None:
        """So many lives of this node ended without goodbye, the last before this one included."""
        self._unclean_starts.inc(times)

    def snapshot_took(self, seconds: float) -> None:
        """The loop has built a snapshot for somebody who asked."""
        self._snapshot.observe(seconds)

    def watchdog(self) -> None:
        """The service manager was told that we live."""
        self._watchdog.inc()

    # What actions are worth

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
        """The children of a target, made when it is new."""
        if known := self._pings.get(key):
            return known
        if len(self._pings) >= MAX_TARGETS:
            group, _, kind = key
            key = group, OTHER, kind
        series = self._round_trips.labels(*key), self._lost.labels(*key)
        self._pings[key] = series
        return series


def _children(parent: Counter, labels: Iterable[str]) -> dict[str, Counter]:
    return {label: parent.labels(label) for label in labels}
