"""What a program measured, kept as a file from which the pages in `docs/` are written, not typed by hand."""

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

import vipservice

FOLDER = Path("docs/results")
"""Beside the pages, seen from the top of a checkout."""


@dataclass(frozen=True, slots=True)
class Record:
    """One run of one program, with what a reader needs to repeat it and to judge it."""

    name: str
    """Of the file: `docs/results/<name>.json`."""
    command: str
    """What to type, in a checkout, to get such figures."""
    date: str
    """The day of the run, ISO 8601, UTC."""
    machine: str
    """Processor, memory, kernel, distribution and Python, in one line."""
    version: str
    """The version of vipservice, and the commit where it is known."""
    figures: dict[str, Any]
    """What was measured, as JSON takes it; each program documents its own."""

    @property
    def provenance(self) -> str:
        """One sentence: where these figures come from."""
        return f"Measured on {self.date} by `{self.command}`: vipservice {self.version} on {self.machine}."


def take(name: str, command: str, figures: dict[str, Any]) -> Record:
    """A record of a run that has just ended, on this machine."""
    return Record(name, command, datetime.now(UTC).date().isoformat(), machine(), version(), figures)


def save(record: Record, folder: Path = FOLDER) -> Path:
    """Write it where the pages look for it; the old one stays until the new one is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record.name}.json"
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(asdict(record), indent=1) + "\n")
    draft.replace(path)
    return path


def load(name: str, folder: Path = FOLDER) -> Record:
    """The record of that name; FileNotFoundError where the program has never been run with `--record`."""
    return Record(**json.loads((folder / f"{name}.json").read_text()))


def table(header: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown; a bar within a cell is written so that it stays one."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def machine() -> str:
    """This machine, as far as figures depend on it."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} x {_processor()}, {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"{_distribution()}, Python {platform.python_version()}"
    )


def version() -> str:
    """Which vipservice this is: its version, in a checkout also the commit and whether files differ."""
    commit = _git("rev-parse", "--short", "HEAD")
    if not commit:
        return vipservice.__version__
    changed = " with changes" if _git("status", "--porcelain", "--untracked-files=no") else ""
    return f"{vipservice.__version__} (commit {commit}{changed})"


def _git(*words: str) -> str:
    top = Path(__file__).resolve().parents[2]
    if not (top / ".git").exists():
        return ""
    try:
        # A checkout that belongs to another user is read all the same: only its name is asked for.
        command = ["git", "-c", f"safe.directory={top}", "-C", str(top), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()  # noqa: S603 - fixed words
    except (OSError, subprocess.SubprocessError):
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "an unnamed distribution")
    except OSError:
        return platform.platform(terse=True)
