"""`python -m vipservice.lab.playground`: the playground, or an order to one that runs."""

import argparse
import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

from vipservice.lab.namespaces import problem
from vipservice.lab.playground.orders import ORDERS, OrderError, send
from vipservice.lab.playground.stage import Stage, stamped
from vipservice.lab.prometheus import PROGRAM

RULES = (Path("grafana/rules/vipservice.yml"), Path("grafana/alerts/vipservice.yml"))
INTERRUPTED = 128 + signal.SIGINT


def main() -> int:
    """Parse the command line, do it, and say what was wrong in one sentence."""
    parser = argparse.ArgumentParser(prog="scripts/playground", description=__doc__)
    parser.add_argument("order", nargs="?", choices=ORDERS, help="what to do to the playground that runs")
    parser.add_argument("node", nargs="?", help="to which node (default: the one that owns the address)")
    arguments = parser.parse_args()
    try:
        if arguments.order:
            print(send(arguments.order, arguments.node))
            return os.EX_OK
        return _run()
    except OrderError as error:
        print(f"playground: {error}", file=sys.stderr)
        return os.EX_UNAVAILABLE
    except KeyboardInterrupt:
        return INTERRUPTED


def _run() -> int:
    if (reason := problem()) is not None:
        print(f"playground: it cannot run here: {reason}", file=sys.stderr)
        return os.EX_NOPERM
    if shutil.which(PROGRAM) is None:
        print("playground: it needs Prometheus: apt-get install prometheus", file=sys.stderr)
        return os.EX_UNAVAILABLE
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    with Stage(RULES) as stage:
        print("Starting three nodes and a Prometheus ...", flush=True)
        stage.start()
        print(stage.introduction(), flush=True)
        stage.watch(lambda line: print(stamped(line), flush=True))
    return os.EX_OK


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
