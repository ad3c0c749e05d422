"""The daemon's side of health checks: what the worker reports becomes status, metrics and events.

The checks themselves run in another process (docs/decisions: checks and hooks in a worker), so that nothing
they do can hold the loop up; here arrive a few lines of JSON a second.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vipservice.core.events import HealthChanged
from vipservice.core.values import GroupId, Health
from vipservice.runtime.health import CheckState, CheckStatus, Opinion, opinion
from vipservice.runtime.metrics import Metrics

if TYPE_CHECKING:
    from vipservice.config.check_settings import CheckSettings

log = logging.getLogger("vipservice")

GOOD = Opinion(Health.GOOD, 0, "")
"""Of a group without checks."""

LONGEST_DETAIL = 200

APPLICATION = "application"
"""Kind of the check that nobody asks: the application that embeds this daemon says itself how it is."""


class Checks:
    """All checks of this node.

    Args:
        tell: Takes what an election must know.
        send: Sends a message to the worker.
        clock: The loop's.
    """

    def __init__(
        self,
        tell: Callable[[HealthChanged], None],
        send: Callable[[Mapping[str, Any]], None],
        clock: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self._tell = tell
        self._send = send
        self._clock = clock
        self._metrics = metrics
        self._settings: dict[GroupId, tuple[CheckSettings, ...]] = {}
        self._status: dict[GroupId, dict[str, CheckStatus]] = {}
        self._names: dict[GroupId, str] = {}
        self._told: dict[GroupId, Opinion] = {}

    @property
    def any(self) -> bool:
        """Whether there is something to check."""
        return any(self._settings.values())

    @property
    def pings(self) -> bool:
        """Whether the worker needs a socket for ICMP."""
        return any(check.kind == "ping" for checks in self._settings.values() for check in checks)

    def take(self, group: GroupId, name: str, checks: "Sequence[CheckSettings]") -> None:
        """The checks of a group from now on; one that is the same as before goes on."""
        before, known = self._settings.get(group, ()), self._status.get(group, {})
        self._settings[group], self._names[group] = tuple(checks), name
        self._status[group] = {
            check.name: known[check.name] if check in before else self._new(check) for check in checks
        }
        self._status[group] |= {name: one for name, one in known.items() if one.kind == APPLICATION}
        for gone in known.keys() - self._status[group].keys():
            self._metrics.forget_check(name, gone)
        for one in self._status[group]:
            self._metrics.expect_check(name, one)
        self._consider(group)

    def forget_told(self, group: GroupId) -> None:
        """Somebody new is to be told."""
        self._told.pop(group, None)

    def drop(self, group: GroupId) -> None:
        """The group is gone."""
        for kept in (self._settings, self._status, self._names, self._told):
            kept.pop(group, None)

    def of(self, group: GroupId) -> tuple[CheckStatus, ...]:
        """The state of a group's checks."""
        return tuple(self._status.get(group, {}).values())

    def say_all(self) -> None:
        """Tell the worker what to check, after its start and after each change."""
        from vipservice.config.check_settings import check_to_json  # noqa: PLC0415 - only with something to say

        checks = [
            {"group": int(group), **check_to_json(check)}
            for group, checks in self._settings.items()
            for check in checks
        ]
        self._send({"checks": checks})

    def declare(self, group: GroupId, healthy: bool, detail: str) -> bool:
        """The application says how it is, which counts like a must; False where there is no such group."""
        if group not in self._status:
            return False
        found = CheckStatus(APPLICATION, APPLICATION, None, since=self._clock())
        self._status[group].setdefault(APPLICATION, found)
        self._metrics.expect_check(self._names[group], APPLICATION)
        state = CheckState.PASSING if healthy else CheckState.FAILING
        said = {
            "group": int(group),
            "name": APPLICATION,
            "state": state.value,
            "detail": detail,
            "seconds": 0.0,
        }
        self.reported([{**said, "passed": int(healthy), "failed": int(not healthy)}])
        return True

    def reported(self, results: Sequence[Mapping[str, Any]]) -> None:
        """The worker says how tries went."""
        groups = {self._result(result) for result in results}
        for group in groups:
            if group is not None:
                self._consider(group)

    def _new(self, check: "CheckSettings") -> CheckStatus:
        return CheckStatus(check.name, check.kind, check.weight, since=self._clock())

    def _result(self, result: Mapping[str, Any]) -> GroupId | None:
        """Take one in; the group that it concerns, or None where there is no such check any more."""
        group = GroupId(result["group"])
        known = self._status.get(group, {}).get(result["name"])
        if known is None:
            return None
        detail = "".join(c if c.isprintable() else "?" for c in result["detail"][:LONGEST_DETAIL])
        state = CheckState(result["state"])
        if state is CheckState.UNKNOWN and known.state is not CheckState.UNKNOWN:
            state = known.state  # a worker that was started anew has not made up its mind yet
        self._status[group][known.name] = replace(
            known,
            state=state,
            since=known.since if state is known.state else self._clock(),
            detail=detail,
            seconds=result["seconds"],
            passed=known.passed + result["passed"],
            failed=known.failed + result["failed"],
        )
        self._metrics.checked(self._names[group], known.name, result["passed"], result["failed"])
        if state is not known.state:
            self._say(group, known.name, state, detail)
        return group

    def _say(self, group: GroupId, name: str, state: CheckState, detail: str) -> None:
        level = logging.WARNING if state is CheckState.FAILING else logging.INFO
        prefix = f"{self._names[group]}: " if len(self._names) > 1 else ""
        log.log(level, "%scheck %s is %s: %s", prefix, name, state.value, detail)

    def _consider(self, group: GroupId) -> None:
        """Tell the election where the opinion has changed."""
        found = opinion(self.of(group))
        told = self._told.get(group, GOOD)
        self._told[group] = found
        if (found.health, found.weight) != (told.health, told.weight):
            self._tell(HealthChanged(group, found.health, found.detail, found.weight))
