"""Writes the manual pages and the completions; `scripts/pages` calls it at the top of a checkout."""

from pathlib import Path

from docutils.core import publish_string

from vipservice.cli.reference.completions import SHELLS, completion
from vipservice.cli.reference.manual import command_page, configuration_page

FOLDER = Path("packaging/man")
COMPLETIONS = Path("packaging/completions")


def pages() -> dict[Path, str]:
    """What is written, and where: what man(1) takes, and what shells do."""
    return {
        **{COMPLETIONS / f"vipservice.{shell}": completion(shell) for shell in SHELLS},
        FOLDER / "vipservice.8": _roff(command_page()),
        FOLDER / "vipservice.yml.5": _roff(configuration_page()),
    }


def _roff(text: str) -> str:
    strict = {"report_level": 2, "halt_level": 2}
    made = publish_string(text, writer="manpage", settings_overrides=strict).decode()
    # The first line names the generator's version: with another one every page would look changed.
    return "\n".join(line for line in made.splitlines() if not line.startswith('.\\" ')) + "\n"


def main() -> None:
    """Write them all."""
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
