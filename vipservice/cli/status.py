"""`vipservice status`: who holds the address, since when, and why."""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from vipservice.cli import exit_codes
from vipservice.cli.asking import Answer, add_socket, ask

EXAMPLES = """\
examples:
  vipservice status
  vipservice status --json | jq '.groups[].owner'

Exit code 0, or 69 when the daemon is not running.
"""

COLUMNS = ("GROUP", "ROLE", "FOR", "ADDRESS", "INTERFACE", "OWNER", "WHY")
NODE_COLUMNS = ("NODE", "GROUP", "ROLE", "PRIORITY", "HEARD", "HEARS US", "ADDRESS")

Rows = list[tuple[str, ...]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How it is shown, and whom to ask."""
    parser.add_argument("--json", action="store_true", help="print everything the daemon knows, for programs")
    add_socket(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Ask the daemon and print its answer."""
    status = ask(arguments.socket, {"command": "status"})
    if arguments.json:
        print(json.dumps(status, indent=2))
    else:
        show(status)
    return exit_codes.OK


def show(status: Answer) -> None:
    """Tables: drawn in a terminal, aligned by blanks elsewhere."""
    print(printable(f"{status['name']}, vipservice {status['version']}, up for {ago(status['up_for'])}"))
    table = _draw if sys.stdout.isatty() else _align
    if groups := status["groups"]:
        table(COLUMNS, [_group_row(group) for group in groups])
    nodes = [_node_row(group, node) for group in groups for node in group["nodes"]]
    if nodes:
        print()
        table(NODE_COLUMNS, nodes)
    for sentence in _sentences(status):
        print(printable(f"! {sentence}"))


def _group_row(group: dict[str, Any]) -> tuple[str, ...]:
    addresses = ", ".join(_address(group, one) for one in group["addresses"])
    row = (group["name"], group["role"], ago(group["since_ago"]), addresses, group["interface"])
    return (*row, group["owner"] or "nobody", group["detail"])


def _address(group: dict[str, Any], one: dict[str, Any]) -> str:
    """The address, with a word where kernel and role disagree."""
    if group["role"] == "active" and not one["bound"]:
        return f"{one['address']} (not bound)"
    if group["role"] != "active" and one["bound"]:
        return f"{one['address']} (bound)"
    return str(one["address"])


def _node_row(group: dict[str, Any], node: dict[str, Any]) -> tuple[str, ...]:
    heard = ago(node["heard_ago"]) if node["living"] else f"silent for {ago(node['heard_ago'])}"
    role = node["role"] if node["fit"] else f"{node['role']} (unfit)"
    places = (node["name"], group["name"], role, str(node["priority"]), heard)
    return (*places, ago(node["hears_us_ago"]), node["address"])


def _sentences(status: Answer) -> Iterator[str]:
    """What deserves a look."""
    if not status["groups"] and not status["waiting"]:
        yield "no floating address is enabled"
    for group in status["groups"]:
        for kind, detail in group["conditions"].items():
            yield f"{group['name']}: {kind.replace('_', ' ')}: {detail}"
    yield from status["waiting"]
    yield from status["problems"]
    if not status["reload"]["ok"]:
        yield "the last reload failed; the configuration before it is in force"


def ago(seconds: float | None) -> str:
    """A duration as people say it, in its two largest units."""
    if seconds is None:
        return "never"
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, left = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {left}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h {minutes}m"
    return f"{hours // 24}d {hours % 24}h"


def printable(text: str) -> str:
    """Without control characters: names of nodes come from the network."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _align(columns: tuple[str, ...], rows: Rows) -> None:
    table = [columns, *(tuple(map(printable, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _draw(columns: tuple[str, ...], rows: Rows) -> None:
    # Rich costs 60 ms, and only a terminal has use for it.
    from rich.console import Console  # noqa: PLC0415 - see above
    from rich.table import Table  # noqa: PLC0415 - see above
    from rich.text import Text  # noqa: PLC0415 - see above

    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    styles = {"active": "green", "fault": "red", "probing": "yellow"}
    for row in rows:
        table.add_row(*(Text(printable(cell), style=styles.get(cell, "")) for cell in row))
    Console().print(table)
