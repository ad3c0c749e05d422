"""What processes take of the processor and of memory, in the scheduler's own nanoseconds (proc(5))."""

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from vipservice.lab.clock import now

NANOSECONDS = 1e9


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def resident(pid: int) -> float:
    """MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True, slots=True)
class Spent:
    """What a process and its descendants have had of the processor, all threads, up to a moment."""

    at: float
    seconds: float
    wakeups: int
    """How often one of its threads got a core."""

    def share_since(self, earlier: "Spent") -> float:
        """Per cent of one core."""
        return 100 * (self.seconds - earlier.seconds) / (self.at - earlier.at)

    def rate_since(self, earlier: "Spent") -> float:
        """Wake-ups a second."""
        return (self.wakeups - earlier.wakeups) / (self.at - earlier.at)


def spent(pid: int) -> Spent:
    """Up to now. Ticks (utime, stime) would be too coarse for a hundredth of a core."""
    threads = [
        thread.read_text().split()
        for one in family(pid)
        for thread in Path(f"/proc/{one}/task").glob("*/schedstat")
    ]
    seconds = sum(int(ran) for ran, _, _ in threads) / NANOSECONDS
    return Spent(now(), seconds, sum(int(slices) for _, _, slices in threads))
