"""How late this machine is by itself: a real-time process that does nothing but sleep. Run by its path.

usage: noise.py PRIORITY END...

It sleeps a millisecond at a time under SCHED_RR with PRIORITY (as an ordinary process where that is 0),
and counts by how much each sleep was too long in buckets with these upper ENDs (seconds, ascending). A byte
on standard input is answered by a line of JSON: `worst` in seconds and `late`, the counts of each bucket and
of what was longer than all. Its end is ours. Standard library only.
"""

import bisect
import contextlib
import json
import os
import select
import sys
import time

PERIOD = 0.001


def measure(ends: list[float]) -> None:
    """Sleep, count, answer, until standard input ends."""
    late = [0] * (len(ends) + 1)
    worst = 0.0
    poll = select.epoll()
    poll.register(0, select.EPOLLIN)
    while True:
        began = time.monotonic()
        time.sleep(PERIOD)
        excess = time.monotonic() - began - PERIOD
        worst = max(worst, excess)
        late[bisect.bisect_left(ends, excess)] += 1
        if poll.poll(0):
            if not os.read(0, 64):
                return
            os.write(1, json.dumps({"worst": worst, "late": late}).encode() + b"\n")


def main() -> None:
    """Read the arguments and measure."""
    priority = int(sys.argv[1])
    if priority:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))
    measure([float(end) for end in sys.argv[2:]])


if __name__ == "__main__":
    main()
