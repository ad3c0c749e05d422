"""A control group of this program's own, in which memory can be made short without risk to the machine.

Both hierarchies are understood: the old one, where a group is made below the one that this process is in, and
the unified one, where it is made at the top (cgroups(7)).
"""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLD = Path("/sys/fs/cgroup/memory")
UNIFIED = Path("/sys/fs/cgroup")
REMOVE_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class MemoryGroup:
    """The group's folder, and where this process belongs when it is not in it."""

    folder: Path
    home: Path

    @property
    def _is_old(self) -> bool:
        return (self.folder / "memory.limit_in_bytes").exists()

    @contextlib.contextmanager
    def starting_here(self) -> Iterator[None]:
        """What this process starts in the block belongs to the group; it itself returns home."""
        self._move(self.folder)
        try:
            yield
        finally:
            self._move(self.home)

    def usage(self) -> int:
        """Bytes charged to the group."""
        name = "memory.usage_in_bytes" if self._is_old else "memory.current"
        return int((self.folder / name).read_text())

    def limit(self, size: int | None) -> None:
        """Let it have so many bytes, or as many as there are."""
        name = "memory.limit_in_bytes" if self._is_old else "memory.max"
        unlimited = "-1" if self._is_old else "max"
        (self.folder / name).write_text(unlimited if size is None else str(size))

    def reclaims(self) -> int:
        """How often the limit was met so far: each time pages had to be taken back."""
        if self._is_old:
            return int((self.folder / "memory.failcnt").read_text())
        events = dict(line.split() for line in (self.folder / "memory.events").read_text().splitlines())
        return int(events["max"])

    def remove(self) -> None:
        """Once all its processes have ended."""
        deadline = time.monotonic() + REMOVE_WITHIN
        while True:
            try:
                self.folder.rmdir()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def _move(self, to: Path) -> None:
        (to / "cgroup.procs").write_text(str(os.getpid()))


@contextlib.contextmanager
def memory_group() -> Iterator[MemoryGroup | None]:
    """A group for the length of a block; None where this machine gives us none."""
    home = _home()
    if home is None:
        yield None
        return
    group = MemoryGroup((home if home.is_relative_to(OLD) else UNIFIED) / f"vipservice-{os.getpid()}", home)
    try:
        group.folder.mkdir()
        group.limit(None)
    except OSError:
        with contextlib.suppress(OSError):
            group.folder.rmdir()
        yield None
        return
    try:
        yield group
    finally:
        group.remove()


def _home() -> Path | None:
    """The group that this process is in now, in the hierarchy that knows about memory."""
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    for _number, controllers, path in lines:
        if "memory" in controllers.split(","):
            return OLD / path.lstrip("/")
    for _number, controllers, path in lines:
        if not controllers and (UNIFIED / "cgroup.controllers").exists():
            return UNIFIED / path.lstrip("/")
    return None
