"""The role table, its one door, and the diagram in the documentation."""

from pathlib import Path

import pytest

from tests.unit.core.conftest import Bench
from vipservice.core.actions import SendAdvert, Turned
from vipservice.core.roles import TRANSITIONS, Reason, Role, diagram

LISTED = [(old, new) for old in Role for new in Role if new in TRANSITIONS[old]]
UNLISTED = [(old, new) for old in Role for new in Role if new not in TRANSITIONS[old]]


@pytest.mark.parametrize(("old", "new"), LISTED)
def test_a_listed_change_of_role_is_made_and_told(bench: Bench, old: Role, new: Role) -> None:
    group = bench.election.group
    group.role = old
    group.become(new, Reason.STARTED, "a test", 1.0)
    assert group.role is new


@pytest.mark.parametrize(("old", "new"), UNLISTED)
def test_an_unlisted_change_of_role_raises(bench: Bench, old: Role, new: Role) -> None:
    group = bench.election.group
    group.role = old
    with pytest.raises(AssertionError, match="is no transition"):
        group.become(new, Reason.STARTED, "a test", 1.0)
    assert group.role is old


def test_every_role_can_be_reached_and_left() -> None:
    reached = {new for news in TRANSITIONS.values() for new in news}
    assert reached == set(Role) - {Role.INITIALIZE}
    assert all(TRANSITIONS[role] for role in Role)


def test_the_diagram_in_the_documentation_is_printed_from_the_table() -> None:
    document = (Path(__file__).parents[3] / "docs" / "roles.md").read_text()
    assert f"```mermaid\n{diagram()}\n```" in document


def test_the_diagram_shows_every_listed_change_once() -> None:
    lines = diagram().splitlines()
    assert len(lines) == 2 + len(LISTED)
    assert "    backup --> probing" in lines


def test_each_turn_is_told_with_its_cause_and_advertised_at_once(bench: Bench) -> None:
    bench.starts()
    (turned,) = bench.did(Turned)
    assert (turned.old, turned.new, turned.reason) == (Role.INITIALIZE, Role.BACKUP, Reason.STARTED)
    assert bench.did(SendAdvert)[0].advert.entries[0].role is Role.BACKUP
