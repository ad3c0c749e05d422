"""The history's file: lines appended and synced by a thread, so that the loop never waits for a disk."""

import os
import queue
import threading
from collections.abc import Sequence
from pathlib import Path

from vipservice.adapters.state_writer import replace_file

FILE = "history.jsonl"
LONGEST_FILE = 16 * 1024 * 1024
"""Bytes read of an earlier life's file; ours stay far below."""

QUEUE_LENGTH = 1000
CLOSE_WITHIN = 1.0


def read_journal(directory: Path) -> list[str]:
    """The lines that are there; the last one has no newline at its end where a crash tore it.

    Raises:
        OSError: There are none, or they can't be read.
    """
    with (directory / FILE).open("rb") as file:
        return file.read(LONGEST_FILE).decode(errors="replace").splitlines(keepends=True)


class FileJournal:
    """Appends lines in the state directory; where that fails, `problem` says so and lines are lost."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._torn = False
        """The file ends in the middle of a line: begin with a new one."""
        self.problem: str | None = None
        self.earlier = self._read()
        self._queue: queue.SimpleQueue[tuple[str, ...] | str | threading.Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._thread.start()

    def append(self, line: str) -> None:
        """Queue a line; where the disk hangs for long, it is lost."""
        if self._queue.qsize() < QUEUE_LENGTH:
            self._queue.put(line)

    def rewrite(self, lines: Sequence[str]) -> None:
        """Queue these lines in the place of everything that is there."""
        if self._queue.qsize() < QUEUE_LENGTH:
            self._queue.put(tuple(lines))

    def flush(self) -> None:
        """Wait until what is queued is on the disk; bounded."""
        written = threading.Event()
        self._queue.put(written)
        written.wait(CLOSE_WITHIN)

    def close(self) -> None:
        """Write what is queued, and end; bounded."""
        self._queue.put(None)
        self._thread.join(CLOSE_WITHIN)

    def _read(self) -> list[str]:
        try:
            lines = read_journal(self._path.parent)
        except FileNotFoundError:
            return []
        except OSError as error:
            self.problem = self._cannot("read", error)
            return []
        self._torn = not lines[-1].endswith("\n") if lines else False
        return lines

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            if isinstance(work, str):
                self._append(work)
            elif isinstance(work, threading.Event):
                work.set()
            else:
                content = "".join(f"{line}\n" for line in work).encode()
                self.problem = replace_file(self._path, content)
                self._torn = self._torn and self.problem is not None

    def _append(self, line: str) -> None:
        text = f"\n{line}\n" if self._torn else f"{line}\n"
        self._torn = True  # until it is known to be whole
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(self._path, flags, 0o600), "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self.problem = self._cannot("written", error)
        else:
            self.problem, self._torn = None, False

    def _cannot(self, what: str, error: OSError) -> str:
        return f"{self._path} can't be {what} ({error.strerror or error})"
