"""`vipservice history`: what happened to this node, when, why, and how long each step took."""

import argparse
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from vipservice.adapters.journal import read_journal
from vipservice.cli import exit_codes
from vipservice.cli.asking import add_socket, ask
from vipservice.cli.exit_codes import CommandError, complain
from vipservice.config.settings import DEFAULT_STATE_DIRECTORY
from vipservice.runtime.history import KEPT, Forgetful, History

LATEST = 20

EXAMPLES = """\
examples:
  vipservice history
  vipservice history --group vip -n 5
  vipservice history --json | jq '.[] | select(.to == "active") | .phases'

The newest is last. The daemon is asked; where none answers, its file in the state directory is read.
A change of role begins with its id, which log (log.format: json), metrics (exemplars) and API have too.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How much of it, and in which form."""
    parser.add_argument("--group", metavar="NAME", help="only this group's (default: all)")
    parser.add_argument(
        "-n",
        "--limit",
        metavar="N",
        type=int,
        default=LATEST,
        help=f"the latest N entries (default: %(default)s; {KEPT} are kept)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print every detail, newest first, also what the election knew"
    )
    parser.add_argument(
        "--state",
        metavar="DIR",
        type=Path,
        default=DEFAULT_STATE_DIRECTORY,
        help="read it here where no daemon answers (default: %(default)s)",
    )
    add_socket(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Ask the daemon or its file, and print."""
    if arguments.limit < 1:
        raise CommandError(exit_codes.USAGE, f"--limit is {arguments.limit}: it must be at least 1")
    entries = _entries(arguments)
    if arguments.json:
        print(json.dumps(entries, indent=2))
        return exit_codes.OK
    for entry in reversed(entries):
        print("".join(c if c.isprintable() else "?" for c in _line(entry)))
    return exit_codes.OK


def _entries(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    request = {"command": "history", "limit": min(arguments.limit, KEPT)}
    if arguments.group is not None:
        request["group"] = arguments.group
    try:
        answer = ask(arguments.socket, request)
    except CommandError as error:
        return _from_file(arguments, error)
    entries: list[dict[str, Any]] = answer["history"]
    return entries


def _from_file(arguments: argparse.Namespace, error: CommandError) -> list[dict[str, Any]]:
    """What the last life left behind."""
    try:
        lines = read_journal(arguments.state)
    except OSError:
        raise error from None
    complain(f"vipservice: {error.sentence}; this is what it left in {arguments.state}:")
    kept = History(0, Forgetful(), lines)
    entries: list[dict[str, Any]] = json.loads(kept.to_json(arguments.group, arguments.limit))
    return entries


def _line(entry: dict[str, Any]) -> str:
    moment = datetime.fromisoformat(entry["time"]).astimezone()
    when = moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"
    if entry["event"] != "transition":
        return f"{when}  {entry['detail']}"
    turn = f"{entry['group']}: {entry['from']} -> {entry['to']}: {entry['detail']}"
    phases = ", ".join(_phases(entry))
    return f"{when}  {entry['id']}  {turn}" + (f"  ({phases})" if phases else "")


def _phases(entry: dict[str, Any]) -> Iterator[str]:
    for name, seconds in entry["phases"].items():
        yield f"{name} {1000 * seconds:.1f} ms"
