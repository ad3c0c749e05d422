"""What this host itself knows: processes, interfaces, files. Read in threads: /proc is long, disks hang."""

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from vipservice.adapters.worker.threads import OneThread, StillBusyError
from vipservice.config.check_settings import FileCheck, InterfaceCheck, ProcessCheck
from vipservice.runtime.health import Tried

MOST_PIDFILE = 64
INIT = Path("/proc/1")
"""There for everybody who sees all processes, on Linux."""

HIDDEN = "the unit hides processes of other users (ProtectProc=); docs/checks.md says how to see them"


class LocalAsker:
    """Looks, in a thread."""

    def __init__(self, check: ProcessCheck | InterfaceCheck | FileCheck) -> None:
        self._thread: OneThread[Tried] = OneThread()
        self._look = _looking(check)

    async def ask(self) -> Tried:
        """One look."""
        try:
            return await self._thread.call(self._look)
        except StillBusyError:
            return Tried(False, "the look before this one has not come back")


def _looking(check: ProcessCheck | InterfaceCheck | FileCheck) -> Callable[[], Tried]:
    match check:
        case ProcessCheck(pidfile=""):
            return lambda: count_processes(check.name, check.count)
        case ProcessCheck():
            return lambda: look_at_pidfile(Path(check.pidfile))
        case InterfaceCheck():
            return lambda: look_at_interface(check.interface)
        case FileCheck():
            return lambda: look_at_file(Path(check.path), check.absent)


def count_processes(name: str, wanted: int) -> Tried:
    """Count processes by name: the kernel's, or the program's file name where that one is cut off."""
    found = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            found += process.name() == name and process.status() != psutil.STATUS_ZOMBIE
    if found < wanted and hidden():
        return Tried(None, HIDDEN)
    word = "process" if found == 1 else "processes"
    return Tried(found >= wanted, f"{found} {word} called {name}, {wanted} wanted")


def look_at_pidfile(path: Path) -> Tried:
    """Whether the process runs whose number is in the file."""
    try:
        with path.open("rb") as file:
            number = int(file.read(MOST_PIDFILE).strip() or b"none")
        status = psutil.Process(number).status()
    except OSError as error:
        return Tried(False, f"{path}: {error.strerror}")
    except ValueError:
        return Tried(False, f"{path} has no number in it")
    except psutil.NoSuchProcess:
        return unseen(number)
    except psutil.AccessDenied:
        return Tried(True, f"process {number} runs")
    return Tried(status != psutil.STATUS_ZOMBIE, f"process {number} is {status}")


def hidden() -> bool:
    """Whether this process sees only those of its own user (hidepid= of proc(5))."""
    return sys.platform == "linux" and not INIT.exists()


def unseen(number: int) -> Tried:
    """Of a process that /proc does not show: the kernel refuses a signal to another user's."""
    try:
        os.kill(number, 0)
    except PermissionError:
        return Tried(True, f"process {number} runs")
    except (ProcessLookupError, OverflowError):
        return Tried(False, f"no process {number}")
    return Tried(False, f"no process {number} any more")  # it was ours, and ended between the two looks


def look_at_interface(name: str) -> Tried:
    """Whether the interface is up and has a carrier."""
    seen = psutil.net_if_stats().get(name)
    if seen is None:
        return Tried(False, f"there is no interface {name}")
    return Tried(seen.isup, f"{name} is {'up' if seen.isup else 'down, or has no carrier'}")


def look_at_file(path: Path, absent: bool) -> Tried:
    """Whether the file is there, or is not; what cannot be looked at is neither."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return Tried(absent, f"{path} is not there")
    except OSError as error:
        return Tried(False, f"{path}: {error.strerror}")
    return Tried(not absent, f"{path} is there")
