"""The files that come with the program: in the package where pip put it, in `packaging/` in a checkout."""

import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import vipservice
from vipservice.cli import exit_codes
from vipservice.cli.exit_codes import CommandError

PACKAGE = Path(vipservice.__file__).parent
HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - named to be refused
"""What ProtectHome= and PrivateTmp= of the unit keep from the service (systemd.exec(5))."""

ELSEWHERE = "install it where a service may look: python3 -m venv /opt/vipservice"


def read(name: str) -> str:
    """The text of a file of `packaging/`."""
    for top in (PACKAGE / "packaging", PACKAGE.parent / "packaging"):
        path = top / name
        if path.exists():
            return path.read_text()
    raise CommandError(exit_codes.OSERR, f"packaging/{name} is missing: this installation is not whole")


def executable() -> Path:
    """The `vipservice` that belongs to the interpreter that runs us.

    Raises:
        CommandError: There is none.
    """
    path = Path(sysconfig.get_path("scripts"), "vipservice")
    if not path.exists():
        raise CommandError(exit_codes.OSERR, f"there is no {path}", "install vipservice with pip first")
    return path


def require_visible(executable: Path) -> None:
    """That the service can use the program, its interpreter and its modules.

    Raises:
        CommandError: Its unit hides one of them, or others than their owner can't reach it.
    """
    for needed in (executable, Path(sys.executable).resolve(), PACKAGE):
        reason = why_hidden(needed)
        if reason is not None:
            raise CommandError(exit_codes.CONFIG, f"the service could not use {needed}: {reason}", ELSEWHERE)


def why_hidden(path: Path) -> str | None:
    """Why a service with our unit, which is not root, could not reach `path`; None where it could."""
    resolved = path.resolve()
    for place in HIDDEN:
        if resolved.is_relative_to(place):
            return f"its unit hides {place}"
    for folder in resolved.parents:
        if not folder.stat().st_mode & 0o001:
            return f"only {_owner(folder)} may enter {folder}"
    return None


def _owner(folder: Path) -> str:
    return folder.owner() if folder.stat().st_uid == 0 or os.geteuid() == 0 else "its owner"


def modules() -> Iterator[Path]:
    """Every module of the package."""
    return PACKAGE.rglob("*.py")
