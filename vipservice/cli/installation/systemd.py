"""A host with systemd: which files go where, in which order, and how they are taken away."""

import grp
import shutil
from collections.abc import Iterator
from pathlib import Path

from vipservice.cli.installation import changes, sources
from vipservice.cli.installation.changes import Change
from vipservice.config.settings import DEFAULT_CONFIG, DEFAULT_STATE_DIRECTORY

UNIT = Path("/etc/systemd/system/vipservice.service")
SYSUSERS = Path("/etc/sysusers.d/vipservice.conf")
MANUAL = Path("/usr/local/share/man")
OF_A_PACKAGE = (
    Path("/usr/lib/systemd/system/vipservice.service"),
    Path("/lib/systemd/system/vipservice.service"),
)
"""Where the .deb and the .rpm have their unit: one in /etc would hide it, also from their upgrades."""

PAGES = ("vipservice.8", "vipservice.yml.5")
COMPLETIONS = {
    "bash": Path("/usr/local/share/bash-completion/completions/vipservice"),
    "zsh": Path("/usr/local/share/zsh/site-functions/_vipservice"),
    "fish": Path("/usr/local/share/fish/vendor_completions.d/vipservice.fish"),
}
COMMAND = Path("/usr/local/bin/vipservice")
GROUP = "vipservice"
START = "systemctl enable --now vipservice"
EXECUTABLE = "/opt/vipservice/bin/vipservice"
"""In the unit of the sources; the real one takes its place."""


def is_here() -> bool:
    """Whether this host is run by systemd (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir() and shutil.which("systemctl") is not None


def packaged() -> Path | None:
    """The unit of a package that has installed the service here."""
    return next((path for path in OF_A_PACKAGE if path.exists()), None)


def texts(executable: Path) -> dict[Path, str]:
    """The files that are ours, to be written again by the next installation."""
    return {
        UNIT: sources.read("systemd/vipservice.service").replace(EXECUTABLE, str(executable)),
        SYSUSERS: sources.read("systemd/vipservice.sysusers"),
        **{path: sources.read(f"completions/vipservice.{shell}") for shell, path in COMPLETIONS.items()},
        **{MANUAL / f"man{name[-1]}" / name: sources.read(f"man/{name}") for name in PAGES},
    }


def install(executable: Path) -> Iterator[Change]:
    """The steps, in order; each looks at the host when its turn has come."""
    yield changes.compile_modules(sources.modules())
    ours = texts(executable)
    yield changes.write(SYSUSERS, ours.pop(SYSUSERS))
    yield changes.run(
        f"make the user and group {GROUP}", "systemd-sysusers", str(SYSUSERS), done=_has_group()
    )
    yield changes.make_folder(DEFAULT_CONFIG.parent, 0o750, GROUP)
    yield changes.write(DEFAULT_CONFIG, sources.read("vipservice.yml"), 0o640, GROUP, keep=True)
    read_again = not changes.write(UNIT, ours[UNIT]).done
    for path, text in ours.items():
        yield changes.write(path, text)
    yield changes.run("let systemd read its units again", "systemctl", "daemon-reload", done=not read_again)
    if executable != COMMAND:
        yield changes.link(COMMAND, executable)


def uninstall(executable: Path, *, purge: bool) -> Iterator[Change]:
    """The steps back: the daemon hands its address over and ends before anything is taken away."""
    installed = UNIT.exists()
    stop = ("systemctl", "disable", "--now", UNIT.name)
    yield changes.run("hand the address over and stop the service", *stop, done=not installed)
    for path in texts(executable):
        yield changes.remove(path)
    if COMMAND.is_symlink() and COMMAND.readlink() == executable:
        yield changes.remove(COMMAND)
    yield changes.run("let systemd read its units again", "systemctl", "daemon-reload", done=not installed)
    if purge:
        yield changes.remove_folder(DEFAULT_CONFIG.parent)
        yield changes.remove_folder(DEFAULT_STATE_DIRECTORY)


def _has_group() -> bool:
    try:
        grp.getgrnam(GROUP)
    except KeyError:
        return False
    return True
