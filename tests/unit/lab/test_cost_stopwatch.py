"""The stopwatch charges each part for its own time, and nobody for what another part did inside it."""

import pytest

from vipservice.lab.cost.stopwatch import (
    BINDING,
    ELECTING,
    METHODS,
    READING,
    ROUND,
    WRITING,
    Stopwatch,
)


class Clock:
    """Goes on by what is asked for."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now

    def work(self, nanoseconds: int) -> str:
        self.now += nanoseconds
        return "done"


def test_a_part_within_a_part_is_charged_alone_and_the_outer_one_goes_on_after_it() -> None:
    clock = Clock()
    stopwatch = Stopwatch(clock)
    elect = stopwatch.timed(ELECTING, clock.work)

    def read() -> str:
        clock.work(5)
        elect(30)
        return clock.work(7)

    clock.work(100)
    assert stopwatch.timed(READING, read)() == "done"
    clock.work(1000)
    stopwatch.timed(BINDING, clock.work)(0)
    charged = {part: spent for part, spent in stopwatch.totals.items() if spent}
    assert charged == {ROUND: 1100, READING: 12, ELECTING: 30}


def test_a_part_that_fails_is_over_all_the_same() -> None:
    clock = Clock()
    stopwatch = Stopwatch(clock)

    def fail() -> None:
        clock.work(3)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stopwatch.timed(WRITING, fail)()
    clock.work(4)
    stopwatch.timed(BINDING, clock.work)(1)
    assert (stopwatch.totals[WRITING], stopwatch.totals[ROUND], stopwatch.totals[BINDING]) == (3, 4, 1)


def test_every_method_that_begins_a_part_is_there() -> None:
    assert all(callable(getattr(owner, name)) for _, owner, names in METHODS for name in names)
