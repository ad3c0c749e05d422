"""`--wait`: looking again until something is true, or its time is over."""

import argparse
import time
from collections.abc import Callable

from vipservice.cli import exit_codes
from vipservice.cli.exit_codes import CommandError
from vipservice.config.durations import DurationError, parse_duration, show_duration

DEFAULT = 30.0
LONGEST = 3600.0
LOOK_AGAIN = 0.1
"""Seconds between two looks; each costs the daemon one answer on its control socket."""


def add_wait(parser: argparse.ArgumentParser, what: str) -> None:
    """The option `--wait [DURATION]`."""
    parser.add_argument(
        "--wait",
        metavar="DURATION",
        nargs="?",
        const=DEFAULT,
        type=_duration,
        help=f"{what}, for at most DURATION (default: {show_duration(DEFAULT)}); exit code 75 if it is over",
    )


def wait_until(look: Callable[[], str | None], within: float) -> None:
    """Look until there is nothing left to wait for.

    Args:
        look: What is missing still, in words; None for nothing.
        within: Seconds.

    Raises:
        CommandError: The time is over (75), with the last answer of `look`.
    """
    deadline = time.monotonic() + within
    while missing := look():
        if time.monotonic() >= deadline:
            raise CommandError(exit_codes.TEMPFAIL, f"after {show_duration(within)}: {missing}")
        time.sleep(LOOK_AGAIN)


def _duration(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except DurationError as error:
        raise argparse.ArgumentTypeError(f"found {text!r}, {error}; allowed: up to 1h, like 30s") from error
    if seconds > LONGEST:
        raise argparse.ArgumentTypeError(f"found {text!r}; allowed: up to 1h")
    return seconds
