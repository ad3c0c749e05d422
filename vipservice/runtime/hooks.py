"""When hooks are run, and what they are told: a role that was taken, a conflict, a repair, a handover."""

import logging
import time
from collections.abc import Callable, Container, Mapping
from typing import Any

from vipservice.config.settings import ResolvedGroup
from vipservice.core.actions import Action, ConditionChanged, ConditionKind, Repaired, Turned
from vipservice.core.roles import Reason, Role
from vipservice.core.values import GroupId
from vipservice.runtime.history import History
from vipservice.runtime.hook_status import HookStatus, sentence
from vipservice.runtime.metrics import Metrics
from vipservice.runtime.status import rfc3339

log = logging.getLogger("vipservice")

HANDOVERS = (Reason.HANDOVER_GIVEN, Reason.HANDOVER_TAKEN)
TOLD_ROLES = {Role.ACTIVE: "active", Role.BACKUP: "backup", Role.FAULT: "fault"}
"""A node that probes is a backup to the world."""

LONGEST_OUTPUT = 200


class Hooks:
    """The hooks of all groups."""

    def __init__(
        self,
        node: str,
        send: Callable[[Mapping[str, Any]], None],
        metrics: Metrics,
        history: History,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._node = node
        self._send = send
        self._metrics = metrics
        self._history = history
        self._wall_clock = wall_clock
        self._groups: dict[GroupId, ResolvedGroup] = {}
        self._status: dict[GroupId, dict[str, HookStatus]] = {}
        self._role: dict[GroupId, dict[str, Any]] = {}
        """What was told last of each group's role."""

    @property
    def any(self) -> bool:
        """Whether there is something to run."""
        return any(group.hooks for group in self._groups.values())

    def take(self, group: ResolvedGroup) -> bool:
        """A group's hooks from now on; whether they are others than before."""
        before = self._groups.get(group.core.id)
        known = self._status.get(group.core.id, {})
        self._groups[group.core.id] = group
        self._status[group.core.id] = {
            hook.name: known.get(hook.name, HookStatus(hook.name)) for hook in group.hooks
        }
        for gone in known.keys() - self._status[group.core.id].keys():
            self._metrics.forget_hook(group.core.name, gone)
        for name in self._status[group.core.id]:
            self._metrics.expect_hook(group.core.name, name)
        return before is None or before.hooks != group.hooks

    def of(self, group: GroupId) -> tuple[HookStatus, ...]:
        """How the last runs of a group's hooks went."""
        return tuple(self._status.get(group, {}).values())

    def drop(self, group: GroupId) -> None:
        """The group is gone."""
        for kept in (self._groups, self._status, self._role):
            kept.pop(group, None)

    def say_all(self) -> None:
        """Tell the worker what there is to run."""
        from vipservice.config.check_settings import hook_to_json  # noqa: PLC0415 - only with something to say

        told = {
            str(int(one)): [hook_to_json(hook) for hook in group.hooks] for one, group in self._groups.items()
        }
        self._send({"hooks": told})

    def replay(self, groups: Container[GroupId] | None = None) -> None:
        """A worker has begun, or hooks are new: the present role is told to the world again, once."""
        for group, context in self._role.items():
            if self._groups[group].hooks and (groups is None or group in groups):
                self._tell(group, "role", {**context, "replay": True})

    def happened(self, action: Action, transition: str) -> None:
        """The loop has done something; `transition` is the id of a change of role in the history."""
        match action:
            case Turned(group=group) if group in self._groups:
                self._turned(action, transition)
            case ConditionChanged(group=group, kind=ConditionKind.CONFLICT, on=True) if group in self._groups:
                self._incident(group, "conflict", action.detail)
            case Repaired(group=group, address=address) if group in self._groups:
                self._incident(group, "repair", f"{address} was removed by somebody else and put back")

    def ran(self, message: Mapping[str, Any]) -> None:
        """The worker says how a run went."""
        group = GroupId(message["group"])
        output = "".join(c if c.isprintable() else "?" for c in message["output"][:LONGEST_OUTPUT])
        status = HookStatus(
            message["hook"],
            message["event"],
            message["result"],
            message["status"],
            message["seconds"],
            output,
            self._wall_clock(),
        )
        said = sentence(status)
        log.log(logging.INFO if status.result == "ok" else logging.WARNING, said)
        if status.name not in self._status.get(group, {}):
            return  # a reload has taken it away: its last run is told in the log alone
        self._status[group][status.name] = status
        name = self._groups[group].core.name
        self._metrics.hook_ran(name, status.name, status.result)
        self._history.ran_hook(name, said)

    def _turned(self, action: Turned, transition: str) -> None:
        role = TOLD_ROLES.get(action.new)
        before = self._role.get(action.group)
        if role is None or (before is not None and before["event"] == role):
            return
        context = {
            **self._context(action.group, role, action.detail),
            "previous": before["event"] if before else "",
            "reason": action.reason.value,
            "transition": transition,
            "replay": before is None,
        }
        self._role[action.group] = context
        self._tell(action.group, "role", context)
        if action.reason in HANDOVERS:
            self._tell(action.group, "handover", {**context, "event": "handover"})

    def _incident(self, group: GroupId, event: str, detail: str) -> None:
        self._tell(group, event, self._context(group, event, detail))

    def _context(self, group: GroupId, event: str, detail: str) -> dict[str, Any]:
        resolved = self._groups[group]
        known = self._role.get(group)
        role = event if event in TOLD_ROLES.values() else known["role"] if known else ""
        return {
            "event": event,
            "group": resolved.core.name,
            "group_id": int(group),
            "role": role,
            "detail": detail,
            "addresses": [str(one) for one in resolved.core.addresses],
            "interface": resolved.interface,
            "node": self._node,
            "time": rfc3339(self._wall_clock()),
        }

    def _tell(self, group: GroupId, matter: str, context: Mapping[str, Any]) -> None:
        if any(context["event"] in hook.on for hook in self._groups[group].hooks):
            self._send({"happened": context, "group": int(group), "matter": matter})
