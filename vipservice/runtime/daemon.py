"""The daemon: look, announce READY, then rounds of {wait, read, decide, carry out, re-arm, feed watchdog}.

One round serves every socket and every timer of every link, whatever woke it, so that the order never
depends on what asyncio saw first: sockets, then timers, then wait.
"""

import asyncio
import contextlib
import gc
import logging
import sys
from collections.abc import Callable, Sequence
from math import inf

from vipservice.core.events import StopAsked
from vipservice.runtime.link import Link
from vipservice.runtime.observe import Observer
from vipservice.runtime.ports import Host, HostEvent, Platform, ServiceManager, StateStore
from vipservice.runtime.waiting import Waiting
from vipservice.runtime.watchdog import Watchdog

log = logging.getLogger("vipservice")

HOST_EVENTS = 256
"""Kernel events taken in one round."""

FRESH = 0.001
"""Seconds for which what select(2) said about the sockets is taken as true."""

LONGEST_WAIT = 1.0
"""The loop goes round at least this often, seconds: /healthz asks when it last did."""

STATUS_PERIOD = 5.0
"""Seconds after which the line for the service manager is looked at again though nothing turned."""

STOP_LIMIT = 1.5
"""Seconds from SIGTERM until we leave whatever the peers say; the election itself takes at most 1 s."""

SWITCH_INTERVAL = 0.0002
"""Seconds a metrics thread may keep the interpreter from the loop."""

COLLECT_AFTER = 50_000
"""Objects; what the loop makes dies by reference count, so the collector has nothing to hurry for."""


class Daemon:
    """All links of this node, in one loop; they have looked at their interfaces already."""

    def __init__(
        self,
        links: list[Link],
        host: Host,
        platform: Platform,
        manager: ServiceManager,
        store: StateStore,
        observer: Observer,
        status_line: Callable[[], str],
        waiting: Waiting,
    ) -> None:
        self.links = links
        self.last_round = platform.clock()
        self._host = host
        self._clock = platform.clock
        self._manager = manager
        self._store = store
        self._observer = observer
        self._status_line = status_line
        self._watchdog = Watchdog(manager)
        self._loop = asyncio.get_running_loop()
        self._waiting = waiting
        self._more_host_events = False
        self._status_at = 0.0
        self._status_told = ""
        self._opened: list[tuple[Link, int]] = []
        """Of which links, and of which generations the sockets are that we wait on."""
        self._armed_for = inf
        self._sockets_empty = False
        self._stopping = asyncio.Event()
        self._all_stopped = asyncio.Event()

    async def run(self) -> None:
        """Take part until SIGTERM, then leave properly."""
        self._start()
        try:
            await self._stopping.wait()
            await self._say_goodbye()
        finally:
            self._leave()

    def stop(self) -> None:
        """SIGTERM, SIGINT: hand over what we hold and end."""
        self._stopping.set()

    def round(self) -> None:
        """Read, decide, carry out, re-arm, feed the watchdog."""
        try:
            self._round(self._clock())
        finally:
            self._arm()  # whatever happens the next round comes; who starves the watchdog is restarted

    # Inside

    def _woken(self, ready: bool) -> None:
        """By a socket, or else by time: then all were found empty just now, unless that was long ago."""
        late = self._clock() - self._armed_for
        self._sockets_empty = not ready and late < FRESH and not self._more_host_events
        self.round()

    def _round(self, now: float) -> None:
        late = now - self._armed_for
        if not self._sockets_empty:
            self._read()
        self._sockets_empty = False
        if late > 0:
            self._observer.woke_late(late)
            for link in self.links:
                link.stood_still(late)
        for link in self.links:
            link.tick(now)
        self._after_round(now)

    def _read(self) -> None:
        """Every socket that has something, whichever of them woke us."""
        ready = self._waiting.ready()
        host_events: Sequence[HostEvent] = ()
        if self._more_host_events or not ready.isdisjoint(self._host.filenos()):
            host_events = self._host.events(HOST_EVENTS)
            self._more_host_events = len(host_events) == HOST_EVENTS
        for link in self.links:
            link.read(host_events, ready)

    def _start(self) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL)
        self.round()
        self._waiting.go(self._woken)
        self._manager.ready()
        gc.collect()
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER)

    def _after_round(self, now: float) -> None:
        self.last_round = now
        self._observer.tell()
        if self._watchdog.round_done(now):
            self._observer.watchdog_fed()
        if self._observer.changed or now >= self._status_at:
            self._observer.changed = False
            self._status_at = now + STATUS_PERIOD
            self._tell_status(self._status_line())
        if self._stopping.is_set() and self._observer.stopped >= self._groups():
            self._all_stopped.set()
        self._watch()

    def _tell_status(self, line: str) -> None:
        if line != self._status_told:
            self._status_told = line
            self._manager.status(line)

    def _arm(self) -> None:
        """Exactly one timer, for whatever comes first."""
        now = self._clock()
        due = [link.deadline(now) for link in self.links]
        self._armed_for = min([self._watchdog.deadline(), now + LONGEST_WAIT, *due])
        self._waiting.due = self._armed_for

    def _watch(self) -> None:
        """Wait on the sockets that are open now."""
        opened = [(link, link.generation) for link in self.links]
        if opened == self._opened:
            return
        self._opened = opened
        sockets = [link.open.filenos() for link in self.links if link.open is not None]
        self._waiting.watch(set(self._host.filenos()).union(*sockets))

    def _groups(self) -> set[int]:
        return {group for link in self.links for group in link.groups}

    async def _say_goodbye(self) -> None:
        """Hand over, or release and say so; bounded."""
        self._manager.stopping()
        for link in self.links:
            link.tell(StopAsked())
        self.round()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._all_stopped.wait(), STOP_LIMIT)

    def _leave(self) -> None:
        self._waiting.stop()
        for link in self.links:
            link.release_all()
            link.close()
        self._tell_status("stopped")
        self._host.close()
        self._store.close()
        log.info("stopped")
