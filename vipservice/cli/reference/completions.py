"""What completes our command line in a shell, made from the arguments that `--help` knows."""

import shtab

from vipservice.cli.main import COMMANDS, make_parser

SHELLS = ("bash", "zsh", "fish")


def completion(shell: str) -> str:
    """The script for one of them."""
    made: str = shtab.complete(make_parser(*COMMANDS), shell=shell)
    return "\n".join(line.rstrip() for line in made.splitlines()) + "\n"
