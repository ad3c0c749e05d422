"""Prints what completes our command line in a shell, made from the arguments that `--help` knows.

Called when a package is built: `python -m vipservice.cli.reference.completions bash`.
"""

import sys

import shtab

from vipservice.cli.main import COMMANDS, make_parser


def text(shell: str) -> str:
    """The script for bash, zsh or fish."""
    return shtab.complete(make_parser(*COMMANDS), shell=shell)


if __name__ == "__main__":
    print(text(sys.argv[1]))
