"""The page of incidents names what there is, and every scenario says what it is about."""

import re
from pathlib import Path

import pytest

from tests.scenarios.headings import FOLDER, files, heading

TESTS = FOLDER.parent
PAGE = TESTS.parent / "docs/incidents.md"
ROW = re.compile(r"^\| (?P<suffered>[^|]+) \| (?P<done>[^|]+) \| (?P<shown>[^|]+) \|$", re.MULTILINE)


def rows() -> list[re.Match[str]]:
    return [row for row in ROW.finditer(PAGE.read_text()) if row["shown"] not in {"---", "shown by"}]


def is_there(name: str) -> bool:
    path, _, test = name.partition("::")
    if not test:
        return (FOLDER / f"{name}.scenario").is_file()
    file = TESTS / path
    return file.is_file() and f"def {test}(" in file.read_text()


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["suffered"][:40])
def test_what_shows_it_exists(row: re.Match[str]) -> None:
    names = re.findall(r"`([^`]+)`", row["shown"])
    assert [name for name in names if not is_there(name)] == []
    assert names or row["shown"] == "not covered yet"


def test_the_page_has_its_incidents_and_a_name_that_is_not_there_is_found() -> None:
    assert len(rows()) >= 40
    assert not is_there("no_such_scenario")
    assert not is_there("unit/core/test_rank.py::test_no_such_thing")


@pytest.mark.parametrize("path", files(), ids=lambda path: path.stem)
def test_a_scenario_begins_with_what_it_is_about(path: Path) -> None:
    said = heading(path)
    assert len(said) >= 30
    assert said.endswith((".", ".)")), "a heading is a sentence"
    assert not re.search(r"\b[FR][0-9]+\b", said), "say what happens instead of a number"
