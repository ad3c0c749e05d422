"""What else this machine is doing while something is measured on it: its load, and its own lateness."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import accumulate
from math import inf
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import psutil

from vipservice.lab.hostility import noise
from vipservice.runtime.declarations import LAG_BUCKETS

PRIORITY = 10
"""Of the process that only sleeps: the daemons' own, so that it waits its turn as they do."""


class Noise:
    """A process that sleeps a millisecond at a time and counts how late it wakes; ends with the block."""

    def __init__(self, *, realtime: bool = True, ends: Sequence[float] = LAG_BUCKETS) -> None:
        self._ends = tuple(ends)
        script = (sys.executable, "-I", "-S", str(Path(noise.__file__)))
        self._process = subprocess.Popen(  # noqa: S603 - the lab's own argv, never a shell
            (*script, str(PRIORITY if realtime else 0), *map(repr, self._ends)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            _pipe(pipe).close()

    def so_far(self) -> dict[float, float]:
        """Lateness since the start, in the buckets of `vipservice_loop_lag_seconds`."""
        counts = accumulate(self._ask()["late"])
        return dict(zip((*self._ends, inf), counts, strict=True))

    def worst(self) -> float:
        """The latest it ever woke, seconds."""
        return float(self._ask()["worst"])

    def _ask(self) -> dict[str, Any]:
        _pipe(self._process.stdin).write(b"?")
        _pipe(self._process.stdin).flush()
        answer: dict[str, Any] = json.loads(_pipe(self._process.stdout).readline())
        return answer


def stolen() -> float:
    """Seconds for which a hypervisor has kept this machine's processors from it, since the boot (proc(5))."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))


def load() -> float:
    """How many processes ran or wanted to in the last minute (getloadavg(3))."""
    return os.getloadavg()[0]


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None, "opened as a pipe"
    return stream
