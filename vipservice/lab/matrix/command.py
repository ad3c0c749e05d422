"""The command line of the fault matrix."""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import Any

from vipservice.lab.matrix.picture import picture
from vipservice.lab.matrix.plan import TRIALS, Wish, estimate
from vipservice.lab.matrix.report import figures, markdown, well_known
from vipservice.lab.matrix.rows import ALL_NODES, CHAINS, EVENTS
from vipservice.lab.matrix.run import Run
from vipservice.lab.matrix.settings import BY_NAME, SETTINGS, Setting
from vipservice.lab.matrix.summary import MISSED, summaries
from vipservice.lab.matrix.trials import Journal, Trial
from vipservice.lab.namespaces import problem
from vipservice.lab.results import Record, load, save, take

JOURNAL = Path("build/matrix.jsonl")
PICTURE = Path("docs/matrix.svg")
QUICK = ("vipservice@100ms", "vipservice@10ms", "keepalived@1s", "keepalived@10ms", "ucarp@1s")
INTERRUPTED = 130
OURS_OWNED_TWICE = 1

DESCRIPTION = """\
Lets everything that can go wrong happen to vipservice, keepalived and ucarp, in network namespaces with
real daemons and kernels, while a client pings their address each millisecond and the kernels are asked who
owns it.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Play what is wanted, print the tables, write what was asked for."""
    words = parser()
    given = words.parse_args(arguments)
    try:
        wish = wished(given)
        _check_machine(wish, given.show)
    except ValueError as error:
        words.exit(os.EX_USAGE, f"matrix: {error}\n")
    kept: list[Trial] = []
    source = ""
    if given.missing:
        former = load("matrix")
        kept, source = well_known(former), former.provenance
        wish = replace(wish, done=frozenset((one.event, one.setting, one.nodes) for one in kept))
    journal = Journal(given.journal)
    interrupted = False
    if not given.show:
        given.journal.parent.mkdir(parents=True, exist_ok=True)
        if not given.resume:
            journal.begin()
            journal.append(kept)
        interrupted = _play(wish, journal)
    status = _report(journal, given, {"kept": [len(kept), source]} if kept else {})
    if interrupted:
        # Lanes may still be at work: the kernel takes their LANs away with this process.
        sys.stdout.flush()
        os._exit(INTERRUPTED)
    return status


def wished(given: argparse.Namespace) -> Wish:
    """What was asked for.

    Raises:
        ValueError: There is no such row or daemon.
    """
    events = frozenset().union(*map(_events, given.row)) if given.row else None
    names = given.daemon or (QUICK if given.quick else tuple(BY_NAME))
    settings = tuple(dict.fromkeys(one for name in names for one in _settings(name)))
    trials = given.trials or (1 if given.quick else TRIALS)
    nodes = tuple(given.nodes or (_fewest(events) if given.quick or given.row else ALL_NODES))
    exact = given.quick or bool(given.row and given.trials)
    return Wish(trials=trials, nodes=nodes, events=events, settings=settings, exact=exact)


def parser() -> argparse.ArgumentParser:
    """What can be asked for."""
    words = argparse.ArgumentParser(
        "matrix", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = words.add_argument
    add(
        "--row",
        action="append",
        metavar="EVENT",
        help="only this event and its chain; again for more",
    )
    add("--daemon", action="append", metavar="NAME[@PACE]", help=f"only this one: {', '.join(BY_NAME)}")
    add("--nodes", action="append", type=int, choices=ALL_NODES, help="only with so many nodes")
    add("--trials", type=_count, metavar="N", help=f"trials of each row (default: {TRIALS}; heals more)")
    add("--quick", action="store_true", help=f"one trial, two nodes, {', '.join(QUICK)}")
    add("--resume", action="store_true", help="go on where the journal ends")
    add(
        "--missing",
        action="store_true",
        help="only what the last record lacks, misses or could not judge; keep the rest of it",
    )
    add("--print", dest="show", action="store_true", help="play nothing, print what the journal has")
    add("--journal", type=Path, default=JOURNAL, metavar="FILE", help="default: %(default)s")
    add("--json", type=Path, metavar="FILE", help="write every figure and every trial")
    add("--record", action="store_true", help=f"write docs/results/matrix.json, {PICTURE}")
    return words


def _count(word: str) -> int:
    count = int(word)
    if count < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count


def _events(word: str) -> frozenset[str]:
    found = [chain for chain in CHAINS for event in chain.events if word.lower() in event.lower()]
    if not found:
        raise ValueError(f"there is no row {word!r}; there are: {'; '.join(EVENTS)}")
    return frozenset(event for chain in found for event in chain.events)


def _fewest(events: frozenset[str] | None) -> list[int]:
    """With how many nodes these can be played at least; all that two can play where nothing was chosen."""
    if events is None:
        return [min(ALL_NODES)]
    return sorted({min(chain.nodes) for chain in CHAINS if events & set(chain.events)})


def _settings(word: str) -> list[Setting]:
    found = [one for one in SETTINGS if word in {one.daemon, one.name}]
    if not found:
        raise ValueError(f"there is no daemon {word!r}; there are: {', '.join(BY_NAME)}")
    return found


def _check_machine(wish: Wish, show: bool) -> None:
    """Say why it cannot be, before anything is made."""
    if show:
        return
    if (reason := problem()) is not None:
        raise ValueError(f"it cannot run here: {reason}")
    others = {one.daemon for one in wish.settings if not one.ours}
    missing = sorted(tool for tool in (*others, "ip", "nft") if shutil.which(tool) is None)
    if missing:
        raise ValueError(f"{', '.join(missing)}: not installed; scripts/matrix installs them")


def _play(wish: Wish, journal: Journal) -> bool:
    """Play it; whether somebody ended it."""
    minutes = estimate(wish, journal.trials()) / 60
    _say(f"About {minutes:.0f} minutes, if nothing disturbs. Trials go to {journal.path}; --resume goes on.")
    run = Run(wish, journal, _say)
    try:
        with _interrupted_by_signals():
            run.perform()
    except KeyboardInterrupt:
        _say("ended; this is what there is")
        return True
    for failure in run.failures:
        _say(f"came to nothing once: {failure}")
    return False


def _report(journal: Journal, given: argparse.Namespace, more: dict[str, Any]) -> int:
    """Print the tables and write what was asked for; the exit code."""
    trials = journal.trials()
    if not trials:
        _say("There is not a single trial.")
        return os.EX_NOINPUT
    record = take("matrix", _typed(given), figures(trials) | more)
    _say(markdown(record))
    _write(record, given)
    ours = [one for one in summaries(trials) if one.verdict == MISSED and one.why.startswith("two owners")]
    return OURS_OWNED_TWICE if ours else os.EX_OK


def _write(record: Record, given: argparse.Namespace) -> None:
    if given.json is not None:
        given.json.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")
    if given.record:
        save(record)
        PICTURE.write_text(picture(record), encoding="utf-8")


def _typed(given: argparse.Namespace) -> str:
    """The command that gives such figures."""
    words = ["sudo scripts/matrix"]
    words += [f"--row '{row}'" for row in given.row or ()] + [
        f"--daemon {name}" for name in given.daemon or ()
    ]
    words += [f"--nodes {count}" for count in given.nodes or ()]
    words += [f"--trials {given.trials}"] if given.trials else []
    words += ["--quick"] if given.quick else []
    words += ["--missing"] if given.missing else []
    return " ".join(words)


@contextlib.contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end it as Ctrl-C does."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
