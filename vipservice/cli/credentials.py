"""Credentials that systemd gives the service's unit, as seen from outside of it (systemd.exec(5)).

`vipservice check` is no part of the unit: what is a credential there is a file of another name here, or one
that only systemd can read.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from vipservice.cli.installation.systemd import is_here
from vipservice.config.keys import CREDENTIALS
from vipservice.config.settings import Settings

UNIT = "vipservice.service"
LOADED, ENCRYPTED = "LoadCredential", "LoadCredentialEncrypted"
GIVEN = Path("/run/credentials") / UNIT
"""What the running service was given."""

STORES = (Path("/etc/credstore"), Path("/run/credstore"), Path("/usr/lib/credstore"))
"""Where systemd looks for a credential that is named without a path."""

ASK_WITHIN = 5.0

Credentials = Mapping[str, Path | None]
"""Where each lies, by name; None where only systemd can read it."""


def of_unit() -> Credentials:
    """What the unit's next start would be given; nothing inside of the unit, or where there is no systemd."""
    if CREDENTIALS in os.environ or not is_here():
        return {}
    systemctl = shutil.which("systemctl")
    assert systemctl is not None, "is_here has looked"
    wanted = (f"--property={LOADED}", f"--property={ENCRYPTED}")
    try:
        shown = subprocess.run(  # noqa: S603 - our own words
            (systemctl, "show", *wanted, UNIT),
            capture_output=True,
            text=True,
            timeout=ASK_WITHIN,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return dict(parse(shown.stdout))


def parse(shown: str) -> Iterator[tuple[str, Path | None]]:
    """What `systemctl show` says: a line of `Property=name:path` for each."""
    for line in shown.splitlines():
        setting, _, value = line.partition("=")
        name, _, path = value.partition(":")
        if setting == LOADED and name:
            yield name, _readable(_found(Path(path or name)))
        elif setting == ENCRYPTED and name:
            yield name, _readable(GIVEN / name) if (GIVEN / name).exists() else None


def sentences(settings: Settings, credentials: Credentials) -> Iterator[str]:
    """Which keys are credentials, and where they come from."""
    for key in settings.adverts.keys:
        name = str(key.file)
        if name in credentials:
            path = credentials[name]
            where = f"from {path}" if path else "which only systemd can read, so it was not looked at"
            yield f"Note: key {key.id} is the credential {name} of {UNIT}, {where}."


def _found(path: Path) -> Path:
    if path.is_absolute():
        return path
    return next((store / path for store in STORES if (store / path).exists()), STORES[0] / path)


def _readable(path: Path) -> Path | None:
    """The path, unless it is there for others than us."""
    try:
        path.stat()
    except PermissionError:
        return None
    except OSError:
        return path  # whoever reads it says what is wrong
    return path if os.access(path, os.R_OK) else None
