"""The one clock of an experiment: CLOCK_MONOTONIC, in seconds, the same in every process and namespace here.

Faults, the client's pings and the kernels' address events are all stamped with it, so their times subtract.
"""

import time
from collections.abc import Callable

POLL_PERIOD = 0.005
"""Seconds between two looks of `wait_until`."""


def now() -> float:
    """Seconds on the experiment's clock."""
    return time.monotonic()


def wait_until(happened: Callable[[], bool], timeout: float, what: str) -> float:
    """Look until it has happened; the seconds that took.

    Raises:
        TimeoutError: It has not happened within `timeout` seconds; says `what` was awaited.
    """
    began = now()
    while not happened():
        if now() - began > timeout:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(POLL_PERIOD)
    return now() - began
