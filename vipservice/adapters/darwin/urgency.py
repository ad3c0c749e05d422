"""What keeps short intervals safe on a busy Mac: as much as a process may ask for itself (setpriority(2))."""

import os

_MOST_URGENT = -20


def become_urgent() -> str | None:
    """Take the most urgent nice value; None, or a sentence that says why not.

    launchd's `ProcessType: Interactive` keeps the system from throttling us, this puts us before others.
    """
    try:
        os.setpriority(os.PRIO_PROCESS, 0, _MOST_URGENT)
    except OSError as error:
        return f"no more urgent than other processes: {error.strerror}"
    return None
