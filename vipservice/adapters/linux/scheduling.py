"""Real-time scheduling: what keeps short intervals safe on a busy host (sched(7))."""

import os

_REALTIME = (os.SCHED_FIFO, os.SCHED_RR)


def become_realtime(priority: int) -> str | None:
    """Put this thread under SCHED_RR; None when it is real-time now, else a sentence that says why not.

    A policy that somebody gave us already (systemd's CPUSchedulingPolicy=) stays as it is. Threads and
    processes started later get the ordinary policy (SCHED_RESET_ON_FORK): they do no urgent work.
    """
    if os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK in _REALTIME:
        return None
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
    except (OSError, ValueError) as error:
        return f"no real-time scheduling at priority {priority}: {error}"
    return None
