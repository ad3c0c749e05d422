"""One planted bug on trial: a copy of the checkout with the bug in it, and the suite run on that copy."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import monotonic

from tests.planted.bug import Bug
from tests.planted.witness import REPORT

TOP = Path(__file__).resolve().parents[2]
PARTS = ("tests/unit", "tests/scenarios", "tests/fuzz", "tests/simulation")
"""The cheapest first."""

LIMIT = 1800.0
"""Seconds after which one part of the suite is given up: a bug may make it run for ever."""

_NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".*_cache", ".hypothesis", "__pycache__", "build", "dist"
)
_TESTS_FAILED = 1
_WITNESS = "tests.planted.witness"
_running: set[subprocess.Popen[str]] = set()
_over = Event()


class UnfairError(Exception):
    """A trial says nothing: the suite did not run, or not on the copy."""


@dataclass(slots=True)
class Trial:
    """What became of one bug."""

    bug: Bug
    caught: dict[str, list[str]] = field(default_factory=dict)
    """Failing tests by the part of the suite that was run."""
    seconds: float = 0.0

    @property
    def survived(self) -> bool:
        """Nothing failed."""
        return not any(self.caught.values())

    @property
    def catchers(self) -> list[str]:
        """Every test that failed, in the order in which they ran."""
        return list(dict.fromkeys(test for tests in self.caught.values() for test in tests))


@contextmanager
def copy_of_checkout(bug: Bug | None = None) -> Iterator[Path]:
    """Make a copy of this checkout as it lies there, with the bug in it; it is removed afterwards."""
    with TemporaryDirectory(prefix="planted-") as folder:
        Path(folder).chmod(0o755)  # some tests run programs as another user
        copy = Path(folder) / "checkout"
        shutil.copytree(TOP, copy, ignore=_NOT_COPIED, symlinks=True)
        if bug is not None:
            path = copy / bug.file
            path.write_text(bug.applied_to(path.read_text()))
        yield copy


def parts_for(bug: Bug) -> tuple[str, ...]:
    """What is asked, in this order: the unit tests nearest to the bug, then the parts of the suite."""
    folders = [f"tests/unit/{part}" for part in reversed(Path(bug.file).parts[1:-1])]
    near = [folder for folder in (bug.near, *folders) if folder and (TOP / folder).exists()][:1]
    live = (bug.live,) if bug.live else ()
    return (*near, *live, *PARTS)


def put_on_trial(bug: Bug, every_part: bool = False) -> Trial:
    """Run the suite on a copy with the bug until a part of it fails, or all of it."""
    started = monotonic()
    trial = Trial(bug)
    parts = parts_for(bug)
    with copy_of_checkout(bug) as copy:
        for part in parts[1:] if every_part and parts[1:] == PARTS else parts:
            trial.caught[part] = failures(copy, [part])
            if trial.caught[part] and not every_part:
                break
    trial.seconds = monotonic() - started
    return trial


def failures(copy: Path, tests: Sequence[str], *options: str) -> list[str]:
    """Run these tests in the copy; the names of those that failed.

    Raises:
        UnfairError: They did not run, or imported another source than the copy's.
    """
    report = copy.parent / "report.json"
    report.unlink(missing_ok=True)
    status, output = _run_pytest(copy, [*options, *tests], report)
    said = json.loads(report.read_text()) if report.exists() else {}
    if status not in (0, _TESTS_FAILED) or bool(said.get("failed")) != bool(status):
        last = output.strip().splitlines()[-1:]
        raise UnfairError(f"pytest {' '.join(tests)} ended with {status}: {' '.join(last)}")
    if said["source"] != str(copy.resolve()):
        raise UnfairError(f"the tests imported {said['source']} instead of {copy}")
    return [str(test) for test in said["failed"]]


def end_all() -> None:
    """End every suite that is running, with whatever its tests have started, and begin no other."""
    _over.set()
    for process in list(_running):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _run_pytest(copy: Path, arguments: Sequence[str], report: Path) -> tuple[int, str]:
    """Exit status and output. A group of its own: what a test started ends with it."""
    if _over.is_set():
        raise UnfairError("stopped")
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", _WITNESS]
    # First on the path of whatever Python a test starts, too.
    environment = {**os.environ, "PYTHONPATH": str(copy), REPORT: str(report), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        [*command, *arguments],
        cwd=copy,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    _running.add(process)
    try:
        output, _ = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired as late:
        raise UnfairError(f"pytest {' '.join(arguments)} did not end within {LIMIT:.0f} s") from late
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        _running.discard(process)
    return process.returncode, output
