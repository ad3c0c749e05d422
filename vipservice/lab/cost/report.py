"""The figures as tables, beside the bars."""

from collections.abc import Iterator
from typing import Any

from vipservice.config.durations import parse_duration
from vipservice.lab.results import Record, table

SHARE_BARS = {"100ms": 0.6, "10ms": 4.0}
"""Per cent of a core on the active."""

READY_BAR, ANSWER_BAR = 0.4, 0.8
RESIDENT_BAR = 40.0


def bars(figures: dict[str, Any]) -> Iterator[tuple[str, float, float, str]]:
    """What was measured, by how much, what is allowed, and the unit."""
    for interval, at_rest in figures["rest"].items():
        if interval in SHARE_BARS:
            yield f"active at {interval}", at_rest["active"]["share"], SHARE_BARS[interval], "% of a core"
    memory = (one[node]["resident"] for one in figures["rest"].values() for node in ("active", "backup"))
    yield "resident, the largest node", max(memory), RESIDENT_BAR, "MiB"
    yield "exec to READY", 1000 * figures["start"]["ready"], 1000 * READY_BAR, "ms"
    yield "exec to the first answer", 1000 * figures["start"]["answer"], 1000 * ANSWER_BAR, "ms"


def held(figures: dict[str, Any]) -> bool:
    """Whether every bar was."""
    return all(measured <= bar for _, measured, bar, _ in bars(figures))


def markdown(record: Record) -> str:
    """Both tables, and where they come from."""
    figures = record.figures
    judged = [
        [what, f"{measured:.2f} {unit}", f"{bar:g} {unit}", "held" if measured <= bar else "**MISSED**"]
        for what, measured, bar, unit in bars(figures)
    ]
    return "\n\n".join(
        (
            _rest(figures),
            _words(figures),
            *_rounds(figures),
            table(["", "measured (median)", "bar", ""], judged),
            *_parts(figures.get("parts", {})),
            *_together(figures.get("together", [])),
            record.provenance,
        )
    )


def sentence(record: Record) -> str:
    """What a node costs, in a line."""
    rest = record.figures["rest"]
    memory = max(one[node]["resident"] for one in rest.values() for node in ("active", "backup"))
    shares = " and ".join(
        f"{one['active']['share']:.1f} % of a core at {interval}"
        for interval, one in rest.items()
        if interval in SHARE_BARS
    )
    return f"vipservice is Python: {memory:.0f} MiB a node, and on the active {shares} (`{record.command}`)."


def _rest(figures: dict[str, Any]) -> str:
    rows = [
        [interval, *(_cell(at_rest.get(name)) for name in ("active", "backup", "floor", "keepalived"))]
        for interval, at_rest in figures["rest"].items()
    ]
    return table(["interval", "active", "backup", "the floor", "keepalived's master"], rows)


def _cell(measured: dict[str, float] | None) -> str:
    return f"{measured['share']:.2f} % ({measured['wakeups']:.0f}/s)" if measured else "-"


def _rounds(figures: dict[str, Any]) -> Iterator[str]:
    """What an interval costs: the same code at each pace, and yet dearer after a longer sleep."""
    nodes = ("active", "backup", "floor")
    rows = [
        [interval, *(f"{10_000 * parse_duration(interval) * at_rest[one]['share']:.0f} us" for one in nodes)]
        for interval, at_rest in figures["rest"].items()
    ]
    yield (
        "The same as microseconds an interval. The code that runs is the same at each pace; what a longer"
        " sleep adds the floor pays too, so that it is no work of ours that could be left out:"
    )
    yield table(["interval", "active", "backup", "the floor"], rows)


def _parts(parts: dict[str, dict[str, float]]) -> Iterator[str]:
    """What the active's processor time goes to: nothing of it can go below what select and sendto take."""
    if not parts:
        return
    rows = [
        [part, *(f"{shares[part]:.0f} %" for shares in parts.values())]
        for part in sorted(next(iter(parts.values())), key=lambda part: -next(iter(parts.values()))[part])
    ]
    yield "Where the active's own processor time goes, by the clock of its main thread:"
    yield table(["part", *(f"at {interval}" for interval in parts)], rows)


def _together(together: list[dict[str, Any]]) -> Iterator[str]:
    """What is left of the machine on which all nodes of a trial run."""
    if not together:
        return
    rows = [
        [str(one["nodes"]), one["interval"], f"{one['largest']:.0f} %", f"{one['all']:.0f} %"]
        for one in together
    ]
    yield (
        "Nodes of the fault matrix share one machine, whose processors must serve all of them within one"
        " interval, and those of the client and of the network beside them. Per cent of a core at rest:"
    )
    yield table(["nodes", "interval", "the largest node", "all nodes together"], rows)


def _words(figures: dict[str, Any]) -> str:
    runs, seconds, starts = figures["runs"], figures["seconds"], figures["starts"]
    return (
        "Per cent of a core, and how often in a second a thread got one: medians of"
        f" {runs} runs of {seconds:g} s, all four processes in the same seconds. The floor is a bare Python"
        " process with one asyncio timer and one sendto an interval (`vipservice/lab/cost/floor.py`)."
        f" The starts are {starts}; the fastest was READY after {1000 * figures['start']['best']:.0f} ms."
    )
