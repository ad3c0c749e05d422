"""`vipservice status`: who holds the address, since when, and why; once, or for as long as you look."""

import argparse
import json
import sys

from vipservice.cli import exit_codes
from vipservice.cli.asking import Answer, add_socket, ask
from vipservice.cli.status_tables import (
    COLUMNS,
    NODE_COLUMNS,
    Row,
    group_rows,
    heading,
    node_rows,
    plans,
    printable,
    sentences,
)
from vipservice.cli.status_watch import watch
from vipservice.config.durations import DurationError, parse_duration

SHORTEST, LONGEST = 0.1, 3600.0

EXAMPLES = """\
examples:
  vipservice status
  vipservice status --watch            a screen that keeps itself fresh; Ctrl-C ends
  vipservice status --watch | tee log  a line for each change
  vipservice status --json | jq '.groups[].owner'

Exit code 0, or 69 when the daemon is not running.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How it is shown, and whom to ask."""
    parser.add_argument("--json", action="store_true", help="print everything the daemon knows, for programs")
    parser.add_argument(
        "--watch",
        metavar="PERIOD",
        nargs="?",
        const=1.0,
        type=_period,
        help="show it again and again, each PERIOD (default: 1s); in a pipe: what changes, line by line",
    )
    add_socket(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Ask the daemon and print its answer."""
    if arguments.watch is not None:
        return watch(arguments.socket, arguments.watch, as_json=arguments.json)
    status = ask(arguments.socket, {"command": "status"})
    if arguments.json:
        print(json.dumps(status, indent=2))
    else:
        show(status)
    return exit_codes.OK


def show(status: Answer) -> None:
    """Tables: drawn in a terminal, aligned by blanks elsewhere."""
    print(printable(heading(status)))
    table = _draw if sys.stdout.isatty() else _align
    if groups := group_rows(status):
        table(COLUMNS, groups)
    if nodes := node_rows(status):
        print()
        table(NODE_COLUMNS, nodes)
    for sentence in sentences(status):
        print(printable(f"! {sentence}"))
    for sentence in plans(status):
        print(printable(sentence))


def _align(columns: Row, rows: list[Row]) -> None:
    table = [columns, *(tuple(map(printable, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _draw(columns: Row, rows: list[Row]) -> None:
    # Rich costs 60 ms, and only a terminal has use for it.
    from rich.console import Console  # noqa: PLC0415 - see above

    from vipservice.cli.status_screen import table  # noqa: PLC0415 - see above

    console = Console()
    console.print(table(columns, rows, console.width))


def _period(text: str) -> float:
    try:
        period = parse_duration(text)
    except DurationError as error:
        raise argparse.ArgumentTypeError(f"found {text!r}, {error}; allowed: 100ms to 1h") from error
    if not SHORTEST <= period <= LONGEST:
        raise argparse.ArgumentTypeError(f"found {text!r}; allowed: 100ms to 1h")
    return period
