"""How Sphinx makes the site of these pages; `scripts/docs` calls it.

The pages are CommonMark that reads well on a forge, so nothing in them is Sphinx's: the contents of the site
are the lists of index.md, diagrams are Mermaid's text, and links out of docs/ name files of the repository.
Each is turned into what Sphinx wants here.
"""

import re
from os.path import normpath
from pathlib import Path

from docutils import nodes
from mermaid_render import mermaid_to_svg
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from vipservice import __version__

DOCS = Path(__file__).parent
LIST_OF_PAGES = "index"
DECISIONS = "decisions/README"

SECTION = re.compile(r"^## (?P<title>.+)\n(?P<body>(?:(?!^## ).*\n?)*)", re.MULTILINE)
PAGE = re.compile(r"^- \[[^]]*\]\((?P<page>[^)#:]+)\.md\)", re.MULTILINE)
LINK = re.compile(r"\[(?P<text>[^]]*)\]\((?P<target>(?:\.\./)+[^)#\s]+)(?:#[^)\s]*)?\)")
WIDE = '<div class="{shown}" style="overflow-x: auto">{drawn}</div>'
"""A picture that is wider than a phone is moved under the thumb, like a table."""
TOCTREE = "```{{toctree}}\n{options}\n{pages}\n```\n"

project = "vipservice"
version = release = __version__
copyright = "the authors of vipservice"  # noqa: A001 - Sphinx's name for it
extensions = ["myst_parser"]
root_doc = LIST_OF_PAGES
source_suffix = {".md": "markdown"}
exclude_patterns = ["results", "pictures"]
nitpicky = True

myst_heading_anchors = 3
myst_fence_as_directive = ["mermaid"]

html_theme = "furo"
html_title = f"vipservice {__version__}"
html_copy_source = False
html_show_copyright = False
html_theme_options = {"navigation_with_keys": True}

log = logging.getLogger(__name__)


class Diagram(SphinxDirective):
    """Mermaid's text, drawn once for a light page and once for a dark one."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Both pictures; the theme's classes show one of them."""
        text = "\n".join(self.content)
        return [
            nodes.raw("", WIDE.format(shown=shown, drawn=self._drawn(text, theme)), format="html")
            for shown, theme in (("only-light", "neutral"), ("only-dark", "dark"))
        ]

    def _drawn(self, text: str, theme: str) -> str:
        svg: str = mermaid_to_svg(text, theme=theme).decode()
        return svg


def make_contents(_app: Sphinx, page: str, source: list[str]) -> None:
    """The lists of the first page are the site's menu; a page that none of them has fails the build."""
    if page == LIST_OF_PAGES:
        for section in SECTION.finditer(source[0]):
            pages = PAGE.findall(section["body"])
            source[0] += TOCTREE.format(
                options=f":hidden:\n:caption: {section['title']}\n", pages="\n".join(pages)
            )
    elif page == DECISIONS:
        source[0] += TOCTREE.format(options=":glob:\n:maxdepth: 1\n", pages="0*")


def name_files(_app: Sphinx, page: str, source: list[str]) -> None:
    """A link to a file beside docs/ becomes its name: the site has no copy of the repository."""
    folder = (DOCS / page).parent

    def named(link: re.Match[str]) -> str:
        path = Path(normpath(folder / link["target"]))
        if path.is_relative_to(DOCS):
            return link[0]
        name = str(path.relative_to(DOCS.parent))
        if not path.exists():
            log.warning("%s has a link to %s, which does not exist", page, name)
        return f"`{name}`" if link["text"].strip("`") == name else f"{link['text']} (`{name}`)"

    source[0] = LINK.sub(named, source[0])


def setup(app: Sphinx) -> None:
    """What Sphinx calls first."""
    app.add_directive("mermaid", Diagram)
    for language in ("haproxy", "hexdump"):  # Pygments has none, or one that knows no comments
        app.add_lexer(language, TextLexer)
    app.connect("source-read", make_contents)
    app.connect("source-read", name_files)
