"""`vipservice demo`: the main job on this machine, with real daemons on a private network."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from vipservice.cli import exit_codes
from vipservice.cli.exit_codes import CommandError
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.demo.report import Report, to_json
from vipservice.lab.demo.run import perform
from vipservice.lab.demo.show import Lines, Screen, Show
from vipservice.lab.namespaces import problem
from vipservice.lab.owners import EventsLostError

INTERVALS = ("100ms", "10ms", "5ms", "2ms")
"""Those for which there are bars."""

TOOLS = {"ip": "iproute2", "nft": "nftables", "mount": "mount", "cat": "coreutils"}
"""What the lab executes, and the package it is in."""

OWNED_TWICE = 1
BROKEN_PIPE = 128 + signal.SIGPIPE

EXAMPLES = """\
It makes three nodes and a client in network namespaces of their own, joined by a bridge; no packet leaves the
machine. On each node runs the real 'vipservice run'. The client pings their address each millisecond while
  - the nodes start, one first and alone
  - an operator hands the address over
  - the daemon that holds it is killed (-9) and restarted; killed and not restarted
  - it hangs (-STOP), and goes on (-CONT)
  - a firewall blocks the adverts of the node that holds it, and is removed
  - the host that holds it dies, and returns
Then a table shows for each what the client saw, how many kernels had the address at once, and the reason that
the nodes gave. It takes less than a minute and leaves nothing behind, however it ends.

examples:
  sudo vipservice demo
  sudo vipservice demo --interval 10ms
  sudo vipservice demo --json result.json --svg table.svg

Exit code 0: nobody ever owned the address twice. 1: somebody did. 70: something did not happen that should
have. 77: no root, or no network namespaces. A bar that was missed is shown and is no error: bars are for the
median of several runs on a quiet machine.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The pace, and where the results go."""
    parser.add_argument(
        "--interval",
        choices=INTERVALS,
        default=INTERVALS[0],
        help="time between adverts (default: %(default)s)",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write every figure to this file")
    parser.add_argument("--svg", metavar="FILE", type=Path, help="write a picture of the table to this file")


def execute(arguments: argparse.Namespace) -> int:
    """Perform it, and say how it went."""
    _check_machine()
    try:
        with _ended_by_signals():
            report = _perform(arguments.interval)
            _write(arguments.json, lambda: json.dumps(to_json(report), indent=2) + "\n")
            _write(arguments.svg, lambda: _picture(report))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return exit_codes.OK if report.safe else OWNED_TWICE


def _check_machine() -> None:
    """Say why it cannot be, before anything is made."""
    missing = sorted(package for tool, package in TOOLS.items() if shutil.which(tool) is None)
    if (reason := problem()) is not None:
        raise CommandError(exit_codes.NOPERM, f"the demo cannot run here: {reason}")
    if missing:
        hint = f"apt-get install {' '.join(missing)}"
        raise CommandError(exit_codes.UNAVAILABLE, f"the demo needs {', '.join(missing)}", hint)


def _perform(interval: str) -> Report:
    show: Show = Screen() if sys.stdout.isatty() else Lines()
    try:
        with Cluster(interval=interval) as cluster, show.of(cluster):
            report = perform(cluster, show.announce)
    except (TimeoutError, EventsLostError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise CommandError(os.EX_SOFTWARE, f"the demo did not come to its end: {error}") from error
    show.end(report)
    return report


def _picture(report: Report) -> str:
    from vipservice.lab.demo.screen import picture  # noqa: PLC0415 - only who asks for it pays for drawing

    return picture(report)


def _write(path: Path | None, make: Callable[[], str]) -> None:
    if path is None:
        return
    try:
        path.write_text(make(), encoding="utf-8")
    except OSError as error:
        raise CommandError(exit_codes.CANTCREAT, f"{path} cannot be written: {error.strerror}") from error


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Leave by the front door on SIGTERM and SIGHUP: it gives the terminal back as it was.

    Against SIGKILL nothing is needed: the kernel frees the namespaces with the process that made them.
    """

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
