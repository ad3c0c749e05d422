"""A process that takes memory, gives it back, and reads a file through the page cache. Run by its path.

usage: hogging.py ANONYMOUS CACHED

Over and over it touches ANONYMOUS bytes of fresh memory, lets them go, and reads a file of CACHED bytes that
is all holes: no disk is written, but each page of it must find room. Ends with its parent. Standard library.
"""

import ctypes
import mmap
import os
import signal
import sys
import tempfile

PAGE = mmap.PAGESIZE
CHUNK = 1 << 20
PR_SET_PDEATHSIG = 1


def hog(anonymous: int, cached: int) -> None:
    """Take, give back, read, for ever."""
    with tempfile.TemporaryFile() as file:
        file.truncate(cached)
        while True:
            with mmap.mmap(-1, anonymous) as taken:
                for at in range(0, anonymous, PAGE):
                    taken[at] = 1
            file.seek(0)
            while file.read(CHUNK):
                pass


def main() -> None:
    """Read the arguments; be the first to be killed where memory runs out."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
        score.write("1000")
    hog(int(sys.argv[1]), int(sys.argv[2]))


if __name__ == "__main__":
    if os.getppid() != 1:
        main()
