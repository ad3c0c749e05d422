"""What the programs that measure have in common: how they speak, how they end, and what they leave."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from vipservice.lab import results
from vipservice.lab.owners import EventsLostError
from vipservice.lab.results import Record

NOT_HELD = 1
"""The exit code of a measurement that came to its end and missed what it was to show."""

BROKEN_PIPE = 128 + signal.SIGPIPE


def say(text: str) -> None:
    """One line for whoever watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def perform(work: Callable[[], int], obstacle: str | None) -> int:
    """Do the work, with SIGTERM and SIGHUP ending it by the front door, so that it cleans up after itself.

    Args:
        work: Measures, and gives the exit code.
        obstacle: Why this machine cannot do it, as a sentence.
    """
    if obstacle is not None:
        say(f"this cannot run here: {obstacle}")
        return os.EX_NOPERM
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        return work()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (EventsLostError, OSError, RuntimeError) as error:
        say(f"it did not come to its end: {error}")
        return os.EX_SOFTWARE


def finish(record: Record, markdown: str, *, held: bool, keep: bool) -> int:
    """Show what came of it, and keep it for the pages if that is wanted; the exit code."""
    say(markdown)
    if keep:
        say(f"written to {results.save(record)}; scripts/pages puts it into the pages")
    return os.EX_OK if held else NOT_HELD


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
