"""The service manager: systemd by its notification socket (sd_notify(3)), or nobody."""

import os
import socket
import time
from collections.abc import Mapping

import sdnotify

from vipservice.runtime.ports import ServiceManager

_LONGEST_STATUS = 300
"""Characters: what a line of `systemctl status` can show is less."""


def service_manager(environment: Mapping[str, str] = os.environ) -> ServiceManager:
    """Systemd where it started us with a notification socket, else nobody."""
    return SystemdManager(environment) if environment.get("NOTIFY_SOCKET") else NoManager()


class NoManager:
    """Nobody watches: started by hand, in a container, or by another init."""

    @property
    def watchdog_interval(self) -> float | None:
        """None: nobody wants a sign of life."""
        return None

    def ready(self) -> None:
        """Nobody to tell."""

    def status(self, text: str) -> None:
        """Nobody to tell."""

    def alive(self) -> None:
        """Nobody to tell."""

    def reloading(self) -> None:
        """Nobody to tell."""

    def stopping(self) -> None:
        """Nobody to tell."""


class SystemdManager:
    """Tells systemd how we are. Nothing here raises or blocks: a full socket loses the message.

    sdnotify reads NOTIFY_SOCKET from the process's environment; `environment` gives the watchdog's terms.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._notifier = sdnotify.SystemdNotifier()
        self._watchdog_interval = watchdog_interval(environment, os.getpid())
        connected: socket.socket | None = self._notifier.socket
        if connected is not None:
            # PID 1 may be busy, and the loop must not wait for it.
            connected.setblocking(False)

    @property
    def watchdog_interval(self) -> float | None:
        """Seconds within which it wants a sign of life; None when it doesn't watch."""
        return self._watchdog_interval

    def ready(self) -> None:
        """The loop turns."""
        self._tell("READY=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`; longer texts are cut, line breaks become spaces."""
        line = " ".join(text.split())
        cut = line if len(line) <= _LONGEST_STATUS else line[: _LONGEST_STATUS - 1] + "…"
        self._tell(f"STATUS={cut}")

    def alive(self) -> None:
        """The loop has really gone round."""
        self._tell("WATCHDOG=1")

    def reloading(self) -> None:
        """A reload begins; `ready` ends it. The time is what Type=notify-reload (systemd 253) asks for."""
        microseconds = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={microseconds}")

    def stopping(self) -> None:
        """Shutdown begins."""
        self._tell("STOPPING=1")

    def close(self) -> None:
        """Let the socket go."""
        connected: socket.socket | None = self._notifier.socket
        if connected is not None:
            connected.close()

    def _tell(self, state: str) -> None:
        """Send `state`; sdnotify swallows every error.

        It writes Latin-1, and drops what has no place there, where sd_notify(3) wants UTF-8: so the UTF-8
        bytes are handed over one to a character.
        """
        self._notifier.notify(state.encode(errors="replace").decode("latin-1"))


def watchdog_interval(environment: Mapping[str, str], process: int) -> float | None:
    """Read WATCHDOG_USEC as seconds; None where it is missing, senseless or meant for another process."""
    meant_for = environment.get("WATCHDOG_PID", str(process))
    text = environment.get("WATCHDOG_USEC", "")
    if meant_for != str(process) or not (text.isascii() and text.isdecimal()) or int(text) == 0:
        return None
    return int(text) / 1e6
