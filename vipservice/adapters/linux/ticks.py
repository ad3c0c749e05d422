"""The kernel's tick clock, in which IFA_CACHEINFO stamps an address (hundredths of a second since boot).

It is jiffies, not CLOCK_MONOTONIC: both run at one rate, but jiffies begin later in the boot (0.125 s later
on the machine this was measured on, and more where memory takes long to set up). times(2) returns the same
jiffies, counted from 2**32/HZ - 300 seconds before the boot (see its manual page), so it can be compared
with a stamp to the hundredth.
"""

import os
import time

TICKS_PER_SECOND = 100
"""USER_HZ, the unit of both, whatever the kernel's own HZ."""

_WRAP = 2**32
"""A stamp is 32 bits: it begins anew after 497 days."""

_KERNEL_HZ = (24, 48, 64, 100, 128, 200, 250, 256, 300, 500, 512, 1000, 1024, 1200)
_RESOLUTION = 1
"""Both readings are cut to a whole tick, so that their difference is off by less than one."""


def kernel_hz(ticks_of_times: float, monotonic: float) -> int:
    """Find the kernel's HZ: the one whose epoch puts times(2) nearest to CLOCK_MONOTONIC.

    Args:
        ticks_of_times: What times(2) returned, in seconds.
        monotonic: CLOCK_MONOTONIC of the same moment, in seconds.
    """
    return min(_KERNEL_HZ, key=lambda hz: abs(ticks_of_times - _epoch(hz) - monotonic))


def _epoch(hz: int) -> float:
    """The reading of times(2) when jiffies began, in seconds."""
    return 2**32 / hz - 300


class TickClock:
    """Reads the kernel's jiffies in the unit and from the origin of IFA_CACHEINFO's stamps."""

    def __init__(self) -> None:
        hz = kernel_hz(os.times().elapsed, time.clock_gettime(time.CLOCK_MONOTONIC))
        self._epoch_ticks = round(_epoch(hz) * TICKS_PER_SECOND)

    def now(self) -> int:
        """Hundredths of a second since boot, modulo 2**32."""
        return (round(os.times().elapsed * TICKS_PER_SECOND) - self._epoch_ticks) % _WRAP


def lease_left(valid: int, stamp: int, before: int, after: int) -> float:
    """Seconds until the kernel removes an address, to the hundredth and never too many.

    The kernel reports whole seconds: the lifetime less the *completed* seconds since the stamp. So the
    lifetime is known again by adding those, and the exact age is taken off. Where the age is so near to a
    whole second that it can't be told whether the kernel had counted it, the lesser answer is given.

    Args:
        valid: ifa_valid as dumped, seconds.
        stamp: tstamp as dumped, ticks.
        before: The tick clock before the dump.
        after: The tick clock after it.
    """
    least_age = max(_since(stamp, before) - _RESOLUTION, 0)
    lifetime = valid + least_age // TICKS_PER_SECOND
    return max(lifetime - _since(stamp, after) / TICKS_PER_SECOND, 0.0)


def _since(stamp: int, now: int) -> int:
    """Ticks from `stamp` to `now`; a stamp that is a little in the future has the age 0."""
    age = (now - stamp) % _WRAP
    return age if age < _WRAP // 2 else 0
