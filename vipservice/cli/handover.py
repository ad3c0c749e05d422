"""`vipservice handover`: move the address to another node, without losing more than a packet or two."""

import argparse

from vipservice.cli.asking import HANDOVER_TIMEOUT, add_socket, command

EXAMPLES = """\
examples:
  vipservice handover                       to the best backup
  vipservice handover --to node-b           to this one
  vipservice handover --group 2             where this host has several groups

Only the node that holds the address can hand it over. It keeps it when no backup is ready.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which group, and to whom."""
    parser.add_argument("--to", metavar="NODE", help="the node's name or id (default: the best backup)")
    parser.add_argument("--group", metavar="N", type=int, help="the group's id (default: the only group)")
    add_socket(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Ask the daemon to."""
    request = {"command": "handover", "group": arguments.group, "to": arguments.to}
    asked = {key: value for key, value in request.items() if value is not None}
    return command(arguments.socket, asked, HANDOVER_TIMEOUT)
