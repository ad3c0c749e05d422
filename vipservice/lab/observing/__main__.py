"""Measures what being observed costs: what `scripts/observed` calls."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from vipservice.lab import results
from vipservice.lab.namespaces import problem
from vipservice.lab.observing import measure
from vipservice.lab.owners import EventsLostError

INTERVALS = ("100ms", "10ms", "2ms")
NOT_HELD = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say; the exit code."""
    arguments = _parser().parse_args(argv)
    if (reason := problem()) is not None:
        say(f"this cannot run here: {reason}")
        return os.EX_NOPERM
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    intervals = tuple(arguments.interval or INTERVALS)
    try:
        outcomes = measure.perform(intervals, arguments.rounds, arguments.seconds, say)
    except (TimeoutError, EventsLostError, OSError) as error:
        say(f"it did not come to its end: {error}")
        return os.EX_SOFTWARE
    record = results.take("observed", "sudo scripts/observed", measure.figures(outcomes))
    say(measure.markdown(record))
    if arguments.record:
        say(f"written to {results.save(record)}; scripts/pages puts it into the pages")
    return os.EX_OK if measure.held(outcomes) else NOT_HELD


def say(text: str) -> None:
    """One line for whoever watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/observed", description=__doc__)
    parser.add_argument(
        "--interval", choices=INTERVALS, action="append", help="time between adverts (default: each of them)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often each scene is played (default: 3)")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each time (default: 5)")
    parser.add_argument("--record", action="store_true", help="keep the figures under docs/results/")
    return parser


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
