"""What installing consists of: changes, each of which knows whether it is done already."""

import compileall
import grp
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

from vipservice.cli import exit_codes
from vipservice.cli.exit_codes import CommandError

COMMAND_WITHIN = 60.0
"""Seconds for systemctl and its like; stopping the daemon, with its handover, takes one or two."""


@dataclass(frozen=True, slots=True)
class Change:
    """One step: what it does in words, whether that has been done, and doing it."""

    words: str
    """Begins with a verb: "write /etc/...". """
    done: bool
    do: Callable[[], object]


def write(
    path: Path, text: str, mode: int = 0o644, group: str | None = None, *, keep: bool = False
) -> Change:
    """Write a file that is ours; with `keep`, one that is its owner's as soon as it exists."""
    there = path.is_file()
    same = there and (keep or (path.read_text() == text and path.stat().st_mode & 0o777 == mode))
    words = f"keep {path}, which exists" if there and keep else f"write {path}"
    return Change(words, same, lambda: _write(path, text, mode, group))


def _write(path: Path, text: str, mode: int, group: str | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)
        if group is not None:
            os.fchown(file.fileno(), 0, grp.getgrnam(group).gr_gid)
    draft.replace(path)


def make_folder(path: Path, mode: int, group: str | None) -> Change:
    """Make a folder that root and one group may enter."""

    def do() -> None:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        if group is not None:
            shutil.chown(path, 0, group)

    return Change(f"make {path}", path.is_dir() and path.stat().st_mode & 0o777 == mode, do)


def link(path: Path, target: Path) -> Change:
    """Make a symbolic link, unless something else has the name."""

    def do() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    taken = path.exists() and not path.is_symlink()
    same = path.is_symlink() and path.readlink() == target
    words = f"keep {path}, which is not ours" if taken else f"link {path} to {target}"
    return Change(words, same or taken, do)


def compile_modules(modules: Iterable[Path]) -> Change:
    """Compile what pip has not compiled: the service itself can't write, and starts slowly without."""
    missing = [one for one in modules if not Path(cache_from_source(str(one))).exists()]

    def do() -> None:
        for one in missing:
            compileall.compile_file(one, quiet=2)

    return Change("compile the modules to bytecode", not missing, do)


def run(words: str, *command: str, done: bool = False) -> Change:
    """Run a program of the system."""

    def do() -> None:
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=COMMAND_WITHIN)  # noqa: S603 - our own words
        except subprocess.CalledProcessError as error:
            raise CommandError(
                exit_codes.OSERR, f"{' '.join(command)} failed", error.stderr.strip()
            ) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CommandError(exit_codes.OSERR, f"{' '.join(command)} could not be run: {error}") from error

    return Change(words, done, do)


def run_if_there(words: str, *command: str, done: bool = False) -> Change:
    """Run a program of the system that may find nothing to do, and says so by its exit code."""

    def do() -> None:
        try:
            subprocess.run(command, check=False, capture_output=True, timeout=COMMAND_WITHIN)  # noqa: S603 - our own words
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CommandError(exit_codes.OSERR, f"{' '.join(command)} could not be run: {error}") from error

    return Change(words, done, do)


def remove(path: Path) -> Change:
    """Take a file of ours away."""
    return Change(
        f"remove {path}", not (path.exists() or path.is_symlink()), lambda: path.unlink(missing_ok=True)
    )


def remove_folder(path: Path) -> Change:
    """Take a folder away with everything in it."""
    return Change(f"remove {path} and what is in it", not path.exists(), lambda: shutil.rmtree(path))


def carry_out(changes: Iterable[Change], *, pretend: bool) -> bool:
    """Do what is not done, and say so; whether there was anything to do.

    Raises:
        CommandError: A step failed; those before it are done, and running it all again is safe.
    """
    changed = False
    for change in changes:
        if change.done:
            continue
        changed = True
        print(f"would {change.words}" if pretend else change.words)
        if not pretend:
            _do(change)
    return changed


def _do(change: Change) -> None:
    try:
        change.do()
    except OSError as error:
        raise CommandError(exit_codes.CANTCREAT, f"could not {change.words}: {error.strerror}") from error
