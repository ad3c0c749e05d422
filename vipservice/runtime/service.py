"""One life of the daemon from settings to goodbye: everything is made here, wired, run, and let go again."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field
from ipaddress import IPv4Address
from typing import Any, Protocol

from vipservice import __version__
from vipservice.config.keys import read_keys
from vipservice.config.load import load
from vipservice.config.problems import ConfigError
from vipservice.config.resolve import resolve_group
from vipservice.config.seen import SeenInterface
from vipservice.config.settings import MetricsSettings, ResolvedGroup, Settings
from vipservice.core.events import HealthChanged, SettingsChanged
from vipservice.core.frozen import dataclass
from vipservice.core.values import GroupId
from vipservice.runtime.beside import Beside
from vipservice.runtime.control import ControlServer
from vipservice.runtime.daemon import Daemon
from vipservice.runtime.history import History
from vipservice.runtime.metrics import Metrics
from vipservice.runtime.node import Node
from vipservice.runtime.ports import Host, HostError, Platform, ServiceManager, StateStore
from vipservice.runtime.reload import compare
from vipservice.runtime.shown import Shown
from vipservice.runtime.snapshot import LoopSnapshot
from vipservice.runtime.status import NodeStatus, ReloadStatus, UpgradeStatus, status_line, to_json
from vipservice.runtime.upgrade import Code, Predecessor, Upgrade, UpgradeError, take_signals
from vipservice.runtime.waiting import Waiting
from vipservice.runtime.worker import Worker
from vipservice.wire.signing import Keyring

log = logging.getLogger("vipservice")

LOOK_AGAIN = 1.0
"""Seconds between looks for an interface that is configured and not there yet."""

LOOK_AGAIN_UNFIT = 60.0
"""The same for one that is there and does not suit the configuration."""

HEALTHY_WITHIN = 3.0
"""Seconds since the last round within which the loop counts as alive; it goes round at least each second."""


class Exporter(Protocol):
    """Serves the metrics."""

    def start(self) -> None:
        """Listen; raises a sentence for the operator where it cannot."""

    def close(self) -> None:
        """Stop."""


MakeExporter = Callable[[MetricsSettings, Shown], Exporter]


@dataclass(frozen=True, slots=True)
class Outside:
    """What the daemon is given of the world, made by the command line."""

    platform: Platform
    store: StateStore
    manager: ServiceManager
    keyring: Keyring
    detect: Callable[[], Sequence[SeenInterface]]
    """The interfaces of this machine, as the configuration wants to see them."""
    make_exporter: MakeExporter
    history: History
    code: Code
    """What is installed, for an upgrade in place."""
    settle: Callable[[], str | None]
    """Writes down what is queued for state directory, history and log, and says what the disk refused."""
    worker: Worker
    predecessor: Predecessor | None = None
    """Whom this process was before, where an upgrade in place began this life."""


def run(settings: Settings, outside: Outside) -> None:
    """Run until SIGTERM.

    The loop waits in select(2): it wakes within 0.2 ms, where epoll rounds up to whole milliseconds.
    """
    waiting = Waiting(outside.platform.clock)
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(waiting)) as runner:
        runner.run(_serve(settings, outside, waiting))


async def _serve(settings: Settings, outside: Outside, waiting: Waiting) -> None:
    loop = asyncio.get_running_loop()
    host = outside.platform.host()
    node = Node(settings, outside.platform, host, outside.store, outside.keyring)
    history = outside.history
    snapshot = LoopSnapshot(loop.call_soon_threadsafe, lambda: _timed(node.status, metrics.snapshot_took))
    metrics = Metrics({}, snapshot)
    metrics.started_uncleanly(history.unclean_starts)
    node.watch(metrics, history)
    history.started(__version__)
    service = Service(settings, node, host, outside)
    beside = node.beside = Beside(
        settings.node.name,
        outside.worker,
        lambda event: _tell(node, event, daemon),
        outside.platform.clock,
        metrics,
        history,
    )
    node.observer.happened = beside.happened
    daemon: Daemon | None = None
    service.add_waiting()
    service.say_what_waits()
    daemon = Daemon(
        node.links,
        host,
        outside.platform,
        outside.manager,
        outside.store,
        node.observer,
        lambda: status_line(node.status()),
        waiting,
    )
    handlers = {signal.SIGTERM: daemon.stop, signal.SIGINT: daemon.stop, signal.SIGHUP: service.reload_soon}
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    take_signals()
    exporter = outside.make_exporter(
        settings.metrics,
        Shown(
            metrics.registry,
            snapshot,
            history,
            lambda: outside.platform.clock() - daemon.last_round < HEALTHY_WITHIN,
        ),
    )
    control = ControlServer(settings.node.control_socket, service)
    await control.start()
    try:
        exporter.start()
        loop.call_soon(beside.begin)  # after the first round, and READY
        async with service.looking_for_interfaces():
            loop.call_soon(service.came_from)  # in the first round of the loop
            await daemon.run()
        await beside.close()
        history.stopped()
    finally:
        await control.close()
        exporter.close()


def _tell(node: Node, event: HealthChanged, daemon: Daemon | None) -> None:
    """A group's health has changed; what that starts has its timers in the next round, which is now."""
    node.tell(event)
    if daemon is not None:
        daemon.round()


