"""`vipservice maintenance`: let this node hand over and stay out, also after a restart, until it is over."""

import argparse
import sys

from vipservice.cli import exit_codes
from vipservice.cli.asking import Answer, add_socket, ask
from vipservice.cli.exit_codes import CommandError
from vipservice.cli.waiting import add_wait, wait_until

EXAMPLES = """\
examples:
  vipservice maintenance on                 hand over what this node holds, and take nothing over
  vipservice maintenance on --wait          the same, and return when another node holds the address
  vipservice maintenance on --group 2       only this group
  vipservice maintenance off --wait         take part again, and return when the others know

It is remembered in the state directory, so that a restart changes nothing. The last node that can serve keeps
the address until another one can, and says so; stopping it leaves nobody.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """On or off, and for which group."""
    parser.add_argument("switch", choices=("on", "off"), help="stay out, or take part again")
    parser.add_argument("--group", metavar="N", type=int, help="the group's id (default: the whole node)")
    add_wait(parser, "return when another node holds the address (off: when the others know)")
    add_socket(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Ask the daemon to, and wait where that is wanted."""
    on = arguments.switch == "on"
    request = {"command": "maintenance", "on": on}
    answer = ask(
        arguments.socket, request if arguments.group is None else {**request, "group": arguments.group}
    )
    if not answer.get("ok"):
        raise CommandError(exit_codes.UNAVAILABLE, str(answer.get("detail", "refused")))
    for sentence in str(answer.get("detail", "done")).splitlines():
        first = sentence.removeprefix("warning: ")
        print(first, file=sys.stdout if first == sentence else sys.stderr)
    if arguments.wait is not None:
        missing = _still_here if on else _not_back
        wait_until(lambda: missing(_groups(arguments)), arguments.wait)
    return exit_codes.OK


def _groups(arguments: argparse.Namespace) -> list[Answer]:
    groups = ask(arguments.socket, {"command": "status"})["groups"]
    return [group for group in groups if arguments.group in {None, group["id"]}]


def _still_here(groups: list[Answer]) -> str | None:
    """Which address has not found another node yet, and why."""
    for group in groups:
        if group["role"] == "active":
            reasons = [
                f"{node['name']} {node['unfit_because']}" for node in group["nodes"] if node["unfit_because"]
            ]
            return f"{group['name']} is still here: {'; '.join(reasons) or 'no other node is known'}"
        if group["owner"] is None:
            return f"{group['name']}: no other node holds the address yet"
    return None


def _not_back(groups: list[Answer]) -> str | None:
    """Which group does not take part yet, or not as far as the others know."""
    for group in groups:
        if group["role"] not in {"active", "backup"}:
            return f"{group['name']} is in {group['role']}: {group['detail']}"
        for node in group["nodes"]:
            if node["living"] and node["hears_us_ago"] is None:
                return f"{group['name']}: {node['name']} has not heard this node yet"
    return None
