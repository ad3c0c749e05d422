"""Which system this is: the only place that chooses between Linux and macOS for the daemon."""

import os
import sys

from vipservice.cli import exit_codes
from vipservice.cli.exit_codes import CommandError
from vipservice.config.settings import Settings
from vipservice.runtime.ports import Platform

REALTIME_PRIORITY = 10
"""Above the ordinary, below what kernels and audio use; the unit file says the same."""

MACOS = "darwin"
GUARD_SOCKET = "guard.sock"
"""Beside the control socket: one guard for each daemon, in a folder that only root writes to."""


def platform(settings: Settings) -> Platform:
    """The ports of this machine.

    Raises:
        CommandError: It runs neither Linux nor macOS.
    """
    if _system() == MACOS:
        from vipservice.adapters.darwin.platform import DarwinPlatform  # noqa: PLC0415 - macOS only
        from vipservice.adapters.darwin.system import MacOs  # noqa: PLC0415 - macOS only

        return DarwinPlatform(MacOs(), settings.node.control_socket.with_name(GUARD_SOCKET))
    from vipservice.adapters.linux.platform import LinuxPlatform  # noqa: PLC0415 - Linux only

    return LinuxPlatform()


def what_is_lacking() -> tuple[str, str] | None:
    """What this process may not do and must, and what to do about it; None where nothing is lacking.

    Raises:
        CommandError: This machine runs neither Linux nor macOS.
    """
    if _system() == MACOS:
        if os.geteuid() == 0:
            return None
        return "only root may bind addresses on macOS", "call it with sudo, or let launchd run it"
    from vipservice.adapters.linux.privileges import missing_capabilities  # noqa: PLC0415 - Linux only

    if missing := missing_capabilities():
        hint = "use the systemd unit, or sudo, or 'setpriv --ambient-caps +net_admin,+net_raw'"
        return f"{' and '.join(missing)} missing: addresses cannot be bound", hint
    return None


def become_urgent() -> str | None:
    """Go before other processes; a sentence where that is not allowed."""
    if _system() == MACOS:
        from vipservice.adapters.darwin import urgency  # noqa: PLC0415 - macOS only

        return urgency.become_urgent()
    from vipservice.adapters.linux.scheduling import become_realtime  # noqa: PLC0415 - Linux only

    return become_realtime(REALTIME_PRIORITY)


def _system() -> str:
    name = sys.platform
    if name not in {"linux", MACOS}:
        raise CommandError(exit_codes.UNAVAILABLE, f"{name} is not supported", "run it on Linux or macOS")
    return name
