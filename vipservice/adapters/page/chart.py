"""The round trips of a group's targets, each a small chart: inline SVG, one scale for all of them."""

from collections.abc import Mapping, Sequence
from statistics import median

from vipservice.adapters.page.markup import Markup, element, join
from vipservice.adapters.page.words import milliseconds
from vipservice.core.values import Address
from vipservice.runtime.round_trips import KEPT, RoundTrips

STEP = 4
"""Width of an echo."""

WIDTH = STEP * KEPT
HEIGHT = 32
LOWEST_TOP = 0.0002
"""Seconds at the charts' top at least: noise of microseconds shall not look like an alarm."""

KINDS = {"vip": "the address", "peer": "peer", "gateway": "gateway", "witness": "witness"}


def draw_round_trips(targets: Sequence[RoundTrips], names: Mapping[Address, str]) -> Markup | None:
    """A list of charts; None where nothing has been pinged yet.

    Args:
        targets: What was pinged.
        names: The nodes' own addresses, and what they are called.
    """
    if not targets:
        return None
    top = max([LOWEST_TOP, *(rtt for one in targets for rtt in one.recent if rtt is not None)])
    return join(
        element("h3", "Round trips ", element("small", f"last {KEPT} echoes, 0 to {milliseconds(top)}")),
        element("ul", *(_target(one, names.get(one.address), top) for one in targets), class_="trips"),
    )


def _target(one: RoundTrips, node: str | None, top: float) -> Markup:
    name, address = node or KINDS[one.kind], str(one.address)
    return element(
        "li",
        element("span", f"{name} ", element("code", address)),
        _chart(one.recent, top, f"Round trips to {name} {address}: {_told(one.recent)}"),
        element("span", _told(one.recent), class_="told", aria_hidden="true"),
    )


def _told(recent: Sequence[float | None]) -> str:
    """The figures: `0.21 ms, median 0.20 ms, 1 lost`."""
    came = [rtt for rtt in recent if rtt is not None]
    lost = f"{len(recent) - len(came)} lost"
    if not came:
        return f"no answer, {lost}"
    last = "lost" if recent[-1] is None else milliseconds(recent[-1])
    middle = f"{last}, median {milliseconds(median(came))}"
    return middle if len(came) == len(recent) else f"{middle}, {lost}"


def _chart(recent: Sequence[float | None], top: float, label: str) -> Markup:
    """A line through the echoes that came back, broken and marked where one was lost; the newest is right."""
    first = KEPT - len(recent)
    runs: list[list[str]] = [[]]
    lost = []
    for number, rtt in enumerate(recent, first):
        x = STEP * number + STEP / 2
        if rtt is None:
            lost.append(_lost(x))
            runs.append([])
        else:
            runs[-1].append(f"{x:g},{HEIGHT - 1 - (HEIGHT - 2) * rtt / top:.1f}")
    lines = (_line(run) for run in runs if run)
    box = f"0 0 {WIDTH} {HEIGHT}"
    return element(
        "svg", *lost, *lines, viewBox=box, preserveAspectRatio="none", role="img", aria_label=label
    )


def _line(points: Sequence[str]) -> Markup:
    # A single point is drawn by the round cap of a line of no length.
    return element("polyline", points=" ".join(points if len(points) > 1 else (*points, *points)))


def _lost(x: float) -> Markup:
    return element("line", x1=f"{x:g}", x2=f"{x:g}", y1="0", y2=str(HEIGHT), class_="lost")
