"""Draw incidents by the thousand, on all cores, and say what broke: `scripts/soak`."""

import argparse
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import count, islice
from time import monotonic
from typing import Any

from tests.simulation.drawing import incident_of
from tests.simulation.incident import Incident
from tests.simulation.run import Run
from tests.simulation.shrink import shrink
from vipservice.lab.results import Record, load, save, table, take

NAME = "simulation"
BATCH = 8


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one seed came to."""

    seed: int
    simulated: float
    kinds: tuple[str, ...]
    problems: tuple[str, ...]
    ownerless: float


def run_seed(seed: int) -> Outcome:
    """Play the incident of a seed."""
    run = Run(incident_of(seed)).go()
    kinds = tuple(one.kind for one in run.happened)
    return Outcome(seed, run.stage.lan.now, kinds, tuple(run.problems), run.served.longest_ownerless)


def report(incident: Incident, command: str) -> str:
    """A minimal readable incident: what broke, its lines, what the nodes said, and how to repeat it."""
    run = Run(shrink(incident)).go()
    told = [*run.problems, "", run.incident.text(), *run.stage.lan.trace, "", f"Repeat it: {command}"]
    return "\n".join(told)


def soak(seeds: Iterator[int], minutes: float | None, jobs: int) -> list[Outcome]:
    """Run seeds until they end, or time is up."""
    ends = monotonic() + minutes * 60 if minutes else None
    done: list[Outcome] = []
    with ProcessPoolExecutor(jobs) as pool:
        while batch := list(islice(seeds, BATCH * jobs)):
            for outcome in pool.map(run_seed, batch):
                done.append(outcome)
                if outcome.problems:
                    print(f"seed {outcome.seed}: {outcome.problems[0]}", flush=True)  # noqa: T201 - a program's output
            if ends and monotonic() > ends:
                break
    return done


def figures(done: list[Outcome]) -> dict[str, Any]:
    """What the record keeps: runs, simulated hours, faults by kind, failed seeds, worst waits by kind."""
    alone: dict[str, float] = {}
    for outcome in done:
        if len(outcome.kinds) == 1:
            kind = outcome.kinds[0]
            alone[kind] = max(alone.get(kind, 0.0), outcome.ownerless)
    return {
        "runs": len(done),
        "hours": round(sum(outcome.simulated for outcome in done) / 3600, 1),
        "first_seed": min(outcome.seed for outcome in done),
        "last_seed": max(outcome.seed for outcome in done),
        "failed": [outcome.seed for outcome in done if outcome.problems],
        "faults": dict(sorted(Counter(kind for outcome in done for kind in outcome.kinds).items())),
        "ownerless": {kind: round(worst, 3) for kind, worst in sorted(alone.items())},
    }


def markdown(record: Record) -> str:
    """The block in docs/reliability.md."""
    found = record.figures
    failed = ", ".join(str(seed) for seed in found["failed"]) or "none"
    rows = [
        [kind, str(times), f"{found['ownerless'][kind]:.3f} s" if kind in found["ownerless"] else "-"]
        for kind, times in found["faults"].items()
    ]
    shown = table(["fault", "times", "longest without an owner, where nothing else happened"], rows)
    return (
        f"{record.provenance}\n\n{found['runs']} runs (seeds {found['first_seed']} to {found['last_seed']}), "
        f"{found['hours']} simulated hours, {len(found['failed'])} failed: {failed}.\n\n{shown}\n"
    )


def page() -> str:
    """The newest record's block, or how to get one."""
    try:
        return markdown(load(NAME))
    except FileNotFoundError:
        return "Not recorded yet: `scripts/soak --minutes 10 --record`.\n"


def main() -> int:
    """Parse the command line and soak."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, help="stop after so many minutes")
    parser.add_argument("--seed", type=int, help="repeat one seed, shrink it if it fails, and show it")
    parser.add_argument("--seeds", type=_range, metavar="A-B", help="these seeds, or one")
    parser.add_argument("--first", type=int, default=1000, help="where to begin (default 1000)")
    parser.add_argument(
        "--jobs", type=_at_least_one, default=os.cpu_count() or 1, help="processes (default: all cores)"
    )
    parser.add_argument("--record", action="store_true", help="write docs/results/simulation.json")
    given = parser.parse_args()
    if given.minutes is None and given.seed is None and given.seeds is None:
        given.minutes = 10.0
    if given.seed is not None:
        return _show(given.seed)
    if given.seeds is not None:
        done = soak(iter(given.seeds), None, given.jobs)
        command = f"scripts/soak --seeds {given.seeds[0]}-{given.seeds[-1]}"
    else:
        done = soak(count(given.first), given.minutes, given.jobs)
        command = f"scripts/soak --minutes {given.minutes:g}"
    record = take(NAME, command, figures(done))
    print(markdown(record))  # noqa: T201 - a program's output
    if given.record:
        save(record)
    return int(bool(record.figures["failed"]))


def _range(text: str) -> range:
    first, _, last = text.partition("-")
    if not first.isdigit() or not (last or first).isdigit() or int(last or first) < int(first):
        raise argparse.ArgumentTypeError(f"{text!r} is no range of seeds: A-B with A up to B, or one number")
    return range(int(first), int(last or first) + 1)


def _at_least_one(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes: 1 or more")
    return int(text)


def _show(seed: int) -> int:
    run = Run(incident_of(seed)).go()
    if run.problems:
        print(report(run.as_it_was, f"scripts/soak --seed {seed}"))  # noqa: T201 - a program's output
    else:
        print("\n".join([run.as_it_was.text(), *run.stage.lan.trace, "", "Nothing is wrong with it."]))  # noqa: T201 - a program's output
    return int(bool(run.problems))


if __name__ == "__main__":
    raise SystemExit(main())
