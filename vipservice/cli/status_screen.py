"""What `vipservice status` draws in a terminal, with Rich: the tables, and the screen of `--watch`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from rich.console import Console, ConsoleDimensions, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from vipservice.cli.asking import Answer
from vipservice.cli.status_tables import (
    COLUMNS,
    NODE_COLUMNS,
    Row,
    echoes,
    group_rows,
    heading,
    node_rows,
    plans,
    printable,
    sentences,
)

ROLES = {
    "active": ("●", "bold green"),
    "backup": ("○", "blue"),
    "probing": ("◐", "yellow"),
    "fault": ("■", "bold red"),
    "initialize": ("·", "dim"),
    "silent": ("!", "red"),
}
"""A sign and a style: nobody has to see colours to tell a role."""

BARS = "▁▂▃▄▅▆▇█"
LOST = "x"
ECHOES = 24
LOWEST_TOP = 0.0005
"""Seconds at the top of the bars at least: noise of microseconds shall not look like an alarm."""

CHART = "LATEST ECHOES"
LEFT_OUT = ("PRIORITY", "INTERFACE", "ROUND TRIP", "GROUP", "WHY", CHART, "FOR")
"""Columns that a narrow terminal does without, the first one first; of nodes, before these, the ADDRESS."""

WIDEST = {"WHY": 18, "NODE": 20}
"""How much room these must have at least: WHY wraps, long names end in an ellipsis."""

BETWEEN = 2
"""Blanks between two columns."""

FRAME = 8
"""Lines that headings, blanks and the last line take."""

FEWEST_TURNS = 3


class Screen:
    """The whole terminal, drawn anew with each answer, and given back at the end."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live = Live(console=self._console, screen=True, auto_refresh=False)
        self._latest: tuple[Answer, list[dict[str, Any]]] | None = None

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def take(self, status: Answer, turns: Callable[[], list[dict[str, Any]]]) -> None:
        """Draw it."""
        self._latest = status, turns()
        self._draw("")

    def silence(self, sentence: str) -> None:
        """Keep the last picture, and say that it is old."""
        self._draw(sentence)

    def _draw(self, silence: str) -> None:
        if self._latest is not None:
            status, turns = self._latest
            drawn = picture(status, turns, self._console.size, silence=silence)
            self._live.update(drawn, refresh=True)


def picture(
    status: Answer, turns: Sequence[dict[str, Any]], size: ConsoleDimensions, *, silence: str
) -> RenderableType:
    """Everything, the most important first: what doesn't fit is cut off below."""
    alarms = [*([silence] if silence else []), *sentences(status)]
    foreseen = list(plans(status))
    groups, nodes = group_rows(status), _with_charts(status)
    room = size.height - FRAME - len(alarms) - len(foreseen) - len(groups) - len(nodes)
    parts: list[RenderableType] = [_head(status), Text()]
    parts += [Text(f"! {printable(one)}", style="bold red") for one in alarms]
    parts += [Text(printable(one)) for one in foreseen]
    if alarms or foreseen:
        parts.append(Text())
    parts += [table(COLUMNS, groups, size.width), Text()]
    if nodes:
        parts += [table((*NODE_COLUMNS, CHART), nodes, size.width), Text()]
    parts.append(_turns(turns[: max(FEWEST_TURNS, room)]))
    return Group(*parts)


def table(columns: Row, rows: Sequence[Row], width: int) -> Table:
    """A table without lines, roles with their signs; columns that `width` has no room for are left out."""
    drawn = Table(box=None, header_style="dim", pad_edge=False)
    shown = _fitting(columns, rows, width)
    for place in shown:
        name = columns[place]
        widest = WIDEST["NODE"] if name == "NODE" else None
        drawn.add_column(name, no_wrap=name != "WHY", overflow="ellipsis", max_width=widest)
    for row in rows:
        drawn.add_row(*(_cell(columns[place], printable(row[place])) for place in shown))
    return drawn


def _fitting(columns: Row, rows: Sequence[Row], width: int) -> list[int]:
    """Which columns to show."""
    sizes = [
        min(max(len(cell) for cell in column) + 2 * (name == "ROLE"), WIDEST.get(name, width)) + BETWEEN
        for name, column in zip(columns, zip(columns, *rows, strict=True), strict=True)
    ]
    shown = list(range(len(columns)))
    for name in LEFT_OUT if "NODE" not in columns else ("ADDRESS", *LEFT_OUT):
        if sum(sizes[place] for place in shown) - BETWEEN > width and name in columns[1:]:
            shown.remove(columns.index(name))
    return shown


def chart(recent: Sequence[float | None], top: float) -> str:
    """Round trips as a row of bars, the newest on the right."""
    return "".join(
        LOST if rtt is None else BARS[min(len(BARS) - 1, int(len(BARS) * rtt / top))] for rtt in recent
    )


def _cell(column: str, cell: str) -> Text:
    match column:
        case "ROLE":
            sign, style = ROLES.get(cell.split(maxsplit=1)[0], ("", ""))
            return Text(f"{sign} {cell}".strip(), style=style)
        case "OWNER":
            return Text(cell, style="bold red" if cell.endswith(" OWNERS") or cell == "nobody" else "bold")
        case "STANDBYS":
            return Text(cell, style="yellow" if cell == "none" else "")
    return Text(cell)


def _head(status: Answer) -> RenderableType:
    head = Table.grid(expand=True)
    head.add_column()
    head.add_column(justify="right")
    clock = datetime.fromisoformat(status["time"]).astimezone().strftime("%H:%M:%S")
    head.add_row(Text(printable(heading(status)), style="bold"), Text(f"{clock}  Ctrl-C ends", style="dim"))
    return head


def _with_charts(status: Answer) -> list[Row]:
    """The nodes' rows, each with its last round trips as bars."""
    trips = [
        echoes(group, node["address"])[-ECHOES:] for group in status["groups"] for node in group["nodes"]
    ]
    top = max([LOWEST_TOP, *(rtt for recent in trips for rtt in recent if rtt is not None)])
    return [(*row, chart(recent, top)) for row, recent in zip(node_rows(status), trips, strict=True)]


def _turns(turns: Sequence[dict[str, Any]]) -> RenderableType:
    """The latest first, each on one line."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, min_width=len("22 Nov 12:03:04"))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, overflow="ellipsis")
    for turn in turns:
        when = datetime.fromisoformat(turn["time"]).astimezone().strftime("%d %b %H:%M:%S")
        what = f"{turn['group']}: {turn['from']} → {turn['to']}" if turn["to"] else turn["event"]
        grid.add_row(Text(when, style="dim"), Text(printable(what)), Text(printable(turn["detail"])))
    return grid
