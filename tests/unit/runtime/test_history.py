"""What a node remembers of its turns, through restarts and crashes."""

import json
from collections.abc import Sequence

import pytest

from vipservice.core.actions import PhaseMeasured, Turned
from vipservice.core.roles import Reason, Role
from vipservice.core.values import GroupId
from vipservice.runtime.history import KEPT, History

VIP = GroupId(1)


class Paper:
    """A journal that is a list; a test may tear its last line."""

    problem: str | None = None

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.rewritten = 0

    def append(self, line: str) -> None:
        self.lines.append(line)

    def rewrite(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)
        self.rewritten += 1


@pytest.fixture
def paper() -> Paper:
    return Paper()


def live(paper: Paper, incarnation: int = 7) -> History:
    return History(incarnation, paper, tuple(paper.lines), lambda: 1_795_348_994.12)


def turn(history: History, old: Role, new: Role, reason: Reason = Reason.ADVERTS_SILENT) -> str:
    return history.turned(Turned(VIP, old, new, reason, f"{reason.value}!"), "vip", {"term": 4})


def take_over(history: History) -> str:
    turn(history, Role.BACKUP, Role.PROBING)
    history.measured(PhaseMeasured(VIP, "detect", 0.31))
    history.measured(PhaseMeasured(VIP, "probe", 0.02))
    history.measured(PhaseMeasured(VIP, "bind", 0.0004))
    entry = turn(history, Role.PROBING, Role.ACTIVE, Reason.SILENCE_PROVED)
    assert history.measured(PhaseMeasured(VIP, "proof", 0.001)) == entry
    return entry


def test_a_takeover_has_all_four_phases_its_cause_and_its_inputs(paper: Paper) -> None:
    history = live(paper)
    entry_id = take_over(history)
    active, probing = history.latest()
    assert (active.id, active.old, active.new) == (entry_id, "probing", "active")
    assert (active.reason, active.detail, active.inputs) == ("silence_proved", "silence_proved!", {"term": 4})
    assert active.phases == {"detect": 0.31, "probe": 0.02, "bind": 0.0004, "proof": 0.001}
    assert probing.phases == {"detect": 0.31}


def test_the_timings_of_one_takeover_are_not_told_of_the_next(paper: Paper) -> None:
    history = live(paper)
    take_over(history)
    turn(history, Role.ACTIVE, Role.BACKUP, Reason.HANDOVER_GIVEN)
    history.measured(PhaseMeasured(VIP, "bind", 0.0009))
    turn(history, Role.BACKUP, Role.ACTIVE, Reason.HANDOVER_TAKEN)
    taken, given, *_ = history.latest()
    assert given.phases == {}
    assert taken.phases == {"bind": 0.0009}


def test_a_takeover_that_ends_in_nothing_says_how_long_it_looked(paper: Paper) -> None:
    history = live(paper)
    turn(history, Role.BACKUP, Role.PROBING)
    history.measured(PhaseMeasured(VIP, "detect", 0.31))
    turn(history, Role.PROBING, Role.BACKUP, Reason.HELD_BY_PEER)
    assert history.latest()[0].phases == {"detect": 0.31}
    turn(history, Role.BACKUP, Role.PROBING)
    assert history.latest()[0].phases == {}


def test_a_restart_remembers_everything_and_ids_never_come_twice(paper: Paper) -> None:
    first = live(paper)
    first.started("0.1.0")
    take_over(first)
    first.stopped()
    second = live(paper, incarnation=8)
    assert second.latest() == first.latest()
    assert second.to_json() == first.to_json()
    second.started("0.1.0")
    ids = [entry.id for entry in second.latest()]
    assert ids == ["8-1", "7-4", "7-3", "7-2", "7-1"]


def test_a_life_that_ends_without_goodbye_is_counted_and_told(paper: Paper) -> None:
    for incarnation, unclean in ((7, 0), (8, 1), (9, 2)):
        history = live(paper, incarnation)
        assert history.unclean_starts == unclean
        history.started("0.1.0")
        take_over(history)
    assert "ended without goodbye" in history.latest()[2].detail
    history.stopped()
    after = live(paper, 10)
    assert after.unclean_starts == 2
    after.started("0.1.0")
    assert "goodbye" not in after.latest()[0].detail


@pytest.mark.parametrize(
    "torn",
    [
        '{"id": "7-1", "ev',
        "null",
        "[]",
        "{}",
        '{"id": []}',
        '{"id": "7-1", "phases": 3}',
        '{"id": "7-9", "event": "transition", "time": "yesterday", "group": "", "from": "", "to": "", '
        '"reason": "", "detail": "", "phases": {}, "inputs": {}, "unclean_starts": 0}',
        '{"id": "7-9", "event": "started", "time": "2026-11-22T12:03:04Z", "group": "", "from": "", '
        '"to": "", "reason": "", "detail": "", "phases": {"bind": NaN}, "inputs": {}, "unclean_starts": 0}',
        "[" * 100_000,
        "\0\0\0\0",
    ],
)
def test_a_line_that_makes_no_sense_is_skipped_and_the_others_stay(paper: Paper, torn: str) -> None:
    turn(live(paper), Role.BACKUP, Role.PROBING)
    paper.lines.append(torn)
    history = live(paper, 8)
    assert [entry.id for entry in history.latest()] == ["7-1"]
    turn(history, Role.PROBING, Role.BACKUP)
    assert len(live(paper, 9).latest()) == 2


def test_it_is_bounded_in_memory_and_on_paper_and_keeps_the_count_of_crashes(paper: Paper) -> None:
    live(paper).started("0.1.0")
    history = live(paper, 8)
    history.started("0.1.0")
    longest = 0
    for _ in range(2 * KEPT):
        take_over(history)
        longest = max(longest, len(paper.lines))
    assert len(history.latest()) == KEPT
    assert longest <= 2 * KEPT
    assert paper.rewritten > 1
    again = live(paper, 9)
    assert len(again.latest()) == KEPT
    assert again.unclean_starts == 2


def test_the_answer_for_programs_is_json_newest_first_and_can_be_narrowed(paper: Paper) -> None:
    history = live(paper)
    history.started("0.1.0")
    take_over(history)
    history.turned(Turned(GroupId(2), Role.BACKUP, Role.FAULT, Reason.LINK_LOST, "no carrier"), "mail", {})
    entries = json.loads(history.to_json())
    assert [entry["id"] for entry in entries] == ["7-4", "7-3", "7-2", "7-1"]
    assert entries[1]["time"] == "2026-11-22T12:03:14.120Z"
    assert entries[1]["phases"]["proof"] == 0.001
    assert [one["group"] for one in json.loads(history.to_json("vip", 2))] == ["vip", "vip"]
    assert json.loads(history.to_json("vip"))[-1]["event"] == "started"
    assert json.loads(history.to_json(limit=0)) == []
