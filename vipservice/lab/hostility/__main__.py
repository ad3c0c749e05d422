"""Runs an attack, all of them, or the soak: what `scripts/hostility` calls."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from vipservice.config.durations import parse_duration
from vipservice.lab import results
from vipservice.lab.hostility import run, soak
from vipservice.lab.hostility.attacks import ATTACKS
from vipservice.lab.namespaces import problem
from vipservice.lab.owners import EventsLostError

INTERVALS = ("10ms", "2ms")
MISSED = 1
BROKEN_PIPE = 128 + signal.SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say; the exit code."""
    arguments = _parser().parse_args(argv)
    if (reason := problem()) is not None:
        say(f"this cannot run here: {reason}")
        return os.EX_NOPERM
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        return _soak(arguments) if arguments.soak or arguments.again else _attacks(arguments)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (TimeoutError, EventsLostError, OSError, ValueError) as error:
        say(f"it did not come to its end: {error}")
        return os.EX_SOFTWARE


def say(text: str) -> None:
    """One line for whoever watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _soak(arguments: argparse.Namespace) -> int:
    if arguments.again:
        record = soak.again(arguments.journal)
    else:
        record = soak.soak(arguments.interval or INTERVALS[0], arguments.soak, arguments.journal, say)
    return _finish(record, soak.markdown, soak.held(record.figures), arguments.record)


def _missed() -> int:
    """Make the attacks again that the record says were not held; both runs are told."""
    kept = results.load("hostility")
    mended = run.repeat(kept.figures, say)
    record = results.take("hostility", kept.command, mended)
    return _finish(record, run.markdown, all(one["held"] for one in mended["outcomes"]), keep=True)


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
    return _finish(record, run.markdown, all(outcome.held for outcome in outcomes), arguments.record)


def _finish(record: results.Record, markdown: Callable[[results.Record], str], held: bool, keep: bool) -> int:
    say(markdown(record))
    if keep:
        say(f"written to {results.save(record)}; scripts/pages puts it into the pages")
    return os.EX_OK if held else MISSED


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


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
