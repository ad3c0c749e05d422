"""The last turns of fate on the page: when, from which role to which, why, and how long each phase took."""

from collections.abc import Mapping, Sequence

from vipservice.adapters.page.markup import Markup, element, join
from vipservice.adapters.page.words import milliseconds, moment
from vipservice.runtime.history import HistoryEntry


def draw_turns(turns: Sequence[HistoryEntry]) -> Markup:
    """A list, the latest first."""
    heading = element("h3", "Last turns")
    if not turns:
        return join(heading, element("p", "None yet.", class_="none"))
    return join(heading, element("ol", *map(_turn, turns), class_="turns"))


def _turn(turn: HistoryEntry) -> Markup:
    what = f"{turn.old} → {turn.new}" if turn.new else turn.event
    return element(
        "li",
        moment(turn.at),
        " ",
        element("b", what),
        element("p", turn.detail, _phases(turn.phases)),
    )


def _phases(phases: Mapping[str, float]) -> Markup | None:
    """`detect 310 ms, probe 24 ms`."""
    if not phases:
        return None
    told = ", ".join(f"{name} {milliseconds(seconds)}" for name, seconds in phases.items())
    return element("small", f" {told}")
