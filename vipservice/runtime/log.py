"""The log: text for people, JSON for machines, priorities for the journal; written by a thread of its own.

A terminal that is stopped, a full pipe or a slow journal must not hold up the loop, which has an address to
renew. So lines are queued, and where the queue is full they are counted instead.
"""

import json
import logging
import os
import queue
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

from vipservice.config.settings import LogSettings

LOGGER = logging.getLogger("vipservice")
"""Everybody's logger; `extra={"fields": {...}}` adds members to the JSON form."""

QUEUE_LENGTH = 1000
CLOSE_WITHIN = 1.0
"""Seconds that the last lines have to get out."""

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""syslog(3), as sd-daemon(3) writes it in front of a line."""


class TextFormatter(logging.Formatter):
    """`2026-11-22T12:03:04.120Z info role backup -> active: ...`, one line each."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        return f"{_time(record)} {record.levelname.lower()} {_one_line(super().format(record))}"


class JournalFormatter(logging.Formatter):
    """`<6>role backup -> active: ...`: the journal has its own time."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        return f"<{_PRIORITIES.get(record.levelno, 6)}>{_one_line(super().format(record))}"


class JsonFormatter(logging.Formatter):
    """One object a line: `time`, `level`, `message` and the record's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        fields = getattr(record, "fields", {})
        said = {"time": _time(record), "level": record.levelname.lower(), "message": super().format(record)}
        return json.dumps({**fields, **said}, default=str)


FORMATTERS: Mapping[str, type[logging.Formatter]] = {
    "text": TextFormatter,
    "json": JsonFormatter,
    "journal": JournalFormatter,
}


class LogOutput(logging.Handler):
    """Writes records to `stream` from a thread; `close` waits for the last ones, not for ever."""

    def __init__(self, formatter: logging.Formatter, stream: TextIO) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._stream = stream
        self._lines: queue.SimpleQueue[str | threading.Event | None] = queue.SimpleQueue()
        self._dropped = 0
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record."""
        if self._lines.qsize() >= QUEUE_LENGTH:
            self._dropped += 1
            return
        self._lines.put(self.format(record))

    def flush(self) -> None:
        """Wait until what is queued has been written; bounded."""
        written = threading.Event()
        self._lines.put(written)
        written.wait(CLOSE_WITHIN)

    def close(self) -> None:
        """Write what is queued, and end."""
        if self._thread.is_alive():
            self._lines.put(None)
            self._thread.join(CLOSE_WITHIN)
        super().close()

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            if isinstance(line, threading.Event):
                line.set()
                continue
            self._print(line)
            if not self._lines.qsize():
                self._tell_dropped()
        self._tell_dropped()

    def _tell_dropped(self) -> None:
        if dropped := self._dropped:
            self._dropped = 0
            message = {"levelno": logging.WARNING, "levelname": "WARNING", "msg": f"{dropped} log lines lost"}
            self._print(self.format(logging.makeLogRecord(message)))

    def _print(self, line: str) -> None:
        try:
            self._stream.write(f"{line}\n")
            self._stream.flush()
        except (OSError, ValueError):
            self._dropped += 1  # nobody reads us; the address does not care


def set_up(
    settings: LogSettings, stream: TextIO | None = None, environ: Mapping[str, str] = os.environ
) -> LogOutput:
    """Begin to log as the configuration says; replaces an earlier set-up.

    Close the result at the end.
    """
    stream = stream or sys.stderr
    name = choose_format(settings, stream, environ)
    for old in list(LOGGER.handlers):
        LOGGER.removeHandler(old)
        old.close()
    output = LogOutput(FORMATTERS[name](), stream)
    LOGGER.addHandler(output)
    LOGGER.setLevel(settings.level.upper())
    LOGGER.propagate = False
    return output


def choose_format(settings: LogSettings, stream: TextIO, environ: Mapping[str, str]) -> str:
    """What `auto` means: the journal's form where the stream goes there, else text."""
    if settings.format != "auto":
        return settings.format
    return "journal" if is_journal(stream, environ.get("JOURNAL_STREAM", "")) else "text"


def is_journal(stream: TextIO, device_and_inode: str) -> bool:
    """Whether JOURNAL_STREAM names this very stream: it may have been redirected since (systemd.exec(5))."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return device_and_inode == f"{found.st_dev}:{found.st_ino}"


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _one_line(text: str) -> str:
    """Without control characters: a peer's name must not write lines of its own or steer a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
