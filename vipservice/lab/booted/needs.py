"""What a machine must have so that others can be booted on it."""

import os
import shutil
import sys
from pathlib import Path

NEEDED = ("ip", "mount", "nsenter", "systemctl", "systemd-nspawn", "systemd-sysusers", "umount", "unshare")
SYSTEMD = Path("/lib/systemd/systemd")
INTERPRETER = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
"""The one the booted machines run the service with: they have this machine's files."""


def problem() -> str | None:
    """Why no systemd can be booted here; None where it can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "booting a systemd needs Linux and root"
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing or not SYSTEMD.exists():
        return f"no {', '.join(missing) or SYSTEMD}: install systemd-container and systemd-sysv"
    if INTERPRETER.resolve().is_relative_to("/root") or INTERPRETER.resolve().is_relative_to("/home"):
        return f"ProtectHome= of the unit hides {INTERPRETER}"
    return None
