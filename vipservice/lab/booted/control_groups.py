"""A control group for each booted machine: two systemd-nspawn with --keep-unit would share their caller's."""

import contextlib
import itertools
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from vipservice.lab.clock import wait_until

PREFIX = "vipservice-booted-"
EMPTY_WITHIN = 10.0

_COUNT = itertools.count(1)
"""Two pairs of this process may be there at once."""


class ControlGroups:
    """One group of a name in every hierarchy that systemd wants; they go with the block."""

    def __init__(self, name: str) -> None:
        tops = tuple(_hierarchies())
        _sweep(tops)
        self.paths = [top / f"{PREFIX}{os.getpid()}-{next(_COUNT)}-{name}" for top in tops]

    def __enter__(self) -> Self:
        for path in self.paths:
            path.mkdir()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for path in self.paths:
            wait_until(partial(_remove, path), EMPTY_WITHIN, f"{path} empty")


def _hierarchies() -> Iterator[Path]:
    """Where systemd's own hierarchy is mounted, and cgroup2 (cgroups(7))."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split()
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            yield Path(where)


def _sweep(tops: tuple[Path, ...]) -> None:
    """Take away what somebody left who was killed: of all that we make, only these have a name."""
    for top in tops:
        for path in top.glob(f"{PREFIX}*"):
            maker = path.name.removeprefix(PREFIX).partition("-")[0]
            if not Path("/proc", maker).exists():
                _remove(path)


def _remove(top: Path) -> bool:
    """Whether the group and all below it could be removed; processes that are ending keep it."""
    with contextlib.suppress(OSError):
        for folder, _, _ in os.walk(top, topdown=False):
            os.rmdir(folder)
    return not top.exists()
