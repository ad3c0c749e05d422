"""The playground while it runs: what there is to look at, and news as they come."""

import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from vipservice.lab.clock import now
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.hosts import Host
from vipservice.lab.playground.orders import ORDERS, SOCKET, listen, take
from vipservice.lab.prometheus import METRICS_PORT, PORT, Alert, Prometheus
from vipservice.lab.relay import Relay

PING_EVERY = 0.1
"""Seconds: the client is there to be looked at, not to measure."""

LOOK_EVERY = 0.5
INSIDE = "127.0.0.1"

Say = Callable[[str], None]


class Stage:
    """Nodes, Prometheus, and ways in from this machine; all gone when it is left.

    Args:
        rules: Prometheus's rule files.
    """

    def __init__(self, rules: Sequence[Path]) -> None:
        with ExitStack() as stack:
            self._orders = stack.enter_context(listen())
            stack.callback(SOCKET.unlink, missing_ok=True)
            self.cluster = stack.enter_context(Cluster(gateway=True, period=PING_EVERY))
            hosts = self.cluster.lan
            targets = [f"{hosts.address_of(name)}:{METRICS_PORT}" for name in self.cluster.daemons]
            self.prometheus = Prometheus(hosts.client, targets, rules)
            self.ways = {"prometheus": _relay(stack, hosts.client.plan.name, self.cluster, PORT, PORT)}
            for place, name in enumerate(self.cluster.daemons):
                self.ways[name] = _relay(stack, name, self.cluster, METRICS_PORT + place, METRICS_PORT)
            self._stack = stack.pop_all()
        self._told = now()
        self._firing: dict[tuple[tuple[str, str], ...], Alert] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start the nodes, and wait until all hear each other."""
        self.cluster.start(*self.cluster.daemons)
        self.cluster.wait_until_whole()

    def introduction(self) -> str:
        """Where to look, and how to break things."""
        pages = "\n".join(
            f"  {way.url + '/':28} node-{name}'s page"
            for name, way in self.ways.items()
            if name != "prometheus"
        )
        orders = "\n".join(f"  {word:10} {order.does.format(node='NODE')}" for word, order in ORDERS.items())
        url = self.ways["prometheus"].url
        return (
            f"\nLook, on this machine:\n{pages}\n"
            f"  {url + '/alerts':28} Prometheus: the alerts, and whatever you ask it\n"
            f"\nBreak something from another terminal: sudo scripts/playground ORDER [NODE]   "
            f"(NODE: {', '.join(self.cluster.daemons)}; default: the owner)\n{orders}\n"
            "\nCtrl-C ends it and leaves nothing behind. What happens:\n"
        )

    def watch(self, say: Say) -> None:
        """Tell what happens and take orders, for ever."""
        while True:
            ready, _, _ = select.select([self._orders], [], [], LOOK_EVERY)
            if ready and (done := take(self._orders, self.cluster)):
                say(f"you      {done}")
            for line in self.news():
                say(line)

    def news(self) -> Iterator[str]:
        """What the nodes said and which alerts began or ended since the last call."""
        until = now()
        for said in self.cluster.sentences(self._told, until):
            if said.turn or said.level == "warning":
                yield f"node-{said.node}   {said.text}"
        self._told = until
        firing = {
            (("alertname", alert.name), *sorted(alert.labels.items())): alert
            for alert in self.prometheus.alerts()
            if alert.state == "firing"
        }
        for key in firing.keys() - self._firing.keys():
            alert = firing[key]
            yield f"ALERT    {alert.name} ({alert.labels['severity']}): {alert.annotations['summary']}"
        for key in self._firing.keys() - firing.keys():
            yield f"ALERT    {self._firing[key].name} is over: {self._firing[key].annotations['summary']}"
        self._firing = firing


def _relay(stack: ExitStack, host: str, cluster: Cluster, wanted: int, port: int) -> Relay:
    """A way to a port of a host, by the wanted port of this machine or by any that is free."""

    def box() -> Host | None:
        return cluster.lan.hosts.get(host)

    try:
        relay = Relay(box, wanted, (INSIDE, port))
    except OSError:
        relay = Relay(box, 0, (INSIDE, port))
    stack.callback(relay.close)
    return relay


def stamped(line: str) -> str:
    """The line, with the time of day."""
    return f"{time.strftime('%H:%M:%S')} {line}"
