"""Linux calls that Python 3.11 has no names for. All act on the calling thread, not on the process."""

import ctypes
import os

CLONE_FS = 0x00000200
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REC = 0x4000
MS_PRIVATE = 0x40000

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Give the calling thread namespaces of its own (with CLONE_NEWPID: its future children)."""
    _check(_libc.unshare(flags), "unshare")


def setns(descriptor: int) -> None:
    """Move the calling thread (for a PID namespace: its future children) into a namespace."""
    _check(_libc.setns(descriptor, 0), "setns")


def mount(kind: str, target: str, flags: int = 0, options: str = "") -> None:
    """Mount a filesystem of `kind`; an empty kind only changes flags of what is there."""
    source = kind or "none"
    _check(
        _libc.mount(source.encode(), target.encode(), kind.encode() or None, flags, options.encode() or None),
        f"mount {target}",
    )


def _check(result: int, what: str) -> None:
    if result != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"{what}: {os.strerror(errno)}")