def _timed(build: Callable[[], NodeStatus], took: Callable[[float], None]) -> NodeStatus:
    """What a reader costs the loop."""
    began = time.perf_counter()
    status = build()
    took(time.perf_counter() - began)
    return status


@dataclass(slots=True)
class Service:
    """What operators and signals can ask of the running daemon."""

    settings: Settings
    node: Node
    host: Host
    outside: Outside
    _reloading: set[asyncio.Task[tuple[bool, str]]] = field(default_factory=set)
    _upgrading: bool = False
    _waits: asyncio.Event = field(default_factory=asyncio.Event)
    """A reload may have brought a group whose interface is not there."""

    def status(self) -> dict[str, Any]:
        """The snapshot as JSON takes it."""
        return to_json(self.node.status())

    def history(self, group: str | None, limit: int) -> str:
        """The latest turns, as JSON."""
        return self.outside.history.to_json(group, limit)

    async def handover(self, group: int | None, to: str | None) -> tuple[bool, str]:
        """Move a group's addresses."""
        return await self.node.handover(group, to)

    def maintenance(self, group: int | None, on: bool) -> tuple[bool, str]:
        """Stay out, or take part again."""
        return self.node.maintenance(group, on)

    def forget(self, node: str) -> tuple[bool, str]:
        """Forget a node that will not come back."""
        return self.node.forget(node)

    def check_paths(self) -> tuple[bool, str]:
        """Let every peer be asked by which paths it hears us."""
        return self.node.check_paths()

    async def reload(self) -> tuple[bool, str]:
        """Read the file again: all of it takes effect, or nothing does and the reason is said."""
        self.outside.manager.reloading()
        try:
            ok, detail = self._reload()
        except HostError as error:
            ok, detail = False, f"the machine refused: {error}"
        finally:
            self.outside.manager.ready()  # systemd waits for the end of a reload, however it went
        self.node.reload_status = ReloadStatus(
            ok, self.node.status().wall if ok else self.node.reload_status.succeeded_at
        )
        log.log(logging.INFO if ok else logging.ERROR, "reload: %s", detail)
        return ok, detail

    async def upgrade(self) -> tuple[bool, str]:
        """Become the installed code; comes back only where that is refused."""
        outside = self.outside
        upgrade = Upgrade(
            self.node, outside.manager, outside.code, outside.settle, outside.platform.clock, outside.history
        )
        if self._upgrading:
            return False, "an upgrade is under way already"
        self._upgrading = True
        try:
            await upgrade.run()
        except UpgradeError as error:
            log.error("upgrade refused, nothing has changed: %s", error)
            return False, f"refused, nothing has changed: {error}"
        finally:
            self._upgrading = False

    def came_from(self) -> None:
        """The loop turns: after an upgrade in place, say for how long it had stood."""
        if (before := self.outside.predecessor) is None:
            return
        stood = self.outside.platform.clock() - before.left_at
        self.node.upgraded = UpgradeStatus(before.version, stood)
        log.info(
            "upgraded in place from vipservice %s to %s: the loop stood for %.3f s",
            *(before.version, __version__, stood),
        )

    def reload_soon(self) -> None:
        """SIGHUP."""
        task = asyncio.get_running_loop().create_task(self.reload())
        self._reloading.add(task)
        task.add_done_callback(self._reloading.discard)

    def add_waiting(self) -> None:
        """Take part in every group that can be resolved now and is not running yet."""
        running = set(self.node.groups)
        resolved, waiting = self._resolve(self.settings, skip=running)
        added = self.node.add(resolved)
        if self.node.beside is not None:
            self.node.beside.take(resolved)  # before the first look: what is not checked yet is not fit yet
        for link in added:
            link.look()
        self.node.waiting = waiting

    def say_what_waits(self) -> None:
        """An installed but unconfigured service binds nothing, and says so."""
        for sentence in self.node.waiting:
            log.warning("waiting: %s", sentence)
        if not self.node.groups and not self.node.waiting:
            log.warning("no floating address is enabled (floating_ip.enabled): nothing will be bound")

    @contextlib.asynccontextmanager
    async def looking_for_interfaces(self) -> AsyncIterator[None]:
        """While the daemon runs: start groups whose interface comes later."""
        task = asyncio.get_running_loop().create_task(self._look_for_interfaces())
        try:
            yield
        finally:
            task.cancel()

    async def _look_for_interfaces(self) -> None:
        while True:
            if not self.node.waiting:
                self._waits.clear()
                await self._waits.wait()
            await asyncio.sleep(LOOK_AGAIN)
            try:
                self.add_waiting()
            except ConfigError as error:
                # The interface is there and does not suit: the operator must decide, and is told once.
                self.node.waiting = tuple(error.sentences())
                self.say_what_waits()
                await asyncio.sleep(LOOK_AGAIN_UNFIT)

    def _reload(self) -> tuple[bool, str]:
        try:
            new = load(self.settings.source)
            keyring = Keyring(dict(read_keys(new)))
            wanted, _ = self._resolve(new)
        except ConfigError as error:
            return False, f"the file is refused, nothing has changed: {'; '.join(error.sentences())}"
        changes = compare(self.settings, new, self.node.groups, wanted)
        if changes.restart:
            return False, f"nothing has changed: {', '.join(changes.restart)} can only change by a restart"
        for link in self.node.links:
            for core in changes.live:
                if core.id in link.groups:
                    link.change(next(one for one in wanted if one.core.id == core.id))
                    link.tell(SettingsChanged(core))
        for link in self.node.links:
            link.change_keys(keyring)
        running = [one for one in wanted if one.core.id in self.node.groups]
        self.node.take(new, keyring, running)
        if self.node.beside is not None:
            self.node.beside.take(running)
        self.settings = new
        self.add_waiting()
        self._waits.set()
        return True, f"{len(changes.live)} of {len(wanted)} groups changed"

    def _resolve(
        self, settings: Settings, skip: AbstractSet[int] = frozenset()
    ) -> tuple[list[ResolvedGroup], tuple[str, ...]]:
        """The groups that can run on the interfaces that are there, and sentences about the others."""
        interfaces, ours = self.outside.detect(), self._ours(settings)
        resolved: list[ResolvedGroup] = []
        waiting: list[str] = []
        for group in settings.groups:
            if not group.enabled or group.id in skip:
                continue
            try:
                resolved.append(resolve_group(settings, group, interfaces, ours))
            except ConfigError as error:
                if not error.only_missing_interfaces:
                    raise
                waiting += error.sentences()
        return resolved, tuple(waiting)

    def _ours(self, settings: Settings) -> frozenset[IPv4Address]:
        """Floating addresses of our own earlier life: by protocol number, or remembered."""
        remembered = {
            address
            for group in settings.groups
            for address in self.outside.store.group(GroupId(group.id)).addresses
        }
        return frozenset(
            one.address
            for interface in self.host.interfaces()
            for one in interface.addresses
            if isinstance(one.address, IPv4Address) and (one.ours or str(one.address) in remembered)
        )
