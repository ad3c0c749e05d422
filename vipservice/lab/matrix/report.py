"""The matrix as people read it: tables in Markdown, made from a record."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from vipservice.lab.client import PAUSE
from vipservice.lab.demo.play import RESOLUTION
from vipservice.lab.matrix.plan import most
from vipservice.lab.matrix.rows import CHAINS, ROWS
from vipservice.lab.matrix.settings import BY_NAME, SETTINGS
from vipservice.lab.matrix.summary import HELD, MISSED, NOT_JUDGED, Summary, ratio, summaries
from vipservice.lab.matrix.trials import COLUMNS, Trial, compact, expand
from vipservice.lab.results import Record, table

RULE = (
    "Each cell: the median of the longest gaps between two answers, as a client that pings each millisecond "
    "saw them, and the worst after a slash, in ms; the time in which the client itself stood still is out. "
    "A bar counts as held when the median is within it plus the noise floor (the longest gap with nothing "
    f"happening on the same nodes just before, at least {1000 * RESOLUTION:g} ms), no trial had two owners, "
    "and in each the address moved or stayed as it must. A bar of 0 means that no ping was lost. A trial "
    f"during which the machine stood still (the client for more than {1000 * PAUSE:g} ms, or a daemon that "
    f"nobody had stopped) is disturbed: it is kept and played again, so that there are at most {most(5)} for "
    "5; its gap does not count, two owners in it do."
)
OWNERS = (
    "*2 owners*: so many kernels had the address at once, of those between which frames could pass, for that "
    "long in the worst trial. *on*: until the watch ended, and nobody knows for how long after."
)

PAIRS = (
    ("100 ms beside its default", "vipservice@100ms", "keepalived@1s"),
    ("100 ms", "vipservice@100ms", "keepalived@100ms"),
    ("10 ms", "vipservice@10ms", "keepalived@10ms"),
    ("2 ms beside its fastest", "vipservice@2ms", "keepalived@10ms"),
)


def figures(trials: Sequence[Trial]) -> dict[str, Any]:
    """What goes into the record.

    `settings`: what each was configured as, by name. `summaries`: see `Summary`. `columns` and `trials`: all
    trials, each as one string with `|` between its columns; see `Trial`. Seconds throughout. `load`: the
    machine's load averages at the end.
    """
    found = summaries(trials)
    used = {one.setting for one in found}
    return {
        "settings": {one.name: one.configured for one in SETTINGS if one.name in used},
        "summaries": [asdict(one) for one in found],
        "columns": "|".join(COLUMNS),
        "load": os.getloadavg(),
        "trials": [compact(one) for one in trials],
    }


def summaries_in(record: Record) -> list[Summary]:
    """The summaries of a record."""
    return [Summary(**one) for one in record.figures["summaries"]]


def well_known(record: Record) -> list[Trial]:
    """The trials of a record whose rows were judged well, whole chains only."""
    found = {(one.event, one.setting, one.nodes): one for one in summaries_in(record)}
    trials = [expand(line, record.figures["columns"]) for line in record.figures["trials"]]
    again = {key for key, one in found.items() if one.verdict in {MISSED, NOT_JUDGED} or not one.trials}
    spoiled = {
        (event, setting, nodes)
        for row, setting, nodes in again
        for chain in CHAINS
        if row in chain.events
        for event in chain.events
    }
    return [one for one in trials if (one.event, one.setting, one.nodes) not in spoiled]


def markdown(record: Record) -> str:
    """The tables, what they mean, and where they come from."""
    found = summaries_in(record)
    parts = [f"{record.provenance} {_counted(record, found)}", RULE, OWNERS]
    for nodes in sorted({one.nodes for one in found}):
        parts += [f"### {_number(nodes)} nodes", _matrix([one for one in found if one.nodes == nodes])]
    if ratios := _ratios(found):
        parts += ["### How many times longer keepalived's outage is", ratios]
    missed = [one for one in found if one.verdict == MISSED]
    if missed:
        parts += ["### Bars that were missed", "\n".join(map(_told, missed))]
    configured = [f"- `{name}`: {said}" for name, said in record.figures["settings"].items()]
    parts += ["### What was configured", "\n".join(configured)]
    return "\n\n".join(parts)


def sentences(record: Record) -> str:
    """What the README says of it: what a client waits when a host dies, and who had two owners."""
    found = {(one.event, one.setting): one for one in summaries_in(record) if one.nodes == 2}
    said = [
        f"{_millis(one.gap)} ms with vipservice at {BY_NAME[name].pace}"
        if BY_NAME[name].ours
        else f"{_millis(one.gap)} ms with {BY_NAME[name].daemon} at {BY_NAME[name].pace}"
        for name in ("vipservice@100ms", "vipservice@10ms", "keepalived@1s", "keepalived@10ms", "ucarp@1s")
        if (one := found.get(("host dies", name))) is not None
    ]
    two = {
        daemon: sorted({one.event for one in found.values() if _forbidden(one, daemon)})
        for daemon in ("vipservice", "keepalived", "ucarp")
    }
    owners = "; ".join(
        f"{daemon}: {', '.join(events) if events else 'never'}" for daemon, events in two.items()
    )
    return (
        f"When the host that has the address dies, a client waits (median): {', '.join(said)}. "
        f"Two hosts had it at once: {owners}."
    )


def _forbidden(one: Summary, daemon: str) -> bool:
    """Whether two owned it in an event in which that can be prevented."""
    return BY_NAME[one.setting].daemon == daemon and one.owners > 1 and ROWS[one.event].two_owners is None


def _counted(record: Record, found: Sequence[Summary]) -> str:
    calm, disturbed = sum(one.trials for one in found), sum(one.disturbed for one in found)
    load = " / ".join(f"{one:.1f}" for one in record.figures["load"])
    verdicts = [one.verdict for one in found if one.verdict]
    held = verdicts.count(HELD)
    number, source = record.figures.get("kept", (0, ""))
    kept = f"{number} trials of rows judged well before are of an earlier run: {source} " if number else ""
    return (
        f"{calm} trials counted, {disturbed} more were disturbed; {held} of {len(verdicts)} bars held. {kept}"
        f"The machine's load was {load} (in the last 1, 5 and 15 minutes)."
    )


def _matrix(found: Sequence[Summary]) -> str:
    by_key = {(one.event, one.setting): one for one in found}
    columns = [one for one in SETTINGS if any(key[1] == one.name for key in by_key)]
    header = ["event", "bar", *(f"{one.daemon} {one.pace}" for one in columns)]
    rows = []
    for event in ROWS:
        if any(key[0] == event for key in by_key):
            cells = [_cell(by_key.get((event, one.name))) for one in columns]
            rows.append([event, _bars([by_key.get((event, one.name)) for one in columns]), *cells])
    return table(header, rows)


def _bars(found: Sequence[Summary | None]) -> str:
    bars = [f"{1000 * one.bar:g}" for one in found if one is not None and one.bar is not None]
    return " / ".join(bars if len(set(bars)) > 1 else bars[:1]) or "-"


def _cell(one: Summary | None) -> str:
    if one is None:
        return "-"
    cell = f"{_millis(one.gap)} / {_millis(one.worst)}{'' if one.gap_over else ' on'}"
    if one.owners > 1:
        cell += f", *{one.owners} owners {_millis(one.twice)}{' on' if one.for_good else ''}*"
    if one.verdict:
        cell += f" **{one.verdict}**" if one.verdict == MISSED else f" {one.verdict}"
    return cell


def _ratios(found: Sequence[Summary]) -> str:
    """Their outage by ours, at the same pace and as each comes; two owners are no outage and no success."""
    by_key = {(one.event, one.setting): one for one in found if one.nodes == min(f.nodes for f in found)}
    rows = []
    for event in ROWS:
        cells = [_ratio(by_key.get((event, theirs)), by_key.get((event, ours))) for _, ours, theirs in PAIRS]
        if any(cell != "-" for cell in cells):
            rows.append([event, *cells])
    return table(["event", *(title for title, _, _ in PAIRS)], rows) if rows else ""


def _ratio(theirs: Summary | None, ours: Summary | None) -> str:
    if theirs is None or ours is None:
        return "-"
    if theirs.owners > 1 and ROWS[theirs.event].two_owners is None:
        return "two owners"
    return f"{ratio(theirs, ours):.1f}"


def _told(one: Summary) -> str:
    bar = "" if one.bar is None else f", bar {1000 * one.bar:g} ms"
    return f"- {one.event}, {one.setting}, {one.nodes} nodes: {one.why}{bar}"


def _millis(seconds: float) -> str:
    value = 1000 * seconds
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _number(count: int) -> str:
    return {2: "Two", 3: "Three", 5: "Five"}.get(count, str(count))
