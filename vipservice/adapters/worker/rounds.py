"""Asks each check again and again, and says what came of it: changes at once, the rest once a second."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from vipservice.adapters.worker.children import Programs
from vipservice.config.check_settings import (
    CheckSettings,
    CommandCheck,
    FileCheck,
    HttpCheck,
    InterfaceCheck,
    PingCheck,
    ProcessCheck,
    SystemdCheck,
    TcpCheck,
    check_from_json,
)
from vipservice.runtime.health import Tally, Tried

REPORT_PERIOD = 1.0
"""Seconds between reports of what does not change."""

Key = tuple[int, CheckSettings]
"""A group and a check of it."""


class Asker(Protocol):
    """Knows how one thing is asked."""

    async def ask(self) -> Tried:
        """Try once, for as long as it takes; the caller has the clock."""


class CommandAsker:
    """Runs the program."""

    def __init__(self, check: CommandCheck, timeout: float, programs: Programs) -> None:
        self._check = check
        self._programs = programs
        self._timeout = timeout

    async def ask(self) -> Tried:
        """One run."""
        ended = await self._programs.run(self._check.argv, self._timeout, self._check.user)
        said = f": {ended.output}" if ended.output else ""
        if ended.timed_out:
            return Tried(False, f"killed after {self._timeout:g} s{said}")
        if ended.status is None:
            return Tried(False, ended.output)
        return Tried(ended.status == 0, f"exit status {ended.status}{said}")


class Round:
    """One check: its tries, and what they add up to."""

    def __init__(self, group: int, check: CheckSettings, asker: Asker, changed: Callable[[], None]) -> None:
        self._group = group
        self._check = check
        self._asker = asker
        self._tell_at_once = changed
        self._tally = Tally(check.rise, check.fall)
        self._last = Tried(None, "not tried yet")
        self._seconds = 0.0
        self._passed = self._failed = 0
        self._news = False
        self.task = asyncio.get_running_loop().create_task(self._keep_asking())

    def report(self) -> dict[str, Any] | None:
        """What happened since the last report; None where nothing did."""
        if not self._news:
            return None
        told = {
            "group": self._group,
            "name": self._check.name,
            "state": self._tally.state.value,
            "detail": self._last.detail,
            "seconds": round(self._seconds, 6),
            "passed": self._passed,
            "failed": self._failed,
        }
        self._passed = self._failed = 0
        self._news = False
        return told

    def close(self) -> None:
        """No more tries."""
        self.task.cancel()
        close = getattr(self._asker, "close", None)
        if close is not None:
            close()

    async def _keep_asking(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            tried = await self._try()
            self._seconds = loop.time() - began
            self._count(tried)
            await self._wait(began + self._check.interval - loop.time())

    async def _try(self) -> Tried:
        try:
            async with asyncio.timeout(self._check.timeout + self._grace()):
                return await self._asker.ask()
        except TimeoutError:
            return Tried(False, f"no answer within {self._check.timeout:g} s")
        except Exception as error:  # a defect of a check must not look like health
            return Tried(False, f"the check itself failed: {type(error).__name__}: {error}")

    def _grace(self) -> float:
        """A program has its own clock, and some time to be killed and heard."""
        return 1.0 if isinstance(self._asker, CommandAsker) else 0.0

    def _count(self, tried: Tried) -> None:
        self._passed += tried.good is True
        self._failed += tried.good is False
        self._last, self._news = tried, True
        if self._tally.take(tried.good):
            self._tell_at_once()

    async def _wait(self, seconds: float) -> None:
        """Until the next try, or until somebody says that something has changed."""
        changed: asyncio.Event | None = getattr(self._asker, "changed", None)
        if changed is None or seconds <= 0:
            await asyncio.sleep(max(0.0, seconds))
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), seconds)


class Rounds:
    """All checks.

    Args:
        send: Takes a message for the daemon.
        echoes: A raw ICMP socket that the daemon has opened, where only it may.
        programs: What programs have in common.
    """

    def __init__(
        self, send: Callable[[Mapping[str, Any]], None], echoes: socket.socket | None, programs: Programs
    ) -> None:
        self._send = send
        self._programs = programs
        self._inherited = echoes
        self._running: dict[Key, Round] = {}
        self._shared: dict[str, Any] = {}
        self._reporting = asyncio.get_running_loop().create_task(self._keep_reporting())

    def take(self, told: Sequence[Mapping[str, Any]]) -> None:
        """The checks from now on; those that were there before go on undisturbed."""
        wanted: dict[Key, None] = {}
        for one in told:
            fields = dict(one)
            wanted[fields.pop("group"), check_from_json(fields)] = None
        for key in self._running.keys() - wanted.keys():
            self._running.pop(key).close()
        for group, check in wanted:
            if (group, check) not in self._running:
                self._running[group, check] = Round(group, check, self._asker(check), self._report)

    async def close(self) -> None:
        """End all of them, their programs too."""
        self._reporting.cancel()
        for one in self._running.values():
            one.close()
        await asyncio.gather(*(one.task for one in self._running.values()), return_exceptions=True)

    async def _keep_reporting(self) -> None:
        while True:
            await asyncio.sleep(REPORT_PERIOD)
            self._report()

    def _report(self) -> None:
        results = [told for one in self._running.values() if (told := one.report()) is not None]
        if results:
            self._send({"results": results})

    def _asker(self, check: CheckSettings) -> Asker:
        """Only what is asked for is imported: the worker shall be small too."""
        # ruff: noqa: PLC0415 - see above
        match check.asked:
            case TcpCheck() as tcp:
                from vipservice.adapters.worker.tcp import TcpAsker

                return TcpAsker(tcp)
            case HttpCheck() as http:
                from vipservice.adapters.worker.http import HttpAsker

                return HttpAsker(http, check.timeout)
            case ProcessCheck() | InterfaceCheck() | FileCheck() as local:
                from vipservice.adapters.worker.local import LocalAsker

                return LocalAsker(local)
            case SystemdCheck() as unit:
                from vipservice.adapters.worker.units import UnitAsker, Units

                return UnitAsker(unit, self._once("units", Units))
            case CommandCheck() as command:
                return CommandAsker(command, check.timeout, self._programs)
            case PingCheck() as ping:
                from vipservice.adapters.worker.ping import PingAsker

                return PingAsker(ping, self._once("echoes", self._echoes))

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        """What several checks share."""
        if name not in self._shared:
            self._shared[name] = make()
        return self._shared[name]

    def _echoes(self) -> Any:
        from vipservice.adapters.worker.ping import Echoes

        try:
            return Echoes(self._inherited)
        except OSError:
            return None
