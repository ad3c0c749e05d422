"""`vipservice forget`: a node that will not come back is no lost redundancy."""

import argparse

from vipservice.cli.asking import add_socket, command

EXAMPLES = """\
example:
  vipservice forget node-c

Say it on every node that remembers it. A node that is alive is known again with its next advert.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whom."""
    parser.add_argument("node", metavar="NODE", help="the node's name or id")
    add_socket(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Ask the daemon to."""
    return command(arguments.socket, {"command": "forget", "node": arguments.node})
