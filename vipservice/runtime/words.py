"""The sentence for everything that is logged, the same as in `status` and the history."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from vipservice.core.actions import Action, CommandDone, ConditionChanged, Repaired, Turned
from vipservice.core.values import GroupId

QUIET_FOR = 60.0
"""Seconds between two lines about the same reason."""

MAX_REASONS = 64
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Said:
    """A line for the log: how grave (a level of logging), the sentence, and its parts for machines."""

    level: int
    text: str
    fields: Mapping[str, object] = field(default_factory=dict)


class Words:
    """Says what actions mean; begins with the group's name where there are several.

    Args:
        groups: Names of the groups by id; looked at again for each sentence.
    """

    def __init__(self, groups: Mapping[GroupId, str]) -> None:
        self._groups = groups

    def of(self, action: Action) -> Said | None:
        """The line for an action that turns something; None for one that only does the daily work."""
        match action:
            case Turned():
                return self._turned(action)
            case ConditionChanged():
                return self._condition(action)
            case Repaired(group, address):
                said = f"{address} was removed by somebody else; putting it back"
                return self._said(logging.WARNING, group, said, address=str(address))
            case CommandDone(command, ok, detail):
                level, how = (logging.INFO, "done") if ok else (logging.WARNING, "refused")
                return Said(level, f"command {how}: {detail}", {"command": command, "ok": ok})
        return None

    def _turned(self, action: Turned) -> Said:
        old, new, reason = action.old.value, action.new.value, action.reason.value
        text = f"role {old} -> {new}: {action.detail}"
        return self._said(logging.INFO, action.group, text, **{"from": old, "to": new, "reason": reason})

    def _condition(self, action: ConditionChanged) -> Said:
        name = action.kind.value
        words = name.replace("_", " ")
        text = f"{words}: {action.detail}" if action.on else f"{words} is over"
        level = logging.WARNING if action.on else logging.INFO
        return self._said(level, action.group, text, condition=name, on=action.on)

    def _said(self, level: int, group: GroupId, text: str, **fields: object) -> Said:
        name = self._groups.get(group, f"group {group}")
        prefixed = f"{name}: {text}" if len(self._groups) > 1 else text
        return Said(level, prefixed, {"group": name, **fields})


@dataclass(slots=True)
class _Reason:
    said_at: float
    kept_back: int = 0


class RateLimited:
    """Lets the first line of each reason through at once, then one a minute with the count of the others.

    What strangers send must not fill a disk.
    """

    def __init__(self, what: str = "advert") -> None:
        self._what = what
        self._reasons: dict[str, _Reason] = {}

    def line(self, reason: str, detail: str, now: float) -> str | None:
        """The line for one more of `reason`, or None while there was one within the last minute."""
        if reason not in self._reasons and len(self._reasons) >= MAX_REASONS:
            reason = OTHER
        known = self._reasons.get(reason)
        if known is None:
            self._reasons[reason] = _Reason(now)
            return f"{self._what} rejected, {reason}: {detail}"
        if now - known.said_at < QUIET_FOR:
            known.kept_back += 1
            return None
        line = f"{self._what} rejected, {reason}: {detail}{_count(known.kept_back)}"
        self._reasons[reason] = _Reason(now)
        return line

    def overdue(self, now: float) -> list[str]:
        """Lines about what was kept back for a minute and had no successor to be told with."""
        due = [
            (reason, known)
            for reason, known in self._reasons.items()
            if known.kept_back and now - known.said_at >= QUIET_FOR
        ]
        for reason, _ in due:
            self._reasons[reason] = _Reason(now)
        return [f"{self._what} rejected, {reason}{_count(known.kept_back)}" for reason, known in due]


def _count(kept_back: int) -> str:
    return f" (and {kept_back} more since the last line)" if kept_back else ""
