"""What is left of a lease, reckoned from whole seconds and a stamp."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipservice.adapters.linux.ticks import TickClock, kernel_hz, lease_left

WRAP = 2**32


@pytest.mark.parametrize("hz", [100, 250, 300, 1000])
@pytest.mark.parametrize("uptime", [0.5, 3600.0, 400 * 86400.0])
@pytest.mark.parametrize("later", [0.0, 0.125, 9.0])
def test_the_kernels_hz_is_found_from_the_epoch_of_times(hz: int, uptime: float, later: float) -> None:
    assert kernel_hz(2**32 / hz - 300 + uptime, uptime + later) == hz


def test_the_tick_clock_runs_beside_the_monotonic_one() -> None:
    clock = TickClock()
    monotonic = time.clock_gettime(time.CLOCK_MONOTONIC)
    assert abs(clock.now() / 100 - monotonic % (WRAP / 100)) < 60


@given(
    lease=st.integers(1, 60),
    true_age=st.floats(0, 59.999),
    stamped_at=st.floats(0, WRAP / 100 - 1),
    reading=st.floats(0, 0.005),
)
def test_the_answer_is_never_too_much_and_at_most_a_second_too_little(
    lease: int, true_age: float, stamped_at: float, reading: float
) -> None:
    true_left = lease - true_age
    if true_left <= 0:
        return
    # As the kernel does it: the stamp cut to hundredths, the age in whole seconds.
    valid = lease - int(true_age)
    stamp = int(stamped_at * 100) % WRAP
    before = int((stamped_at + true_age) * 100) % WRAP
    after = int((stamped_at + true_age + reading) * 100) % WRAP
    answer = lease_left(valid, stamp, before, after)
    assert answer <= true_left + 0.011
    assert answer >= true_left - reading - 1.021
    if 0.02 < true_age % 1 < 0.98 or true_age < 0.98:
        assert answer >= true_left - reading - 0.021


def test_a_stamp_that_wrapped_and_one_in_the_future_are_understood() -> None:
    assert lease_left(3, WRAP - 50, 49, 50) == pytest.approx(2.0)
    assert lease_left(3, 1001, 1000, 1000) == pytest.approx(3.0)


def test_a_lapsed_lease_has_nothing_left() -> None:
    assert lease_left(0, 1000, 1350, 1350) == 0.0
