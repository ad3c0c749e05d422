"""Measures what being observed costs: what `scripts/observed` calls."""

import argparse
import sys
from collections.abc import Sequence

from vipservice.lab import results
from vipservice.lab.measuring import finish, perform, say
from vipservice.lab.namespaces import problem
from vipservice.lab.observing import measure

INTERVALS = ("100ms", "10ms", "2ms")


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say; the exit code."""
    arguments = _parser().parse_args(argv)
    return perform(lambda: _run(arguments), problem())


def _run(arguments: argparse.Namespace) -> int:
    intervals = tuple(arguments.interval or INTERVALS)
    outcomes = measure.perform(intervals, arguments.rounds, arguments.seconds, say)
    record = results.take("observed", "sudo scripts/observed", measure.figures(outcomes))
    return finish(record, measure.markdown(record), held=measure.held(outcomes), keep=arguments.record)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/observed", description=__doc__)
    parser.add_argument(
        "--interval", choices=INTERVALS, action="append", help="time between adverts (default: each of them)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often each scene is played (default: 3)")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each time (default: 5)")
    parser.add_argument("--record", action="store_true", help="keep the figures under docs/results/")
    return parser


if __name__ == "__main__":
    sys.exit(main())
