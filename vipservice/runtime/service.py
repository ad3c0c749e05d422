"""One life of the daemon from settings to goodbye: everything is made here, wired, run, and let go again."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import field
from typing import Any, Protocol

from vipservice import __version__
from vipservice.config.keys import secret_files
from vipservice.config.problems import ConfigError
from vipservice.config.seen import SeenInterface
from vipservice.config.settings import MetricsSettings, Settings
from vipservice.core.events import HealthChanged
from vipservice.core.frozen import dataclass
from vipservice.core.values import GroupId
from vipservice.runtime.beside import Beside
from vipservice.runtime.control import ControlServer
from vipservice.runtime.daemon import Daemon
from vipservice.runtime.history import History
from vipservice.runtime.metrics import Metrics
from vipservice.runtime.node import Node
from vipservice.runtime.ports import HostError, Platform, ServiceManager, StateStore
from vipservice.runtime.reloading import ReloadError, Reloading, Resolving
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


class Embedder(Protocol):
    """Who started us for itself."""

    def fileno(self) -> int:
        """What becomes readable when it has gone."""


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
    embedder: Embedder | None = None
    """The application that embeds this daemon, and with whose end it must end."""
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
    resolving = Resolving(host, outside.store, outside.detect)
    service = Service(node, outside, Reloading(node, resolving, outside.platform.clock))
    beside = node.beside = Beside(
        settings.node.name,
        outside.worker,
        lambda event: _tell(node, event, daemon),
        outside.platform.clock,
        metrics,
        history,
        lambda: secret_files(node.settings),
    )
    node.observer.happened = beside.happened
    daemon: Daemon | None = None
    service.reloading.add_waiting()
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
    node.wake = daemon.round
    handlers = {signal.SIGTERM: daemon.stop, signal.SIGINT: daemon.stop, signal.SIGHUP: service.reload_soon}
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    take_signals()
    if outside.embedder is not None:
        _stop_with(outside.embedder.fileno(), daemon)
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


def _stop_with(embedder: int, daemon: Daemon) -> None:
    """The embedder says nothing: what can be read of it is its end."""
    loop = asyncio.get_running_loop()

    def gone() -> None:
        loop.remove_reader(embedder)
        daemon.stop()

    loop.add_reader(embedder, gone)


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

    node: Node
    outside: Outside
    reloading: Reloading
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Who changes which groups there are."""
    _reloads: set[asyncio.Task[tuple[bool, str]]] = field(default_factory=set)
    _upgrading: bool = False
    _waits: asyncio.Event = field(default_factory=asyncio.Event)
    """A reload may have brought a group whose interface is not there."""

    def status(self) -> dict[str, Any]:
        """The snapshot as JSON takes it."""
        return to_json(self.node.status())

    def history(self, group: str | None, limit: int) -> str:
        """The latest turns, as JSON."""
        return self.outside.history.to_json(group, limit)

    async def handover(self, group: int | None, to: str | None, force: bool) -> tuple[bool, str]:
        """Move a group's addresses."""
        return await self.node.handover(group, to, force)

    def maintenance(self, group: int | None, on: bool) -> tuple[bool, str]:
        """Stay out, or take part again."""
        return self.node.maintenance(group, on)

    def health(self, group: int | None, healthy: bool, detail: str) -> tuple[bool, str]:
        """Take the word of the application that embeds us."""
        beside = self.node.beside
        if group is None or beside is None or not beside.checks.declare(GroupId(group), healthy, detail):
            return False, f"there is no group {group}"
        return True, f"the application is {'healthy' if healthy else 'not healthy'}"

    def forget(self, node: str) -> tuple[bool, str]:
        """Forget a node that will not come back."""
        return self.node.forget(node)

    def check_paths(self) -> tuple[bool, str]:
        """Let every peer be asked by which paths it hears us."""
        return self.node.check_paths()

    async def reload(self) -> tuple[bool, str]:
        """Read the file again: all of it takes effect, or nothing does and the reason is said."""
        async with self._one_at_a_time:
            self.outside.manager.reloading()
            try:
                detail, problem = await self.reloading.reload(), ""
            except (ReloadError, HostError) as error:
                detail, problem = f"nothing has changed: {error}", str(error)
            finally:
                self.outside.manager.ready()  # systemd waits for the end of a reload, however it went
        succeeded_at = self.node.reload_status.succeeded_at if problem else time.time()
        self.node.reload_status = ReloadStatus(not problem, succeeded_at, problem)
        self.node.observer.changed = True
        self._waits.set()
        log.log(logging.ERROR if problem else logging.INFO, "reload: %s", detail)
        return not problem, detail

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
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

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
                async with self._one_at_a_time:
                    self.reloading.add_waiting()
            except ConfigError as error:
                # The interface is there and does not suit: the operator must decide, and is told once.
                self.node.waiting = tuple(error.sentences())
                self.say_what_waits()
                await asyncio.sleep(LOOK_AGAIN_UNFIT)
