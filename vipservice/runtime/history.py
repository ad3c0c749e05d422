"""What happened to this node: each change of role with cause, inputs and timings, across restarts.

An entry is one line of JSON, appended to a journal off the loop, so that a crash loses at most the last one.
A takeover's last phase is known only after the change itself: it is appended as a line of its own, with the
id of its entry. The lines are made once, when something happens; who asks later is given what is there.
"""

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Any, Protocol

from vipservice.core.actions import PhaseMeasured, Turned
from vipservice.core.frozen import dataclass
from vipservice.core.roles import Role
from vipservice.core.values import GroupId
from vipservice.runtime.status import rfc3339

KEPT = 256
"""Entries; the journal has at most twice as many lines before it is written anew."""

STARTED, STOPPED, TRANSITION, HOOK = "started", "stopped", "transition", "hook"


class Journal(Protocol):
    """Lines that outlive the process. Both calls return at once."""

    problem: str | None
    """Why the last line could not be written, or None."""

    def append(self, line: str) -> None:
        """Queue a line."""

    def rewrite(self, lines: Sequence[str]) -> None:
        """Queue these lines in the place of everything that is there."""


class Forgetful:
    """A journal for who needs none."""

    problem: str | None = None

    def append(self, line: str) -> None:
        """Forget it."""

    def rewrite(self, lines: Sequence[str]) -> None:
        """Forget them."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A change of role, the end of a hook, or the beginning or end of a life of the daemon."""

    id: str
    """The node's incarnation and a number: the same in log, exemplars and API, unique on this node."""
    event: str
    """`transition`, `started`, `stopped` or `hook`."""
    at: float
    """Wall clock, seconds since the epoch."""
    detail: str
    """The sentence that the log has."""
    group: str = ""
    old: str = ""
    new: str = ""
    reason: str = ""
    phases: Mapping[str, float] = field(default_factory=dict)
    """Seconds of detect, probe, bind and proof, as far as the takeover had them."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """What the election knew at the end of that round: term, priority, verdict, owners, alarms, nodes."""
    unclean_starts: int = 0
    """How many lives of this node had ended without goodbye by then."""


class History:
    """The latest entries, for any thread; written by the loop's.

    Args:
        incarnation: This life's number, the first half of the ids.
        earlier: The journal's lines from lives before this one.
    """

    def __init__(
        self,
        incarnation: int,
        journal: Journal,
        earlier: Iterable[str] = (),
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._incarnation = incarnation
        self._journal = journal
        self._wall_clock = wall_clock
        self._number = 0
        self._appended = 0
        self._entries: OrderedDict[str, tuple[HistoryEntry, str]] = OrderedDict()
        self._phases: dict[GroupId, dict[str, float]] = {}
        self._latest: dict[GroupId, str] = {}
        self._lock = threading.Lock()
        for line in earlier:
            self._read(line)
        self.unclean_starts = self._count_unclean()

    # What the loop calls

    def started(self, version: str) -> None:
        """A life begins."""
        before = next((entry for entry, _ in reversed(self._entries.values())), None)
        unclean = "" if before is None or before.event == STOPPED else "; the last life ended without goodbye"
        self._add(STARTED, f"vipservice {version} started{unclean}")

    def stopped(self, how: str = "stopped") -> None:
        """It ends properly."""
        self._add(STOPPED, how)

    def goes_on(self, why: str) -> None:
        """It had ended, but for an upgrade that did not come about."""
        self._add(STARTED, f"goes on: {why}")

    def turned(self, action: Turned, group: str, inputs: Mapping[str, Any]) -> str:
        """A group's role has changed; the id of the entry."""
        phases = self._phases.setdefault(action.group, {})
        if action.new not in {Role.PROBING, Role.ACTIVE} and action.old is not Role.PROBING:
            phases.clear()
        entry = self._add(
            TRANSITION,
            action.detail,
            group=group,
            old=action.old.value,
            new=action.new.value,
            reason=action.reason.value,
            phases=dict(phases),
            inputs=inputs,
        )
        if action.new not in {Role.PROBING, Role.ACTIVE}:
            phases.clear()
        self._latest[action.group] = entry
        return entry

    def measured(self, action: PhaseMeasured) -> str:
        """A phase is over; the id of the group's latest entry.

        Silence is detected and neighbours prove their knowledge *after* a change of role, which then gets the
        timing too; probe and bind come before one, which takes them along.
        """
        self._phases.setdefault(action.group, {})[action.phase] = action.seconds
        latest = self._latest.get(action.group, "")
        if action.phase in {"detect", "proof"} and latest in self._entries:
            self._amend(latest, {action.phase: action.seconds})
        return latest

    def ran_hook(self, group: str, detail: str) -> None:
        """A hook of a group has ended."""
        self._add(HOOK, detail, group=group)

    # What anybody calls

    @property
    def problem(self) -> str | None:
        """Why the journal can't be written, or None."""
        return self._journal.problem

    def latest(self, group: str | None = None, limit: int = KEPT) -> Sequence[HistoryEntry]:
        """The latest entries, newest first; of one group, with the daemon's starts and stops, or of all."""
        return [entry for entry, _ in self._newest(group, limit)]

    def to_json(self, group: str | None = None, limit: int = KEPT) -> str:
        """The same as a list in JSON, put together of lines that exist: it costs the loop next to nothing.

        Each entry: `id`, `event` (transition, started, stopped, hook), `time` (RFC 3339), `group`, `from`,
        `to`, `reason`, `detail`, `phases` {name: seconds}, `inputs` {`term`, `priority`, `verdict`, `owner`,
        `owners_observed`, `healthy`, `maintenance`, `conditions`, `nodes` [{`name`, `role`, `priority`,
        `term`, `heard_ago`, `hears_us_ago`, `living`, `fit`}]}, `unclean_starts`.
        """
        return f"[{', '.join(line for _, line in self._newest(group, limit))}]"

    # Inside

    def _newest(self, group: str | None, limit: int) -> list[tuple[HistoryEntry, str]]:
        with self._lock:
            entries = list(self._entries.values())
        found = [one for one in reversed(entries) if group is None or one[0].group in {"", group}]
        return found[: max(0, limit)]

    def _add(self, event: str, detail: str, **more: Any) -> str:
        self._number += 1
        entry_id, now = f"{self._incarnation}-{self._number}", self._wall_clock()
        entry = HistoryEntry(entry_id, event, now, detail, unclean_starts=self.unclean_starts, **more)
        line = json.dumps(_to_json(entry))
        self._keep(entry, line)
        self._append(line)
        return entry.id

    def _amend(self, entry_id: str, phases: Mapping[str, float]) -> None:
        entry = self._entries[entry_id][0]
        amended = replace(entry, phases={**entry.phases, **phases})
        self._keep(amended, json.dumps(_to_json(amended)))
        self._append(json.dumps({"id": entry_id, "phases": dict(amended.phases)}))

    def _keep(self, entry: HistoryEntry, line: str) -> None:
        with self._lock:
            self._entries[entry.id] = entry, line
            if len(self._entries) > KEPT:
                self._entries.popitem(last=False)

    def _append(self, line: str) -> None:
        self._appended += 1
        if self._appended <= 2 * KEPT:
            self._journal.append(line)
            return
        self._journal.rewrite([line for _, line in self._entries.values()])
        self._appended = len(self._entries)

    def _read(self, line: str) -> None:
        """Take in a line of an earlier life; one that makes no sense was torn by a crash, or is not ours."""
        self._appended += 1
        try:
            read = json.loads(line, parse_constant=_not_json)
            known = self._entries.get(read["id"])
            entry = replace(known[0], phases=_phases(read["phases"])) if known else _from_json(read)
            written = json.dumps(_to_json(entry), allow_nan=False)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            return
        self._keep(entry, written)

    def _count_unclean(self) -> int:
        """Lives without goodbye: as many as the last entry says, and one more if it is no goodbye."""
        last = next((entry for entry, _ in reversed(self._entries.values())), None)
        return 0 if last is None else last.unclean_starts + (last.event != STOPPED)


def _to_json(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "event": entry.event,
        "time": rfc3339(entry.at),
        "group": entry.group,
        "from": entry.old,
        "to": entry.new,
        "reason": entry.reason,
        "detail": entry.detail,
        "phases": {name: round(seconds, 6) for name, seconds in entry.phases.items()},
        "inputs": entry.inputs,
        "unclean_starts": entry.unclean_starts,
    }


def _from_json(read: Mapping[str, Any]) -> HistoryEntry:
    """Read an entry back; ValueError, TypeError or KeyError for what is none."""
    inputs = read["inputs"]
    if not isinstance(inputs, dict):
        raise TypeError("inputs")
    texts = {name: read[name] for name in ("id", "event", "time", "group", "from", "to", "reason", "detail")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError("a text")
    return HistoryEntry(
        id=texts["id"],
        event=texts["event"],
        at=datetime.fromisoformat(texts["time"]).timestamp(),
        detail=texts["detail"],
        group=texts["group"],
        old=texts["from"],
        new=texts["to"],
        reason=texts["reason"],
        phases=_phases(read["phases"]),
        inputs=inputs,
        unclean_starts=int(read["unclean_starts"]),
    )


def _not_json(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _phases(read: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(seconds) for name, seconds in read.items()}
