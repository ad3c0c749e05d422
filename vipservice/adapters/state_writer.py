"""Writing state off the loop: one thread, and for each file only the latest content counts."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

RETRY_AFTER = 5.0
"""Seconds between attempts while the disk refuses."""

Content = Callable[[], bytes]
"""Makes a file's bytes from values that don't change any more. It runs in the writer's thread."""


def replace_file(path: Path, content: bytes) -> str | None:
    """Write `content` to `path`, all of it or nothing, and onto the disk; returns the problem, if any.

    A missing directory is made for us alone; one that is there keeps its mode.
    """
    beside = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_synced(beside, content)
        beside.replace(path)
        _sync_directory(path.parent)
    except OSError as error:
        return f"{path} can't be written ({error.strerror or error}): kept in memory only"
    return None


class LatestWriter:
    """Replaces files in a directory from a thread of its own. `put` never waits for the disk."""

    def __init__(self, directory: Path, problem: str | None = None, retry_after: float = RETRY_AFTER) -> None:
        self._directory = directory
        self._retry_after = retry_after
        self._problem = problem
        self._waiting: dict[str, Content] = {}
        self._writing = False
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="state-writer", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str | None:
        """Why the last write failed, or None."""
        return self._problem

    def put(self, name: str, content: Content) -> None:
        """Queue `content` for the file `name`, in place of what is queued for it already."""
        with self._changed:
            self._waiting[name] = content
            self._changed.notify()

    def flush(self, within: float) -> None:
        """Wait until nothing is queued, or the disk has refused; at most `within` seconds."""
        with self._changed:
            self._changed.wait_for(self._settled, within)

    def close(self, within: float) -> None:
        """Write what is queued, once more where it failed, and end; at most `within` seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(within)

    def _run(self) -> None:
        while taken := self._take():
            refused: dict[str, Content] = {}
            problem: str | None = None
            for name, content in taken.items():
                failure = replace_file(self._directory / name, content())
                if failure is not None:
                    refused[name] = content
                    problem = failure
            self._put_back(refused, problem)

    def _settled(self) -> bool:
        return self._problem is not None or not (self._waiting or self._writing)

    def _take(self) -> dict[str, Content]:
        """Wait for something to write; nothing when closing and nothing is left."""
        with self._changed:
            if self._problem is not None and not self._closing:
                self._changed.wait(self._retry_after)
            while not self._waiting and not self._closing:
                self._changed.wait()
            taken, self._waiting = self._waiting, {}
            self._writing = bool(taken)
            return taken

    def _put_back(self, refused: dict[str, Content], problem: str | None) -> None:
        """Keep for the next attempt what wasn't written, unless something newer waits or we are closing."""
        with self._changed:
            self._problem, self._writing = problem, False
            self._changed.notify_all()
            if not self._closing:
                self._waiting = {**refused, **self._waiting}


def _write_synced(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    """Put the rename itself onto the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
