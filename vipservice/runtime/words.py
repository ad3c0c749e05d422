"""The sentence for everything that is logged, the same as in `status` and the history."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vipservice.core.actions import Action, CommandDone, ConditionChanged, Repaired, Turned
from vipservice.core.values import GroupId

QUIET_FOR = 60.0
"""Seconds between two lines about the same reason."""

MAX_REASONS = 64
OTHER = "other"

Said = tuple[int, str]
"""A line for the log: how grave (a level of logging), and the sentence."""


def sentence(action: Action, names: Mapping[GroupId, str]) -> Said | None:
    """The line for an action that turns something; None for one that only does the daily work.

    Args:
        action: What happened.
        names: Names of this node's groups by id; with several, the sentence begins with the name.
    """
    match action:
        case Turned(group, old, new, _, detail):
            return logging.INFO, _prefixed(names, group, f"role {old.value} -> {new.value}: {detail}")
        case ConditionChanged(group, kind, on, detail):
            words = kind.value.replace("_", " ")
            level = logging.WARNING if on else logging.INFO
            return level, _prefixed(names, group, f"{words}: {detail}" if on else f"{words} is over")
        case Repaired(group, address):
            text = f"{address} was removed by somebody else; putting it back"
            return logging.WARNING, _prefixed(names, group, text)
        case CommandDone(_, ok, detail):
            return logging.INFO, f"command {'done' if ok else 'refused'}: {detail}"
    return None


def _prefixed(names: Mapping[GroupId, str], group: GroupId, text: str) -> str:
    return f"{names.get(group, f'group {group}')}: {text}" if len(names) > 1 else text


@dataclass(slots=True)
class _Reason:
    said_at: float
    kept_back: int = 0


class RateLimited:
    """Lets the first line of each reason through at once, then one a minute with the count of the others.

    What strangers send must not fill a disk.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._reasons: dict[str, _Reason] = {}

    def say(self, reason: str, text: str) -> str | None:
        """The line to log for `text`, or None while `reason` had one within the last minute."""
        now = self._clock()
        if reason not in self._reasons and len(self._reasons) >= MAX_REASONS:
            reason = OTHER
        known = self._reasons.get(reason)
        if known is not None and now - known.said_at < QUIET_FOR:
            known.kept_back += 1
            return None
        self._reasons[reason] = _Reason(now)
        if known is None or not known.kept_back:
            return text
        return f"{text} (and {known.kept_back} like it since the last such line)"

    def overdue(self) -> list[str]:
        """Lines about what was kept back for a minute and had no successor to be told with."""
        now = self._clock()
        lines = []
        for reason, known in self._reasons.items():
            if known.kept_back and now - known.said_at >= QUIET_FOR:
                lines.append(f"{reason}: {known.kept_back} more since the last such line")
                known.said_at, known.kept_back = now, 0
        return lines
