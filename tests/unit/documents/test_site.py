"""The site: built as scripts/docs builds it, asks no other host; a broken link or a lost page fails it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.documents.samples import TOP

FETCHED = re.compile(r"""<(?:script|img|link|iframe|source)\b[^>]*?\b(?:src|href)=["']([^"']+)["']""")
IMPORTED = re.compile(r"""(?:url\(|@import\s+)["']?([^"')]+)""")

INDEX = """\
# Pages

## All

- [One](one.md): it is.
"""


def build(docs: Path, site: Path) -> "subprocess.CompletedProcess[str]":
    words = ("--quiet", "--fail-on-warning", "--keep-going", "-d", str(site.parent / "doctrees"))
    command = (sys.executable, "-m", "sphinx", *words, str(docs), str(site))
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = tmp_path_factory.mktemp("site") / "html"
    built = build(TOP / "docs", site)
    assert built.returncode == 0, built.stderr
    return site


def test_every_page_of_the_documents_is_there(site: Path) -> None:
    for page in (TOP / "docs").rglob("*.md"):
        assert (site / page.relative_to(TOP / "docs")).with_suffix(".html").exists(), page


def test_nothing_is_fetched_from_another_host(site: Path) -> None:
    asked = [found for page in site.rglob("*.html") for found in FETCHED.findall(page.read_text())]
    asked += [found for style in site.rglob("*.css") for found in IMPORTED.findall(style.read_text())]
    assert len(asked) > 100
    assert [url for url in asked if re.match(r"(?:[a-z]+:)?//", url)] == []


def test_a_diagram_is_a_picture_in_the_page_once_for_the_light_and_once_for_the_dark(site: Path) -> None:
    page = (site / "roles.html").read_text()
    assert page.count("<svg xmlns") >= 2
    assert page.count('class="only-light"') == page.count('class="only-dark"') == 1


def small_site(folder: Path, **pages: str) -> "subprocess.CompletedProcess[str]":
    """A site beside a repository with one folder, whose contents have the page `one`."""
    docs = folder / "docs"
    docs.mkdir(parents=True)
    (folder / "vipservice/core").mkdir(parents=True)
    shutil.copy(TOP / "docs/conf.py", docs)
    (docs / "index.md").write_text(INDEX)
    for name, text in pages.items():
        (docs / f"{name}.md").write_text(f"# {name}\n\n{text}\n")
    return build(docs, folder / "html")


def test_what_leads_somewhere_is_fine(tmp_path: Path) -> None:
    built = small_site(tmp_path, one="[x](index.md#all) [x](#one) [x](../vipservice/core)")
    assert (built.returncode, built.stderr) == (0, "")
    assert "<code" in (tmp_path / "html/one.html").read_text()


def test_each_thing_that_leads_nowhere_is_named_and_fails(tmp_path: Path) -> None:
    links = ("three.md", "#here", "index.md#there", "../vipservice/nothing.py")
    built = small_site(tmp_path, one="\n\n".join(f"[x]({link})" for link in links), two="Nobody knows me.")
    assert built.returncode != 0
    for named in ("three.md", "here", "there", "vipservice/nothing.py, which does not exist", "two.md"):
        assert named in built.stderr, built.stderr
