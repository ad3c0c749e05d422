"""The log's three forms, and that nobody's slowness or cunning reaches the loop."""

import io
import json
import logging
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from vipservice.config.settings import LogSettings
from vipservice.runtime.log import LOGGER, QUEUE_LENGTH, LogOutput, TextFormatter, choose_format, set_up


@pytest.fixture(autouse=True)
def _left_as_found() -> Iterator[None]:
    propagate, level = LOGGER.propagate, LOGGER.level
    yield
    for handler in list(LOGGER.handlers):
        if isinstance(handler, LogOutput):
            LOGGER.removeHandler(handler)
            handler.close()
    LOGGER.propagate, LOGGER.level = propagate, level


def logged(form: str, message: str, level: str = "info", **extra: object) -> str:
    stream = io.StringIO()
    output = set_up(LogSettings(level, form), stream, {})
    LOGGER.info(message, extra=extra or None)
    output.close()
    return stream.getvalue()


def test_text_has_time_level_and_sentence() -> None:
    line = logged("text", "role backup -> active: 100% sure")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info role backup -> active: 100% sure\n", line
    )


def test_the_journal_gets_a_priority() -> None:
    assert logged("journal", "conflict") == "<6>conflict\n"


def test_json_is_one_object_a_line_with_the_fields() -> None:
    line = logged("json", 'said "hello"\nand more', fields={"group": "web"})
    assert line.count("\n") == 1
    found = json.loads(line)
    assert found["message"] == 'said "hello"\nand more'
    assert found["level"] == "info"
    assert found["group"] == "web"


def test_what_is_below_the_level_is_not_logged() -> None:
    assert logged("text", "quiet", level="warning") == ""


@pytest.mark.parametrize("form", ["text", "journal"])
def test_a_name_from_the_network_cannot_write_lines_of_its_own(form: str) -> None:
    line = logged(form, "rejected: node\n<2>forged\x1b[2J")
    assert line.count("\n") == 1
    assert "\x1b" not in line
    assert "node\\n<2>forged\\x1b[2J" in line


def test_auto_is_the_journals_form_only_where_the_stream_goes_to_the_journal(tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("w") as stream:
        found = os.fstat(stream.fileno())
        ours = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert choose_format(LogSettings(), stream, ours) == "journal"
        assert choose_format(LogSettings(), stream, {"JOURNAL_STREAM": "1:2"}) == "text"
        assert choose_format(LogSettings(), stream, {}) == "text"
        assert choose_format(LogSettings(format="json"), stream, ours) == "json"


def test_a_second_set_up_replaces_the_first() -> None:
    first, second = io.StringIO(), io.StringIO()
    set_up(LogSettings(), first, {})
    output = set_up(LogSettings(), second, {})
    LOGGER.warning("once")
    output.close()
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1


class Stuck(io.StringIO):
    """A terminal that somebody has stopped, until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.writing = threading.Event()
        self.released = threading.Event()

    def write(self, text: str) -> int:
        self.writing.set()
        self.released.wait(10)
        return super().write(text)


def test_a_stuck_terminal_loses_lines_and_holds_nobody_up() -> None:
    stream = Stuck()
    output = LogOutput(TextFormatter(), stream)
    record = logging.makeLogRecord({"msg": "x", "levelname": "INFO", "levelno": logging.INFO})
    output.emit(record)
    assert stream.writing.wait(10)
    for _ in range(QUEUE_LENGTH + 5):
        output.emit(record)
    stream.released.set()
    output.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1 + QUEUE_LENGTH + 1
    assert lines[-1].endswith("warning 5 log lines lost")


def test_a_closed_stream_is_survived() -> None:
    stream = io.StringIO()
    stream.close()
    output = LogOutput(TextFormatter(), stream)
    output.emit(logging.makeLogRecord({"msg": "x"}))
    output.close()
