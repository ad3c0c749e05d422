"""The matrix as a picture: the outage by event and daemon, on a logarithmic scale."""

from collections.abc import Iterator
from math import log10

from rich.console import Group
from rich.table import Table
from rich.text import Text

from vipservice.lab.demo.screen import WIDTH, drawn, milliseconds
from vipservice.lab.matrix.report import summaries_in
from vipservice.lab.matrix.rows import ROWS
from vipservice.lab.matrix.settings import BY_NAME
from vipservice.lab.matrix.summary import Summary
from vipservice.lab.results import Record

EVENTS = (
    "stop (SIGTERM)",
    "kill -9, restarted within the lease",
    "kill -9, not restarted",
    "hang for 8 s",
    "adverts dropped for 8 s",
    "the filter is removed",
    "host dies",
    "cut off upstream",
    "the cut-off owner comes back",
)
SHOWN = ("vipservice@100ms", "vipservice@10ms", "keepalived@1s", "keepalived@10ms", "ucarp@1s")
STYLES = {"vipservice": "bold green", "keepalived": "bright_blue", "ucarp": "yellow"}

FIRST, LAST = 0.001, 60.0
"""The ends of the scale, seconds."""
COLUMNS = 42
WORTH_SAYING = 0.1
"""An outage that is told besides two owners, seconds."""
TICKS = {0.001: "1 ms", 0.01: "10 ms", 0.1: "100 ms", 1.0: "1 s", 10.0: "10 s"}


def picture(record: Record) -> str:
    """The picture as an SVG document, from the trials with two nodes."""
    found = {(one.event, one.setting): one for one in summaries_in(record) if one.nodes == 2}
    chart = Table(
        title="How long a client waits, median (worst); two nodes, a ping each millisecond",
        title_style="bold",
        header_style="dim",
        box=None,
        pad_edge=False,
    )
    for title, width in (("what happens", 36), ("daemon", 16), (scale(), COLUMNS + 1), ("", 21)):
        chart.add_column(title, width=width, no_wrap=True)
    for event in EVENTS:
        rows = [found[event, name] for name in SHOWN if (event, name) in found]
        for number, one in enumerate(rows):
            chart.add_row(_part(event, number), *_line(one))
        if rows:
            chart.add_row()
    return drawn(Group(chart, Text(_note(record), style="dim")), record.command, width=WIDTH + 4)


def scale() -> str:
    """The ticks of the axis, each where its value is."""
    line = [" "] * (COLUMNS + 1)
    for value, word in TICKS.items():
        at = position(value)
        line[at : at + len(word)] = word
    return "".join(line)[: COLUMNS + 1]


def position(seconds: float) -> int:
    """The column of a duration on the logarithmic axis."""
    within = min(max(seconds, FIRST), LAST)
    return round(COLUMNS * log10(within / FIRST) / log10(LAST / FIRST))


def _part(event: str, number: int) -> Text:
    """The event's name beside its first line only."""
    return Text(event if number == 0 else "", style="bold")


def _line(one: Summary) -> Iterator[Text]:
    setting = BY_NAME[one.setting]
    style = STYLES[setting.daemon]
    median, worst = position(one.gap), position(one.worst)
    yield Text(f"{setting.daemon} {setting.pace}", style=style)
    yield Text("━" * median + "●" + "╌" * max(worst - median, 0), style=style)
    yield _words(one)


def _words(one: Summary) -> Text:
    if one.owners > 1 and ROWS[one.event].two_owners is None:
        outage = f", {milliseconds(one.gap)}" if one.gap > WORTH_SAYING else ""
        return Text(f"TWO OWNERS{outage}", style="bold red")
    worst = f" ({milliseconds(one.worst)})" if one.worst > 1.1 * one.gap else ""
    return Text(f"{milliseconds(one.gap)}{worst}")


def _note(record: Record) -> str:
    return (
        f"TWO OWNERS: the client is answered, by two hosts at once. {record.date}, "
        f"vipservice {record.version}, {record.machine}"
    )
