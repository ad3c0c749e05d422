"""The smallest incident that breaks the same promise: fewer happenings, nodes and settings, round times."""

from collections.abc import Iterator
from dataclasses import replace

from tests.simulation.incident import Happening, Incident
from tests.simulation.run import Run

MOST_RUNS = 300
"""A shrink is for a reader; it ends when it has cost this many runs."""

DIGITS = (0, 1, 2, 3)


def promise(problem: str) -> str:
    """Which promise a judge's sentence is about: the words before its colon, without the time."""
    return problem.partition(" ")[2].partition(":")[0]


def broken(incident: Incident) -> list[str]:
    """What the judges say of it; nothing where it cannot be played."""
    try:
        return Run(incident).go().problems
    except (ValueError, KeyError, AssertionError, StopIteration):
        return []


def shrink(incident: Incident) -> Incident:
    """Make it smaller as long as the promise that broke first still breaks first."""
    run = Run(incident).go()
    wanted = promise(run.problems[0])
    smallest, runs = run.as_it_was, 0
    candidates = _smaller(smallest)
    while runs < MOST_RUNS:
        candidate = next(candidates, None)
        if candidate is None:
            break
        runs += 1
        found = broken(candidate)
        if found and promise(found[0]) == wanted:
            smallest = candidate
            candidates = _smaller(smallest)
    return smallest


def _smaller(incident: Incident) -> Iterator[Incident]:
    yield from _fewer_happenings(incident)
    yield from _fewer_nodes(incident)
    yield from _fewer_settings(incident)
    yield from _rounder(incident)


def _fewer_happenings(incident: Incident) -> Iterator[Incident]:
    ones = incident.happenings
    for index, one in enumerate(ones):
        yield replace(incident, happenings=ones[:index] + ones[index + 1 :])
        if len(one.steps) > 1:
            yield replace(incident, happenings=_with(ones, index, replace(one, steps=one.steps[:-1])))


def _fewer_nodes(incident: Incident) -> Iterator[Incident]:
    """Without the last node that no line names."""
    for at, line in enumerate(incident.setup):
        word, *names = line.split()
        if word == "nodes" and len(names) > 2:
            told = " ".join(step for one in incident.happenings for _, step in one.steps).split()
            for gone in [name for name in names if name not in told]:
                left = f"nodes {' '.join(name for name in names if name != gone)}"
                rest = [one for one in incident.setup[at + 1 :] if gone not in one.split()]
                yield replace(incident, setup=(*incident.setup[:at], left, *rest))


def _fewer_settings(incident: Incident) -> Iterator[Incident]:
    for at, line in enumerate(incident.setup):
        if line.split()[0] not in {"nodes", "dice"}:
            yield replace(incident, setup=incident.setup[:at] + incident.setup[at + 1 :])


def _rounder(incident: Incident) -> Iterator[Incident]:
    ones = incident.happenings
    for index, one in enumerate(ones):
        for digits in DIGITS:
            steps = tuple((round(after, digits), line) for after, line in one.steps)
            rounder = replace(one, at=round(one.at, digits), steps=steps)
            if rounder == one:
                break
            yield replace(incident, happenings=_with(ones, index, rounder))


def _with(ones: tuple[Happening, ...], index: int, one: Happening) -> tuple[Happening, ...]:
    return (*ones[:index], one, *ones[index + 1 :])
