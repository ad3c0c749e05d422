"""What the tests of real daemons share: the reason where there can be none, trials, a table of medians."""

from collections.abc import Sequence
from statistics import median

import pytest

from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.demo.play import Result, play
from vipservice.lab.demo.steps import QUIET, Step

_MEDIANS: list[str] = []

MOST_REPEATS = 6
"""Trials beyond those that are wanted, where the machine stands still during some."""


class Bench:
    """Trials of incidents on one cluster, and what they have in common."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.noise = 0.0
        """The longest gap with nothing happening, measured in this run."""

    def begin(self) -> None:
        """Start everything, and see what this machine does by itself."""
        self.cluster.start(*self.cluster.daemons)
        self.cluster.wait_until_whole()
        self.noise = play(QUIET, self.cluster).gap

    def trials(self, steps: Sequence[Step], times: int, repeats: int = MOST_REPEATS) -> list[list[Result]]:
        """Play the steps in a row until `times` of them were calm; the results of each step.

        A machine that stood still for longer than the down interval is a host that stood still: such a trial
        says nothing about the clock and is repeated, `repeats` times at most. Whatever the machine does,
        nobody may own the address twice, so that all results are returned.
        """
        rows: list[list[Result]] = [[] for _ in steps]
        calm = 0
        for _ in range(times + repeats):
            results = [self._play(step) for step in steps]
            for row, result in zip(rows, results, strict=True):
                row.append(result)
            calm += not any(result.disturbed for result in results)
            self.cluster.heal()
            self.cluster.wait_until_whole()
            if calm == times:
                break
        _MEDIANS.extend(_line(self.cluster.interval, row) for row in rows)
        return rows

    def _play(self, step: Step) -> Result:
        try:
            result = play(step, self.cluster, self.noise)
        except TimeoutError as error:
            pytest.fail(f"{step.event}: {error}\n{self.cluster.report()}")
        if result.disturbed:
            return result
        assert result.fate_held, f"{step.event}: not {step.fate.value}: {result}\n{self.cluster.report()}"
        if result.bar == 0:
            assert result.lost == 0, f"{result}\n{self.cluster.report()}"
        return result


def held(results: Sequence[Result]) -> bool:
    """Whether the median holds the bar; what it may exceed it by is `Result.allowed`'s rule.

    Where the machine let no trial be calm there is nothing to judge, and the summary says so.
    """
    allowed = results[0].allowed
    assert allowed is not None
    calm = [result.gap for result in results if not result.disturbed]
    if not calm:
        note(f"{results[0].event}: NOT JUDGED, the machine stood still in each of {len(results)} trials")
        return True
    return bool(results[0].bar == 0 or median(calm) <= allowed)


def shown(results: Sequence[Result]) -> str:
    """The trials as one line, for a failed assertion."""
    gaps = " ".join(f"{1000 * result.gap:.1f}({1000 * result.raw_gap:.1f})" for result in results)
    bar, noise = 1000 * (results[0].bar or 0), 1000 * results[0].noise
    return f"{results[0].event}: gaps {gaps} ms, bar {bar:g} ms, noise {noise:.1f} ms"


def never_two(results: Sequence[Result]) -> bool:
    """Whether in no trial two kernels of one broadcast domain had the address."""
    return all(result.most <= 1 for result in results)


def note(line: str) -> None:
    """A figure for the summary."""
    _MEDIANS.append(line)


def _line(interval: str, played: Sequence[Result]) -> str:
    row = [result for result in played if not result.disturbed] or played
    bar = row[0].bar
    gap = 1000 * median(r.gap for r in row)
    return (
        f"{row[0].event:28} at {interval:>5}: median {gap:7.1f} ms of {len(row)}"
        f" (with the client's own pauses {1000 * median(r.raw_gap for r in row):.1f}),"
        f" lost {median(r.lost for r in row):g}, bar {'-' if bar is None else f'{1000 * bar:g} ms'},"
        f" noise {1000 * row[0].noise:.1f}, {len(played) - len(row)} more were disturbed"
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _MEDIANS:
        terminalreporter.section("longest gaps, as the client saw them")
        for line in _MEDIANS:
            terminalreporter.write_line(line)
