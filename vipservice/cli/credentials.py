"""Credentials that systemd gives the service's unit, as seen from outside of it (systemd.exec(5)).

`vipservice check` is no part of the unit: what is a credential there is a file of another name here, or one
that only systemd can read.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from vipservice.cli.installation.systemd import is_here
from vipservice.config.keys import CREDENTIALS
from vipservice.config.settings import Settings

UNIT = "vipservice.service"
ASKED = (
    "--json=short",
    "get-property",
    "org.freedesktop.systemd1",
    "/org/freedesktop/systemd1/unit/vipservice_2eservice",
    "org.freedesktop.systemd1.Service",
    "LoadCredential",
    "LoadCredentialEncrypted",
)
"""`systemctl show` of systemd 252 has only "[unprintable]" for these."""

GIVEN = Path("/run/credentials") / UNIT
"""What the running service was given."""

STORES = (Path("/etc/credstore"), Path("/run/credstore"), Path("/usr/lib/credstore"))
"""Where systemd looks for a credential that is named without a path."""

ASK_WITHIN = 5.0

Credentials = Mapping[str, Path | None]
"""Where each lies, by name; None where only systemd can read it."""


def of_unit() -> Credentials:
    """What the unit's next start would be given; nothing inside of the unit, or where there is no systemd."""
    busctl = shutil.which("busctl")
    if CREDENTIALS in os.environ or busctl is None or not is_here():
        return {}
    try:
        shown = subprocess.run(  # noqa: S603 - our own words
            (busctl, *ASKED), capture_output=True, text=True, timeout=ASK_WITHIN, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return dict(parse(shown.stdout))


def parse(shown: str) -> Iterator[tuple[str, Path | None]]:
    """What `busctl` says: a line of JSON for each property, {"data": [[name, path], ...]}."""
    plain, encrypted = ([*map(json.loads, shown.splitlines()), {}, {}])[:2]
    for name, _ in encrypted.get("data", ()):
        given = GIVEN / name
        yield name, _readable(given) if given.exists() else None
    for name, path in plain.get("data", ()):
        yield name, _readable(_found(Path(path)))


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
