"""The clock that daemon and guard share: a lease is an absolute time on it."""

import time


def now() -> float:
    """Seconds since boot that never step.

    On macOS this is mach_continuous_time(3), which counts on while the machine sleeps; CLOCK_MONOTONIC counts
    on too there, but is made from the wall clock, by its microseconds (clock_gettime(3), Apple's libc).
    """
    return time.clock_gettime(time.CLOCK_MONOTONIC_RAW)
