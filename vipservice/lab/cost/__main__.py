"""What a node costs at rest and how fast it starts: what `scripts/cost` calls."""

import argparse
import sys
from collections.abc import Sequence
from statistics import median
from typing import Any

from vipservice.lab import results
from vipservice.lab.cost import measure, report
from vipservice.lab.measuring import finish, perform, say
from vipservice.lab.namespaces import problem

INTERVALS = ("100ms", "10ms", "5ms", "2ms")
CROWDED = ("10ms", "5ms", "2ms")
CROWDS = (2, 3, 5)
"""How many nodes share this machine, as in the fault matrix."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, keep; the exit code."""
    arguments = _parser().parse_args(argv)
    return perform(lambda: _run(arguments), problem())


def _run(arguments: argparse.Namespace) -> int:
    figures = _measure(arguments.runs, arguments.seconds, arguments.starts)
    record = results.take("cost", "sudo scripts/cost", figures)
    return finish(record, report.markdown(record), held=report.held(figures), keep=arguments.record)


def _measure(runs: int, seconds: float, starts: int) -> dict[str, Any]:
    """Interleaved: each run goes through all intervals, so that the machine's moods meet them all alike."""
    rest: dict[str, list[dict[str, Any]]] = {interval: [] for interval in INTERVALS}
    for run in range(1, runs + 1):
        for interval, measured in rest.items():
            say(f"run {run} of {runs} at {interval} ...")
            measured.append(measure.at_rest(interval, seconds))
    say("its parts ...")
    parts = {interval: measure.parts(interval, seconds) for interval in report.SHARE_BARS}
    say("several nodes on this machine ...")
    together = [
        {"nodes": nodes, "interval": interval, **measure.together(nodes, interval, seconds)}
        for interval in CROWDED
        for nodes in CROWDS
    ]
    say(f"{starts} starts ...")
    began = [measure.start() for _ in range(starts)]
    return {
        "runs": runs,
        "seconds": seconds,
        "starts": starts,
        "rest": {interval: measure.medians(measured) for interval, measured in rest.items()},
        "parts": parts,
        "together": together,
        "start": {
            "ready": median(one["ready"] for one in began),
            "best": min(one["ready"] for one in began),
            "answer": median(one["answer"] for one in began),
        },
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/cost", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="how often each interval is watched (default: 3)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each time (default: 10)")
    parser.add_argument("--starts", type=int, default=9, help="lone starts (default: 9)")
    parser.add_argument("--record", action="store_true", help="keep the figures under docs/results/")
    return parser


if __name__ == "__main__":
    sys.exit(main())
