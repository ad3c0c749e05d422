"""The program behind scripts/planted-bugs."""

# ruff: noqa: T201 - a program speaks by print

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from tests.planted.bug import Bug, BugError, all_bugs
from tests.planted.report import NAME, figures_of, line_of, with_kept
from tests.planted.trial import (
    PARTS,
    Trial,
    UnfairError,
    copy_of_checkout,
    end_all,
    failures,
    put_on_trial,
)
from vipservice.lab.results import load, save, take


def main() -> int:
    """Put every bug (or those named) on trial; 1 when one survives."""
    asked = _arguments().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("planted-bugs: stopped"))
    try:
        kept = _kept() if asked.missing else {}
        bugs = _chosen([bug for bug in all_bugs() if bug.name not in kept], asked.only)
        if asked.list:
            print("\n".join(f"{bug.name}: {bug.breaks} ({bug.file})" for bug in bugs))
            return 0
        if asked.record and len(bugs) + len(kept) < len(all_bugs()):
            raise UnfairError("--record keeps every bug: without --only, and as root on Linux")
        if not asked.no_baseline:
            _need_green_baseline()
        trials = _all_trials(bugs, asked.jobs, asked.all)
    except (BugError, UnfairError) as problem:
        sys.exit(f"planted-bugs: {problem}")
    survivors = [trial.bug.name for trial in trials if trial.survived]
    _say(f"\n{len(trials)} bugs, {len(trials) - len(survivors)} caught.")
    if asked.record:
        options = " --missing" * asked.missing + " --all" * asked.all
        figures = with_kept(figures_of(trials, asked.all), kept, [bug.name for bug in all_bugs()])
        record = take(NAME, f"scripts/planted-bugs --record{options}", figures)
        _say(f"Written to {save(record)}; now run scripts/pages")
    if survivors:
        _say(f"SURVIVED: {'; '.join(survivors)}")
    return 1 if survivors else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="planted-bugs")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="bugs with NAME in theirs"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument("--all", action="store_true", help="ask the whole suite, not until a part fails")
    parser.add_argument("--record", action="store_true", help="keep the result for docs/reliability.md")
    parser.add_argument(
        "--missing", action="store_true", help="only what the last record lacks or saw survive; keep the rest"
    )
    parser.add_argument("--no-baseline", action="store_true", help="don't run the suite without a bug first")
    parser.add_argument("--list", action="store_true", help="say what there is, and try nothing")
    return parser


def _kept() -> dict[str, dict[str, Any]]:
    """What the last record says of the bugs that were caught and are there still."""
    names = {bug.name for bug in all_bugs()}
    recorded = load(NAME).figures["bugs"]
    return {one["name"]: one for one in recorded if one["catchers"] and one["name"] in names}


def _chosen(bugs: Sequence[Bug], names: Sequence[str]) -> list[Bug]:
    chosen = [bug for bug in bugs if not names or any(name in bug.name for name in names)]
    if not chosen:
        raise BugError(f"no bug is called {' or '.join(names)}; --list shows all")
    left_out = [] if _live_tests_run() else [bug for bug in chosen if bug.live]
    for bug in left_out:
        _say(f"left out  {bug.name}: only live tests see it, and they need Linux and root")
    return [bug for bug in chosen if bug not in left_out]


def _live_tests_run() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0


def _need_green_baseline() -> None:
    """A suite that fails without a bug catches nothing."""
    with copy_of_checkout() as copy:
        failed = failures(copy, PARTS)
    if failed:
        raise UnfairError(f"without any bug {len(failed)} tests fail, the first is {failed[0]}")
    _say("Without a bug nothing fails.")


def _all_trials(bugs: Sequence[Bug], jobs: int, every_part: bool) -> list[Trial]:
    """Try them side by side; told as they end, returned in the order given."""
    trials: dict[str, Trial] = {}
    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(put_on_trial, bug, every_part) for bug in bugs]
        try:
            for done in as_completed(waiting):
                trial = done.result()
                trials[trial.bug.name] = trial
                _say(line_of(trial))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            end_all()
            raise
    return [trials[bug.name] for bug in bugs]


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
