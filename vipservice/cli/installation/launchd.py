"""A Mac: which files go where for launchd, in which order, and how they are taken away."""

import plistlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from vipservice.cli.installation import changes, sources
from vipservice.cli.installation.changes import Change
from vipservice.config.settings import DEFAULT_CONFIG, DEFAULT_STATE_DIRECTORY

LABEL = "org.vipservice.daemon"
PLIST = Path(f"/Library/LaunchDaemons/{LABEL}.plist")
MANUAL = Path("/usr/local/share/man")
PAGES = ("vipservice.8", "vipservice.yml.5")
COMMAND = Path("/usr/local/bin/vipservice")
EXECUTABLE = "/opt/vipservice/bin/vipservice"
"""In the plist of the sources; the real one takes its place."""

START = f"launchctl bootstrap system {PLIST}"
"""Starts it, now and at each boot (launchctl(1)); what `systemctl enable --now` is elsewhere."""


def is_here() -> bool:
    """Whether launchd runs this host."""
    return sys.platform == "darwin" and shutil.which("launchctl") is not None


def texts(executable: Path) -> dict[Path, str]:
    """The files that are ours, to be written again by the next installation."""
    return {
        PLIST: plist(executable),
        **{MANUAL / f"man{name[-1]}" / name: sources.read(f"man/{name}") for name in PAGES},
    }


def plist(executable: Path) -> str:
    """The job with the program that is installed; launchd takes no path that it would have to look for."""
    job = plistlib.loads(sources.read(f"launchd/{LABEL}.plist").encode())
    words = job["ProgramArguments"]
    job["ProgramArguments"] = [str(executable) if word == EXECUTABLE else word for word in words]
    return plistlib.dumps(job, sort_keys=False).decode()


def install(executable: Path) -> Iterator[Change]:
    """The steps, in order; each looks at the host when its turn has come."""
    yield changes.compile_modules(sources.modules())
    yield changes.make_folder(DEFAULT_CONFIG.parent, 0o700, None)
    yield changes.write(DEFAULT_CONFIG, sources.read("vipservice.yml"), 0o600, keep=True)
    for path, text in texts(executable).items():
        yield changes.write(path, text)  # launchd refuses a file that others than root may write
    if executable != COMMAND:
        yield changes.link(COMMAND, executable)


def uninstall(executable: Path, *, purge: bool) -> Iterator[Change]:
    """The steps back: the daemon hands its address over and ends before anything is taken away."""
    stop = ("launchctl", "bootout", f"system/{LABEL}")
    yield changes.run_if_there("hand the address over and stop the service", *stop, done=not PLIST.exists())
    for path in texts(executable):
        yield changes.remove(path)
    if COMMAND.is_symlink() and COMMAND.readlink() == executable:
        yield changes.remove(COMMAND)
    if purge:
        yield changes.remove_folder(DEFAULT_CONFIG.parent)
        yield changes.remove_folder(DEFAULT_STATE_DIRECTORY)
