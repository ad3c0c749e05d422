"""The manual pages are written from the code, and what is committed is what the code says now."""

import sys

import pytest

from vipservice.cli.main import COMMANDS
from vipservice.cli.reference.write import pages
from vipservice.config.sections import SECTIONS

HELP_OF = (3, 11)
"""argparse words its --help otherwise in later versions of Python; the committed page is of this one."""


@pytest.fixture(scope="module", name="written")
def _written() -> dict[str, str]:
    return {path.name: text for path, text in pages().items()}


@pytest.mark.skipif(sys.version_info[:2] != HELP_OF, reason="another Python words --help otherwise")
def test_the_committed_pages_are_in_step_with_the_code_or_scripts_pages_writes_them_again() -> None:
    for path, text in pages().items():
        assert path.read_text() == text, path


def test_every_command_has_its_help_in_the_manual(written: dict[str, str]) -> None:
    for name in COMMANDS:
        assert f"usage: vipservice {name}" in written["vipservice.8"].replace("\\", "")


def test_every_key_is_in_the_manual_with_what_is_allowed(written: dict[str, str]) -> None:
    page = written["vipservice.yml.5"].replace("\\(aq", "'").replace("\\", "")
    for section in SECTIONS:
        for key in section.keys:
            assert f"fB{key.name}fP\n" in page, key.name
            assert f"Allowed: {key.allowed}." in page, key.name


def test_the_pages_say_what_they_are_in_the_form_that_apropos_reads(written: dict[str, str]) -> None:
    assert "vipservice \\- a floating IP" in written["vipservice.8"]
    assert "vipservice.yml \\- the configuration" in written["vipservice.yml.5"]


def test_writing_leaves_the_width_of_the_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    wide = pages()
    monkeypatch.setenv("COLUMNS", "40")
    assert pages() == wide
