"""Draws bytes for the targets by the coverage that they reach: what `scripts/fuzz` calls.

One process a target, because a fuzzing engine ends with its process. What a run learns is kept under
build/fuzz/ and begins the next one; an input that is a finding is kept under tests/fuzz/kept/ for pytest.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vipservice.lab import results

KEPT = Path("tests/fuzz/kept")
LEARNED = Path("build/fuzz")
LONGEST_INPUT = 2048
MEMORY_LIMIT = 1024
"""MiB; more for an input of two KiB is a finding too."""

SLOW = 30
"""Seconds for one input; more is a finding too. By the wall's clock, and a busy machine starves a fuzzer."""

COVERED = re.compile(r"cov: (?P<cov>\d+) ft: (?P<ft>\d+)")
EXECUTED = re.compile(r"stat::number_of_executed_units: (?P<count>\d+)")


def fuzz_one(name: str, options: Sequence[str]) -> None:
    """Fuzz a target in this process; does not return."""
    import atheris  # noqa: PLC0415 - needed by this process alone

    with atheris.instrument_imports(include=["vipservice"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - instrumented while it is imported

    for number, seed in enumerate(TARGETS[name].seeds):
        (LEARNED / name / f"seed-{number}").write_bytes(seed)
    words = LEARNED / f"{name}.words"
    words.write_text("".join(f'"{_quoted(word)}"\n' for word in TARGETS[name].words))
    options = [*options, f"-dict={words}"] if TARGETS[name].words else options
    atheris.Setup([sys.argv[0], *options], TARGETS[name].check)
    atheris.Fuzz()


def run(name: str, seconds: int) -> dict[str, Any]:
    """Fuzz a target in a process of its own; what came of it."""
    learned, kept = LEARNED / name, KEPT / name
    learned.mkdir(parents=True, exist_ok=True)
    before = _inputs(kept)
    with _artifacts(kept) as artifacts:
        options = (
            f"-max_total_time={seconds}",
            f"-max_len={LONGEST_INPUT}",
            f"-rss_limit_mb={MEMORY_LIMIT}",
            f"-timeout={SLOW}",
            f"-artifact_prefix={artifacts}/",
            "-print_final_stats=1",
            str(learned),
        )
        command = (sys.executable, "-m", "tests.fuzz.guided", "--one", name, *options)
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    said = done.stderr + done.stdout
    found = sorted(_inputs(kept) - before)
    if done.returncode and not found:
        raise RuntimeError(f"fuzzing {name} ended with {done.returncode}:\n{said[-3000:]}")
    if found:
        sys.stdout.write(f"{name}: a finding, kept as {found}\n{said[-3000:]}\n")
    return {
        "target": name,
        "seconds": seconds,
        "inputs": len(_inputs(learned)),
        **_figures(said),
        "findings": found,
    }


def markdown(record: results.Record) -> str:
    """The table of the page."""
    header = [
        "target",
        "minutes",
        "executions",
        "edges covered",
        "features",
        "inputs kept",
        "findings in this run",
    ]
    rows = [
        [
            one["target"],
            f"{one['seconds'] / 60:g}",
            f"{one['executions']:,}".replace(",", " "),
            str(one["covered"]),
            str(one["features"]),
            str(one["inputs"]),
            str(len(one["findings"])),
        ]
        for one in record.figures["targets"]
    ]
    return "\n\n".join((results.table(header, rows), record.provenance))


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz what the arguments name; the exit code."""
    arguments, options = _parser().parse_known_args(argv)
    if arguments.one:
        fuzz_one(arguments.one, [*options, *arguments.targets])
    names = arguments.targets or _names()
    seconds = max(1, round(60 * arguments.minutes))
    outcomes = []
    for name in names:
        outcomes.append(run(name, seconds))
        sys.stdout.write(f"{name}: {outcomes[-1]['executions']} inputs, {outcomes[-1]['covered']} edges\n")
        sys.stdout.flush()
    record = results.take("fuzzing", f"scripts/fuzz --minutes {arguments.minutes:g}", {"targets": outcomes})
    sys.stdout.write(f"\n{markdown(record)}\n")
    if arguments.record:
        sys.stdout.write(f"written to {results.save(record)}; scripts/pages puts it into the pages\n")
    return int(any(one["findings"] for one in outcomes))


def _quoted(word: bytes) -> str:
    """As an engine's dictionary has it."""
    return "".join(f"\\x{byte:02x}" for byte in word)


def _figures(said: str) -> dict[str, int]:
    covered, executed = COVERED.findall(said), EXECUTED.findall(said)
    edges, features = covered[-1] if covered else (0, 0)
    return {
        "executions": int(executed[-1]) if executed else 0,
        "covered": int(edges),
        "features": int(features),
    }


@contextmanager
def _artifacts(kept: Path) -> Iterator[str]:
    """A folder for findings; what is in it at the end is kept."""
    with tempfile.TemporaryDirectory() as folder:
        yield folder
        for found in Path(folder).iterdir():
            kept.mkdir(parents=True, exist_ok=True)
            (kept / found.name).write_bytes(found.read_bytes())


def _inputs(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _names() -> list[str]:
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - where a target is fuzzed it is imported otherwise

    return list(TARGETS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="which (default: all)")
    parser.add_argument("--minutes", type=float, default=1.0, help="for each target (default: %(default)g)")
    parser.add_argument("--record", action="store_true", help="keep the figures under docs/results/")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
