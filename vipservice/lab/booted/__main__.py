"""Measures what each verb of systemd costs a client: what `scripts/verbs` calls."""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from vipservice.lab import results
from vipservice.lab.booted import layer, report, verbs
from vipservice.lab.booted.needs import problem
from vipservice.lab.booted.pair import Pair

TWO_OWNERS = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, keep; the exit code."""
    arguments = _parser().parse_args(argv)
    if (reason := problem()) is not None:
        say(f"this cannot run here: {reason}")
        return os.EX_NOPERM
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        with tempfile.TemporaryDirectory() as folder:
            record = _measure(Path(folder), arguments.runs)
    except (TimeoutError, OSError, RuntimeError) as error:
        say(f"it did not come to its end: {error}")
        return os.EX_SOFTWARE
    say(report.markdown(record))
    if arguments.record:
        say(f"written to {results.save(record)}; scripts/pages puts it into the pages")
    several = any(seen["several"] for seen in record.figures["verbs"].values())
    return TWO_OWNERS if several else os.EX_OK


def say(text: str) -> None:
    """One line for whoever watches."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _measure(folder: Path, runs: int) -> results.Record:
    folder.chmod(0o755)
    top = folder / "layer"
    top.mkdir()
    with Pair(layer.make(top), lambda machine: machine.run(layer.COMMAND, "install")) as pair:
        return results.take("verbs", "sudo scripts/verbs", verbs.measure(pair, runs, say))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/verbs", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how often each verb is done (default: 5)")
    parser.add_argument("--record", action="store_true", help="keep the figures under docs/results/")
    return parser


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
