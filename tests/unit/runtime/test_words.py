"""What the log says."""

import logging
from ipaddress import IPv4Address

from vipservice.core.actions import (
    CommandDone,
    ConditionChanged,
    ConditionKind,
    Rejected,
    Release,
    Repaired,
    Turned,
)
from vipservice.core.roles import Reason, Role
from vipservice.core.values import GroupId
from vipservice.runtime.words import MAX_REASONS, RateLimited, sentence

ONE = GroupId(1)
TWO = GroupId(2)
ALONE = {ONE: "web"}
SEVERAL = {ONE: "web", TWO: "mail"}

SILENT = Turned(ONE, Role.BACKUP, Role.PROBING, Reason.ADVERTS_SILENT, "no advert from node-a for 0.31 s")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_role_change_is_told_with_its_cause() -> None:
    assert sentence(SILENT, ALONE) == (
        logging.INFO,
        "role backup -> probing: no advert from node-a for 0.31 s",
    )


def test_the_group_is_named_where_there_are_several() -> None:
    said = sentence(SILENT, SEVERAL)
    assert said is not None
    assert said[1] == "web: role backup -> probing: no advert from node-a for 0.31 s"


def test_a_condition_is_a_warning_while_it_lasts_and_news_when_it_ends() -> None:
    begins = ConditionChanged(TWO, ConditionKind.HELD_BY_SILENT_PEER, True, "node-b answers")
    ends = ConditionChanged(TWO, ConditionKind.HELD_BY_SILENT_PEER, False, "node-b answers")
    assert sentence(begins, SEVERAL) == (logging.WARNING, "mail: held by silent peer: node-b answers")
    assert sentence(ends, SEVERAL) == (logging.INFO, "mail: held by silent peer is over")


def test_a_repair_names_the_address() -> None:
    assert sentence(Repaired(ONE, IPv4Address("10.0.0.234")), ALONE) == (
        logging.WARNING,
        "10.0.0.234 was removed by somebody else; putting it back",
    )


def test_the_end_of_a_command_is_told() -> None:
    assert sentence(CommandDone(1, True, "node-b is active"), ALONE) == (
        logging.INFO,
        "command done: node-b is active",
    )
    assert sentence(CommandDone(1, False, "node-b is not known"), ALONE) == (
        logging.INFO,
        "command refused: node-b is not known",
    )


def test_daily_work_and_what_has_a_rate_of_its_own_are_not_told() -> None:
    assert sentence(Release(ONE, ()), ALONE) is None
    assert sentence(Rejected("replayed", "node-b: old"), ALONE) is None


def test_the_first_of_each_reason_is_said_at_once() -> None:
    limited = RateLimited(Clock())
    assert limited.say("replayed", "node-b: old") == "node-b: old"
    assert limited.say("term", "node-c: mad") == "node-c: mad"


def test_the_next_minute_of_a_reason_is_counted_and_told_in_its_next_line() -> None:
    clock = Clock()
    limited = RateLimited(clock)
    limited.say("replayed", "node-b: old")
    clock.now = 59.9
    assert limited.say("replayed", "node-b: old") is None
    assert limited.say("replayed", "node-b: old") is None
    clock.now = 60.0
    said = limited.say("replayed", "node-b: old")
    assert said == "node-b: old (and 2 like it since the last such line)"
    clock.now = 120.0
    assert limited.say("replayed", "node-b: old") == "node-b: old"


def test_what_was_kept_back_is_told_when_its_minute_is_over_and_only_once() -> None:
    clock = Clock()
    limited = RateLimited(clock)
    limited.say("replayed", "x")
    limited.say("replayed", "x")
    assert limited.overdue() == []
    clock.now = 60.0
    assert limited.overdue() == ["replayed: 1 more since the last such line"]
    assert limited.overdue() == []


def test_a_flood_of_different_reasons_shares_one_line() -> None:
    limited = RateLimited(Clock())
    said = [limited.say(f"reason {n}", "x") for n in range(MAX_REASONS + 100)]
    assert sum(line is not None for line in said) == MAX_REASONS + 1
