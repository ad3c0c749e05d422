"""The history's file: appended to, replaced whole, torn by a crash, refused by the disk."""

import stat
from pathlib import Path

import pytest

from vipservice.adapters.journal import FILE, FileJournal, read_journal


def write(directory: Path, *lines: str) -> FileJournal:
    journal = FileJournal(directory)
    for line in lines:
        journal.append(line)
    journal.close()
    return journal


def test_lines_outlive_the_process_in_order(tmp_path: Path) -> None:
    write(tmp_path / "state", "one", "two")
    journal = write(tmp_path / "state", "three")
    assert journal.earlier == ["one\n", "two\n"]
    assert read_journal(tmp_path / "state") == ["one\n", "two\n", "three\n"]


def test_the_file_is_the_services_own(tmp_path: Path) -> None:
    write(tmp_path / "state", "one")
    assert stat.S_IMODE((tmp_path / "state" / FILE).stat().st_mode) == 0o600


def test_after_a_line_that_a_crash_tore_a_new_one_begins(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("one\ntw")
    journal = write(tmp_path, "three", "four")
    assert journal.earlier == ["one\n", "tw"]
    assert read_journal(tmp_path) == ["one\n", "tw\n", "three\n", "four\n"]


def test_a_rewrite_takes_the_place_of_everything(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("one\ntw")
    journal = FileJournal(tmp_path)
    journal.append("two")
    journal.rewrite(["three", "four"])
    journal.append("five")
    journal.close()
    assert read_journal(tmp_path) == ["three\n", "four\n", "five\n"]


def test_a_disk_that_refuses_is_told_and_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the directory should be")
    journal = write(tmp_path / "state", "one")
    assert journal.problem is not None
    assert str(tmp_path / "state" / FILE) in journal.problem


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / FILE).symlink_to(tmp_path / "elsewhere")
    journal = write(tmp_path, "one")
    assert journal.problem is not None
    assert not (tmp_path / "elsewhere").exists()


def test_without_a_file_there_is_nothing_to_read(tmp_path: Path) -> None:
    assert write(tmp_path).earlier == []
    with pytest.raises(FileNotFoundError):
        read_journal(tmp_path)
