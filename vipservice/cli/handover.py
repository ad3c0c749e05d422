"""`vipservice handover`: move the address to another node, without losing more than a packet or two."""

import argparse

from vipservice.cli import exit_codes
from vipservice.cli.asking import HANDOVER_TIMEOUT, Answer, add_socket, ask, command
from vipservice.cli.waiting import add_wait, wait_until

EXAMPLES = """\
examples:
  vipservice handover                          to the best backup
  vipservice handover --to node-b              to this one
  vipservice handover --to node-b --wait 1m    once it is able to take over
  vipservice handover --force                  even where this node would have it back at once
  vipservice handover --group 2                where this host has several groups

Only the node that holds the address can hand it over, and it keeps it when no backup is ready: the sentence
says why each is not. A better node with 'failback: immediate' keeps it too, as it would have it back at
once: use maintenance instead. The command returns when the successor has been heard to hold the address.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which group, and to whom."""
    parser.add_argument("--to", metavar="NODE", help="the node's name or id (default: the best backup)")
    parser.add_argument("--group", metavar="N", type=int, help="the group's id (default: the only group)")
    parser.add_argument(
        "--force", action="store_true", help="even where 'failback: immediate' brings it back at once"
    )
    add_wait(parser, "where the successor is not able to take over, wait until it is")
    add_socket(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Ask the daemon to; again and again where that is wanted."""
    force = True if arguments.force else None  # an older daemon knows no such word
    request = {"command": "handover", "group": arguments.group, "to": arguments.to, "force": force}
    asked = {key: value for key, value in request.items() if value is not None}
    if arguments.wait is None:
        return command(arguments.socket, asked, HANDOVER_TIMEOUT)
    answer: Answer = {}

    def refused() -> str | None:
        answer.update(ask(arguments.socket, asked, HANDOVER_TIMEOUT))
        return None if answer.get("ok") else str(answer.get("detail", "refused"))

    wait_until(refused, arguments.wait)
    print(answer.get("detail", "done"))
    return exit_codes.OK
