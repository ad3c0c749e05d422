"""What others learn of a round: the log, the metrics, the state directory, whoever waits for a command."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from vipservice.core.actions import (
    Action,
    CommandDone,
    ConditionChanged,
    PhaseMeasured,
    Rejected,
    Stopped,
    StoreIncarnation,
    StorePeers,
    StoreTerm,
    Turned,
)
from vipservice.core.messages import Path
from vipservice.core.settings import GroupSettings
from vipservice.core.values import GroupId
from vipservice.runtime.history import History
from vipservice.runtime.metrics import Metrics
from vipservice.runtime.pinger import Target
from vipservice.runtime.ports import HostError, StateStore, StoredPeer
from vipservice.runtime.round_trips import RecentRoundTrips
from vipservice.runtime.words import QUIET_FOR, RateLimited, sentence

ORDINARY = {"own", "copy", "not_acquainted"}
"""Fates of adverts that belong to daily life: counted, not logged."""

log = logging.getLogger("vipservice")


class Observer:
    """Everything that looks on, and never decides."""

    def __init__(
        self,
        metrics: Metrics,
        store: StateStore,
        clock: Callable[[], float],
        history: History,
    ) -> None:
        self._metrics = metrics
        self._history = history
        self._store = store
        self._addresses: dict[GroupId, tuple[str, ...]] = {}
        self._names: dict[GroupId, str] = {}
        self._rejections = RateLimited(clock)
        self._failures = RateLimited(clock)
        self._clock = clock
        self._remind_at = clock() + QUIET_FOR
        self._not_stored: str | None = None
        self._happened: list[Action] = []
        self._commands: dict[int, asyncio.Future[CommandDone]] = {}
        self._numbers = count(1)
        self.stopped: set[GroupId] = set()
        """Groups that have done what SIGTERM asks."""
        self.round_trips = RecentRoundTrips()
        self.peers: Callable[[], Iterable[StoredPeer]] = tuple
        """The peers of all links, for the state directory."""
        self.inputs: Callable[[GroupId], Mapping[str, Any]] = lambda _: {}
        """What a group's election knows now, for the history."""
        self.happened: Callable[[Action, str], None] = lambda _action, _transition: None
        """What hooks may be run for, with the id of a change of role."""
        self.changed = False
        """A role or a condition has changed since this was last set to False."""

    def add_group(self, settings: GroupSettings) -> None:
        """One more group to watch."""
        self._addresses[settings.id] = tuple(map(str, settings.addresses))
        self._names[settings.id] = settings.name
        self._metrics.add_group(settings.id, settings.name)

    def change_group(self, settings: GroupSettings) -> None:
        """A reload has changed a group, its name perhaps."""
        if settings.name != self._names[settings.id]:
            self._metrics.remove_group(settings.id)
        self.add_group(settings)

    def remove_group(self, group: GroupId) -> None:
        """We take no part in it any more, and all of its news has been told."""
        del self._addresses[group], self._names[group]
        self._metrics.remove_group(group)
        self.stopped.discard(group)

    def observe(self, action: Action) -> None:
        """One thing that happened; told at the end of the round, when nobody waits for an address."""
        self._happened.append(action)

    def tell(self) -> None:
        """The round is over: everybody may know what happened in it."""
        if self._happened:
            happened, self._happened = self._happened, []
            for action in happened:
                self._tell(action)
        if self._store.problem != self._not_stored:
            self._say_stored(self._store.problem)
        if (now := self._clock()) >= self._remind_at:
            self._remind_at = now + QUIET_FOR
            for line in (*self._rejections.overdue(), *self._failures.overdue()):
                log.warning(line)

    def _tell(self, action: Action) -> None:
        self._metrics.observe(action)
        fields = self._remember(action)
        if said := sentence(action, self._names):
            log.log(*said, extra={"fields": fields})
            self.happened(action, fields.get("transition", ""))
        match action:
            case Turned() | ConditionChanged():
                self.changed = True
            case StoreTerm(group=group, own=own, reserved=reserved):
                terms = replace(self._store.group(group), own_term=own, reserved_term=reserved)
                self._store.store_group(group, replace(terms, addresses=self._addresses[group]))
            case StoreIncarnation(incarnation=incarnation):
                self._store.store_incarnation(incarnation)
            case StorePeers():
                self._store.store_peers(tuple(self.peers()))
            case Rejected(reason=reason, detail=detail) if reason not in ORDINARY:
                self._say_rejected(reason, detail)
            case CommandDone():
                self._answer(action)
            case Stopped(group=group):
                self.stopped.add(group)
                self._store.store_peers(tuple(self.peers()))  # with the moments they were heard last

    def _remember(self, action: Action) -> dict[str, str]:
        """Keep a turn in the history; what names it in log and metrics."""
        match action:
            case Turned(group=group):
                transition = self._history.turned(action, self._names.get(group, ""), self.inputs(group))
                self._metrics.turned(action, transition)
                return {"transition": transition}
            case PhaseMeasured():
                self._metrics.phase(action, self._history.measured(action))
        return {}

    @property
    def history_problem(self) -> str | None:
        """Why the history can't be written, or None."""
        return self._history.problem

    def command(self) -> tuple[int, asyncio.Future[CommandDone]]:
        """A number for an operator's command, and what will hold its answer."""
        number = next(self._numbers)
        self._commands[number] = asyncio.get_running_loop().create_future()
        return number, self._commands[number]

    def advert_sent(self, path: Path) -> None:
        """An advert left by this path."""
        self._metrics.advert_sent(path)

    def advert_not_sent(self, path: Path, problem: HostError) -> None:
        """The kernel did not let an advert out by this path."""
        self._metrics.advert_not_sent(path)
        self.send_failed(problem)

    def renewed(self, group: GroupId, *, ok: bool, late: bool) -> None:
        """The kernel was asked to extend a lease; late: with less than half of it left."""
        self._metrics.renewed(group, ok=ok, late=late)

    def advert_received(self, path: Path) -> None:
        """A believable advert came by this path."""
        self._metrics.advert_received(path)

    def advert_rejected(self, reason: str, detail: str) -> None:
        """Something came that is no advert for us."""
        self._metrics.advert_rejected(reason)
        self._say_rejected(reason, detail)

    def frame_rejected(self, reason: str, detail: str) -> None:
        """A frame passed the kernel filter and is no ARP packet."""
        self._metrics.frame_rejected(reason)
        if said := self._rejections.say(reason, f"ignored a frame ({reason}): {detail}"):
            log.info(said)

    def send_failed(self, problem: HostError) -> None:
        """The kernel did not let something out: a firewall, a full buffer, a link that is down."""
        if said := self._failures.say(problem.operation, str(problem)):
            log.warning(said)

    def woke_late(self, seconds: float) -> None:
        """The loop's timer came this much after its time."""
        self._metrics.lag(seconds)

    def watchdog_fed(self) -> None:
        """A sign of life went to the service manager."""
        self._metrics.watchdog()

    def stalled(self, seconds: float) -> None:
        """This process stood still."""
        self._metrics.stalled()
        log.warning("stood still for %.3f s", seconds)

    def pinged(self, target: Target, rtt: float | None) -> None:
        """A round trip, or a lost echo."""
        self._metrics.ping(target.group, target.name, target.kind, rtt)
        self.round_trips.take(target, rtt, self._clock())

    def pinging(self, targets: Iterable[Target]) -> None:
        """Echoes to these begin: their zeros are visible before the first answer."""
        for target in targets:
            self._metrics.expect_pings(target.group, target.name, target.kind)

    def _say_stored(self, problem: str | None) -> None:
        """Terms and peers are kept in memory where the disk does not take them; we bind, and say so."""
        if (problem is None) != (self._not_stored is None):
            if problem is None:
                log.info("the state directory can be written again")
            else:
                log.warning("the state directory cannot be written: %s", problem)
        self._not_stored = problem

    def _say_rejected(self, reason: str, detail: str) -> None:
        if said := self._rejections.say(reason, f"rejected an advert ({reason}): {detail}"):
            log.warning(said)

    def _answer(self, done: CommandDone) -> None:
        waiting = self._commands.pop(done.command, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(done)
