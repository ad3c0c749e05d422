"""The samples of the documents: every fenced block, and what its info string says it is.

The words after the backquotes name a kind (`console`, `yaml vipservice`), and for what is played on hosts a
place (`console both`). What cog writes between its markers is left out: `cog --check` compares that.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

TOP = Path(__file__).parents[3]
PAGES = ("README.md", "CONTRIBUTING.md", "grafana/README.md", "docs/**/*.md")
GENERATED = ("[[[cog", "[[[end]]]")

KINDS = frozenset(
    {
        "console",
        "haproxy",
        "hexdump",
        "ini sysctl",
        "javascript polkit",
        "json hook",
        "mermaid",
        "nginx",
        "python",
        "python embedding",
        "text",
        "yaml patroni",
        "yaml vipservice",
        "yaml web",
    }
)


@dataclass(frozen=True)
class Sample:
    """One block."""

    page: str
    line: int
    info: str
    text: str
    before: "Sample | None"
    """The block before it on the page."""

    @property
    def kind(self) -> str:
        """One of KINDS, or nothing."""
        words = self.info.split()
        return next((name for name in (" ".join(words[:2]), " ".join(words[:1])) if name in KINDS), "")

    @property
    def place(self) -> str:
        """Where it is played, in the tutorial; nothing elsewhere."""
        return self.info.removeprefix(self.kind).strip()

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {self.info}"


def documents() -> list[Path]:
    """Every page."""
    return sorted(path for pattern in PAGES for path in TOP.glob(pattern))


def samples_of(page: Path) -> list[Sample]:
    """The blocks of one page, indented ones too, in order."""
    text = page.read_text()
    generated = _generated_lines(text)
    found: list[Sample] = []
    for token in MarkdownIt("commonmark").parse(text):
        if token.type in ("fence", "code_block") and token.map is not None and token.map[0] not in generated:
            before = found[-1] if found else None
            name = str(page.relative_to(TOP))
            found.append(Sample(name, token.map[0] + 1, token.info.strip(), token.content, before))
    return found


def samples(*kinds: str) -> list[Sample]:
    """Those of some kinds on all pages; without a kind all of them."""
    return [one for one in _all_samples() if not kinds or one.kind in kinds]


@cache
def _all_samples() -> list[Sample]:
    return [one for page in documents() for one in samples_of(page)]


def _generated_lines(text: str) -> set[int]:
    inside, lines = False, set()
    for number, line in enumerate(text.splitlines()):
        inside = inside or GENERATED[0] in line
        if inside:
            lines.add(number)
        inside = inside and GENERATED[1] not in line
    return lines
