"""Measures what each verb of systemd costs a client: what `scripts/verbs` calls."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from vipservice.lab import results
from vipservice.lab.booted import layer, report, verbs
from vipservice.lab.booted.needs import problem
from vipservice.lab.booted.pair import Pair
from vipservice.lab.measuring import finish, perform, say


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, keep; the exit code."""
    arguments = _parser().parse_args(argv)
    return perform(lambda: _run(arguments), problem())


def _run(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory() as folder:
        record = _measure(Path(folder), arguments.runs)
    several = any(seen["several"] for seen in record.figures["verbs"].values())
    return finish(record, report.markdown(record), held=not several, keep=arguments.record)


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


if __name__ == "__main__":
    sys.exit(main())
