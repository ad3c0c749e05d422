"""What each scenario is about, from the comment at its head, for the page of incidents."""

from pathlib import Path

FOLDER = Path(__file__).parent


def files() -> list[Path]:
    """Every scenario, by name."""
    return sorted(FOLDER.glob("*.scenario"))


def heading(path: Path) -> str:
    """The comment with which the file begins, as one paragraph."""
    words: list[str] = []
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            break
        words += line.lstrip("#").split()
    return " ".join(words)


def markdown() -> str:
    """A list of all scenarios with their headings."""
    return "".join(
        f"- [`{path.stem}`](../tests/scenarios/{path.name}): {heading(path)}\n" for path in files()
    )
