"""Executes a program without any capability: `python -I -S powerless.py PROGRAM ARGUMENT...`.

Like setpriv(1), but it also works where the unit's filter of system calls forbids capset(2): for who is not
root, an exec without ambient capabilities and with no_new_privs is the end of all of them
(capabilities(7)).
"""

import ctypes
import os
import sys
from pathlib import Path

# <linux/prctl.h>
SET_NO_NEW_PRIVS, CAPBSET_DROP, CAP_AMBIENT, CAP_AMBIENT_CLEAR_ALL = 38, 24, 47, 4

VERSION_3 = 0x20080522
"""_LINUX_CAPABILITY_VERSION_3: two words for each set."""

STATUS = Path("/proc/self/status")
LAST_CAP = Path("/proc/sys/kernel/cap_last_cap")


def main(command: list[str]) -> None:
    """Give everything up, and become that program."""
    if sys.platform == "linux":
        give_up()
    os.execv(command[0], command)  # noqa: S606 - words that only the daemon writes


def give_up() -> None:
    """Keep no way to a capability beyond the next exec."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(CAP_AMBIENT, CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    if os.geteuid() == 0:  # an exec would give root all that is in the bounding set
        for capability in range(int(LAST_CAP.read_text()) + 1):
            libc.prctl(CAPBSET_DROP, capability, 0, 0, 0)
    libc.capset((ctypes.c_uint32 * 2)(VERSION_3, 0), (ctypes.c_uint32 * 6)())


def left() -> int:
    """What this process may do beyond its user's rights, as a mask: none, after `main`."""
    lines = STATUS.read_text().splitlines() if sys.platform == "linux" else []
    return max(
        (int(line.split()[1], 16) for line in lines if line.startswith(("CapPrm", "CapEff"))), default=0
    )


if __name__ == "__main__":
    main(sys.argv[1:])
