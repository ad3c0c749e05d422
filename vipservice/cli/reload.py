"""`vipservice reload`: like SIGHUP, but says what came of it."""

import argparse

from vipservice.cli.asking import HANDOVER_TIMEOUT, add_socket, command

EXAMPLES = """\
example:
  vipservice reload

A configuration that cannot be used changes nothing; the sentences say what is wrong with it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where."""
    add_socket(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Ask the daemon to."""
    return command(arguments.socket, {"command": "reload"}, HANDOVER_TIMEOUT)
