"""Every piece of configuration in the documents can be loaded, and every example too."""

import re
from pathlib import Path

import pytest

from vipservice.config.load import load, loads

BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DOCUMENTS = ("docs/checks.md", "docs/hooks.md")
SAMPLES = [(page, text) for page in DOCUMENTS for text in BLOCK.findall(Path(page).read_text())]


def test_there_are_samples() -> None:
    assert {page for page, _ in SAMPLES} == set(DOCUMENTS)


@pytest.mark.parametrize(("page", "text"), SAMPLES)
def test_a_sample_of_a_document_can_be_loaded(page: str, text: str) -> None:
    (group,) = loads(text, Path(page)).groups
    assert group.enabled
    assert group.checks or group.hooks


def test_the_example_for_clouds_can_be_loaded() -> None:
    settings = load(Path("examples/hooks/vipservice.yml"))
    assert not settings.notices
    assert Path("examples/hooks", Path(settings.groups[0].hooks[0].argv[0]).name).stat().st_mode & 0o111
