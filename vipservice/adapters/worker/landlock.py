"""Keeps files from programs that run as the service's user, who may read them: Landlock (landlock(7)).

Landlock only knows what is allowed. So the calling thread, and with it every program that it starts, may read
all but these files: whatever lies beside the way to each of them.
"""

import ctypes
import errno
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import PurePath

# The same on every architecture (linux/arch/*/syscall.tbl).
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
NO_NEW_PRIVILEGES = 38
"""PR_SET_NO_NEW_PRIVS (prctl(2))."""

ASK_VERSION = 1
PATH_BENEATH = 1

# <linux/landlock.h>, LANDLOCK_ACCESS_FS_*
READ_FILE, REFER = 1 << 2, 1 << 13
SINCE_REFER = 2
"""The version of the interface from which a file may be moved to another folder, where that is allowed."""

NOT_THERE = (errno.ENOSYS, errno.EOPNOTSUPP)


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


@cache
def version() -> int:
    """Of the kernel's interface; 0 where there is none, or it is switched off."""
    if sys.platform != "linux":
        return 0
    try:
        return _call(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION)
    except OSError as error:
        if error.errno in NOT_THERE:
            return 0
        raise


def keep_from(secrets: Sequence[str]) -> None:
    """Let this thread, and what it starts from now on, read none of these files, or what is in these folders.

    Without effect where the kernel has no Landlock. Nor do they get privileges by an exec any more.

    Raises:
        OSError: It has, and refuses.
    """
    hidden = [PurePath(os.path.realpath(path)).parts[1:] for path in secrets if os.path.exists(path)]
    if not hidden or not version():
        return
    moving = REFER if version() >= SINCE_REFER else 0
    wanted = _Ruleset(READ_FILE | moving)
    ruleset = _call(CREATE_RULESET, ctypes.byref(wanted), ctypes.c_size_t(ctypes.sizeof(wanted)), 0)
    try:
        for path, is_folder in everything_but(hidden, "/"):
            _allow(ruleset, path, READ_FILE | (moving if is_folder else 0))
        _libc().prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)  # landlock_restrict_self(2) demands it
        _call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def everything_but(hidden: Iterable[Sequence[str]], folder: str) -> Iterator[tuple[str, bool]]:
    """What lies beside the ways from `folder` to what is hidden, and whether each is a folder.

    Symbolic links are left out: what they lead to lies somewhere itself.
    """
    hidden = list(hidden)
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return  # who may not list it
    for entry in entries:
        ways = [way[1:] for way in hidden if way[0] == entry.name]
        if not ways:
            if not entry.is_symlink():
                yield entry.path, entry.is_dir(follow_symlinks=False)
        elif all(ways):
            yield from everything_but(ways, entry.path)


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return  # it has gone, or is not for us
    try:
        _call(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(_Rule(access, place)), 0)
    finally:
        os.close(place)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    """A system call for which the C library has no function."""
    result: int = _libc().syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return result
