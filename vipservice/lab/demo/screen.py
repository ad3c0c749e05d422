"""What people see of the demo: who owns the address now, and the table at the end."""

import io
import re
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from vipservice.lab.demo.cluster import VIP
from vipservice.lab.demo.news import News, NodeView
from vipservice.lab.demo.play import Result
from vipservice.lab.demo.report import Report

WIDTH = 118
"""Columns of the table where nobody's terminal says otherwise: the picture in the README."""

WIDE_ENOUGH = 110
REASON = "reason, in the nodes' own words"

LAST_LINES = 8
PAUSE_WORTH_SAYING = 0.003
"""Seconds by which the client's own pauses must lengthen a gap before both figures are shown."""

_FONT = re.compile(r"@font-face \{[^}]*\}\s*")

FEW = 3
"""Raw figures that are given one by one; where the whole run was disturbed the worst must do."""

ROLE_STYLES = {"active": "bold green", "probing": "yellow", "fault": "bold red", "off": "dim"}


def now_view(nodes: dict[str, NodeView], doing: str, latest: Iterable[News], zero: float) -> RenderableType:
    """The live picture: nodes, what is being done, the latest lines."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("node", "role", f"has {VIP}", "why"):
        table.add_column(column, min_width=9, no_wrap=True)
    for name, view in sorted(nodes.items()):
        owns = Text("●  owner", style="bold green") if view.holds else Text("")
        table.add_row(f"node-{name}", Text(view.role, style=ROLE_STYLES.get(view.role, "")), owns, view.why)
    lines = Text(
        "\n".join(line(news, zero) for news in latest), style="dim", no_wrap=True, overflow="ellipsis"
    )
    return Group(Text(f"> {doing}", style="bold cyan"), Text(""), table, Text(""), lines)


def line(news: News, zero: float) -> str:
    """One thing that happened, as a line."""
    who = f"node-{news.who}" if news.who else "kernels"
    return f"{news.at - zero:7.3f}  {who:<8} {news.text}"


def final_table(report: Report, width: int = WIDTH) -> RenderableType:
    """The table at the end, with its footnotes; the reasons stand below it where `width` is small."""
    wide = width >= WIDE_ENOUGH
    table = Table(
        title=f"One address, three nodes, adverts each {report.interval}, a ping each millisecond",
        title_style="bold",
        header_style="bold",
        border_style="dim",
        row_styles=("", "on grey7"),
    )
    table.add_column("event", no_wrap=True)
    table.add_column("longest gap", justify="right", no_wrap=True)
    table.add_column("lost", justify="right", no_wrap=True)
    table.add_column("owners", justify="right", no_wrap=True)
    table.add_column("bar", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    if wide:
        table.add_column(REASON, ratio=1)
    for result in report.results:
        reason = Text(result.reason or "-", style="" if result.reason else "dim")
        table.add_row(
            result.event,
            _gap(result),
            str(result.lost),
            Text(str(result.most), style="green" if result.most <= 1 else "bold red"),
            _bar(result),
            _verdict(result),
            *((reason,) if wide else ()),
        )
    return Group(table, *(() if wide else _reasons(report)), *_footnotes(report))


def picture(report: Report) -> str:
    """The table as an SVG document."""
    return drawn(final_table(report), "sudo vipservice demo")


def drawn(content: RenderableType, title: str, width: int = WIDTH) -> str:
    """What a terminal would show, as an SVG document that fetches nothing."""
    console = Console(
        record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(content)
    # Without the fonts that rich would have the reader's browser fetch from elsewhere.
    return _FONT.sub("", console.export_svg(title=title))


def verdict(report: Report) -> Text:
    """The one sentence at the end."""
    said = f"{report.sent} pings in {report.seconds:.0f} s, {report.lost} lost. "
    if not report.safe:
        return Text(f"{said}TWO OWNERS AT ONCE for {1000 * report.owned_twice:.1f} ms.", style="bold red")
    missed = ", ".join(result.event for result in report.missed)
    bars = f"Bars missed in this run: {missed}." if missed else "Every bar was held."
    return Text(f"{said}Nobody ever owned it twice. {bars}", style="bold yellow" if missed else "bold green")


def milliseconds(seconds: float) -> str:
    """A duration in milliseconds, with a decimal where that says something."""
    value = 1000 * seconds
    return f"{value:.1f} ms" if value < 100 else f"{value:.0f} ms"


def _reasons(report: Report) -> list[Text]:
    said = [f"{result.event}: {result.reason}" for result in report.results if result.reason]
    return [Text(f"{REASON}:", style="bold"), *map(Text, said), Text("")]


def _gap(result: Result) -> Text:
    shown = Text(milliseconds(result.gap))
    if result.raw_gap - result.gap > PAUSE_WORTH_SAYING:
        shown.append("*", style="dim")
    return shown


def _bar(result: Result) -> str:
    if result.bar is None:
        return "-"
    return f"{1000 * result.bar:g} ms" if result.bar else "0 lost"


def _verdict(result: Result) -> Text:
    match result.held:
        case None:
            return Text("")
        case True:
            return Text("held", style="green")
        case False:
            return Text("missed", style="bold red")


def _footnotes(report: Report) -> list[Text]:
    notes = [
        "longest gap: between two answers as they reach the client, less the time in which the client itself "
        f"stood still. With nothing happening it was {milliseconds(report.noise)} in this run; a bar counts "
        f"as held up to {milliseconds(report.tolerance)} above it (bars are for medians of several runs).",
        "owners: kernels that had the address at once, of those between which frames could pass.",
    ]
    paused = [result for result in report.results if result.raw_gap - result.gap > PAUSE_WORTH_SAYING]
    if paused:
        said = "* the machine took the client's processor away; with its own pauses"
        worst = ", ".join(f"{result.event} {milliseconds(result.raw_gap)}" for result in paused)
        longest = milliseconds(max(result.raw_gap - result.gap for result in paused))
        few = len(paused) <= FEW
        notes.append(f"{said}: {worst}" if few else f"{said} up to {longest} more: --json has every figure")
    return [Text(note, style="dim") for note in notes]
