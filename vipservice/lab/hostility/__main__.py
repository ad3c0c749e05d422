"""Runs an attack, all of them, or the soak: what `scripts/hostility` calls."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from vipservice.config.durations import parse_duration
from vipservice.lab import results
from vipservice.lab.hostility import run, soak
from vipservice.lab.hostility.attacks import ATTACKS
from vipservice.lab.measuring import finish, perform, say
from vipservice.lab.namespaces import problem

INTERVALS = ("10ms", "2ms")


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say; the exit code."""
    arguments = _parser().parse_args(argv)
    work = _soak if arguments.soak or arguments.again else _attacks
    return perform(lambda: work(arguments), problem())


def _soak(arguments: argparse.Namespace) -> int:
    if arguments.again:
        try:
            record = soak.again(arguments.journal)
        except ValueError as error:
            say(f"{arguments.journal} cannot be read as the journal of a soak: {error}")
            return os.EX_DATAERR
    else:
        record = soak.soak(arguments.interval or INTERVALS[0], arguments.soak, arguments.journal, say)
    return finish(record, soak.markdown(record), held=soak.held(record.figures), keep=arguments.record)


def _missed() -> int:
    """Make the attacks again that the record says were not held; both runs are told."""
    kept = results.load("hostility")
    mended = run.repeat(kept.figures, say)
    record = results.take("hostility", kept.command, mended)
    held = all(one["held"] for one in mended["outcomes"])
    return finish(record, run.markdown(record), held=held, keep=True)


def _attacks(arguments: argparse.Namespace) -> int:
    if arguments.missed:
        return _missed()
    intervals = (arguments.interval,) if arguments.interval else INTERVALS
    names = arguments.only or tuple(ATTACKS)
    outcomes = run.perform(intervals, names, arguments.seconds, say)
    chosen = [f" --only {name}" for name in arguments.only or ()]
    chosen += [f" --interval {arguments.interval}"] if arguments.interval else []
    command = f"sudo scripts/hostility --seconds {arguments.seconds:g}s{''.join(chosen)}"
    record = results.take("hostility", command, run.figures(outcomes, arguments.seconds))
    held = all(outcome.held for outcome in outcomes)
    return finish(record, run.markdown(record), held=held, keep=arguments.record)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/hostility", description=__doc__)
    parser.add_argument(
        "--only", metavar="NAME", action="append", choices=ATTACKS, help=f"of {', '.join(ATTACKS)}"
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=60.0, help="how long each attack lasts (default: 60s)"
    )
    parser.add_argument("--soak", metavar="TIME", type=_seconds, help="let three nodes run so long, e.g. 60m")
    parser.add_argument(
        "--interval", choices=INTERVALS, help="time between adverts (default: both; soak: 10ms)"
    )
    parser.add_argument(
        "--journal", metavar="FILE", type=Path, default=Path("soak.journal"), help="of the soak"
    )
    parser.add_argument("--again", action="store_true", help="the soak's tables from a journal that is there")
    parser.add_argument(
        "--missed",
        action="store_true",
        help="make those again that the record says were not held; implies --record",
    )
    parser.add_argument("--record", action="store_true", help="keep the figures under docs/results/")
    return parser


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}, {error}: write for instance 60s or 10m") from error


if __name__ == "__main__":
    sys.exit(main())
