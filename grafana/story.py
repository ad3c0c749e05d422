"""Three real nodes and a real Prometheus, and what befalls them: a planned move, a death, a firewall.

The lab knows what is true at each moment without asking the nodes; the dashboard is held against that.
"""

import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from vipservice.lab.clock import now, wait_until
from vipservice.lab.demo.cluster import VIP, Cluster
from vipservice.lab.faults import ADVERT_PORT
from vipservice.lab.prometheus import METRICS_PORT, Alert, Prometheus

RULES = (Path("grafana/rules/vipservice.yml"), Path("grafana/alerts/vipservice.yml"))
PING_EVERY = 0.02
SETTLE_WITHIN = 30.0
SCRAPE_TIMEOUT = 1.1
QUIET = 6.0
"""Seconds after which each rate's window lies within the time since the last event."""

BROKEN = "/run/broken"
"""Where this file is, a check fails, which costs priority and moves nothing."""

SERVICE = f"""\
checks:
  - {{file: /, name: fine}}
  - {{file: {BROKEN}, absent: true, name: not broken, weight: 1}}
hooks:
  - {{run: [/bin/true], name: told, on: [active, backup]}}
"""

LETTER = b"no advert, whatever it says"
TTL = 255


@dataclass(frozen=True, slots=True)
class Moment:
    """What was true when all had settled after an event."""

    event: str
    wall: float
    owner: str
    """Host name of the owner, by the kernels."""
    since: float
    """When it became that, wall clock."""
    alive: frozenset[str]
    """Host names of the nodes that have power."""
    firing: tuple[Alert, ...]


@dataclass(slots=True)
class Story:
    """A cluster under observation, and the moments so far."""

    cluster: Cluster
    prometheus: Prometheus
    began: float
    ended: float = 0.0
    moments: dict[str, Moment] = field(default_factory=dict)

    @classmethod
    @contextlib.contextmanager
    def begin(cls) -> Iterator[Self]:
        """Start everything: nodes, gateway, client, Prometheus."""
        with Cluster(gateway=True, period=PING_EVERY, more=SERVICE) as cluster:
            targets = [f"{cluster.lan.address_of(name)}:{METRICS_PORT}" for name in cluster.daemons]
            prometheus = Prometheus(cluster.lan.client, targets, RULES)
            began = time.time()
            cluster.start(*cluster.daemons)
            cluster.wait_until_whole()
            yield cls(cluster, prometheus, began)

    def settle(self, event: str, quiet: float = QUIET) -> Moment:
        """Wait until nothing changes and Prometheus has seen it; note what is true then."""
        time.sleep(quiet)
        alive = {name for name in self.cluster.daemons if name in self.cluster.lan.hosts}
        wall = self._scraped(len(alive), event)
        owner, since = self._owner()
        moment = Moment(
            event,
            wall,
            f"node-{owner}",
            since,
            frozenset(f"node-{name}" for name in alive),
            tuple(alert for alert in self.prometheus.alerts() if alert.state == "firing"),
        )
        self.moments[event] = moment
        return moment

    def wait_for_alert(self, name: str, timeout: float) -> Alert:
        """Wait until the alert fires.

        Raises:
            TimeoutError: It doesn't.
        """
        wait_until(lambda: name in self.prometheus.firing(), timeout, f"the alert {name}")
        return next(one for one in self.prometheus.alerts() if one.name == name and one.state == "firing")

    def send_rubbish(self, count: int) -> None:
        """The client sends every node what is no advert, from an address on the link."""
        nodes = [self.cluster.lan.address_of(name) for name in self.cluster.daemons]

        def send() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, TTL)
                for node in nodes:
                    sender.sendto(LETTER, (str(node), ADVERT_PORT))

        for _ in range(count):
            self.cluster.lan.client.in_network(send)

    def _scraped(self, nodes: int, event: str) -> float:
        """A moment (wall clock) at which the newest scrapes of so many nodes had succeeded.

        It lies a scrape's timeout ago: a scrape that fails marks its series as gone from its begin on.
        """
        deadline = now() + SETTLE_WITHIN
        while now() < deadline:
            moment = time.time()
            time.sleep(SCRAPE_TIMEOUT)
            if self.prometheus.value("sum(up)", at=moment) == nodes:
                return moment
        raise TimeoutError(f"{event}: never {nodes} nodes scraped at once")

    def _owner(self) -> tuple[str, float]:
        """The owner by the kernels, and since when (wall clock)."""
        course = self.cluster.lan.ownership.course(VIP)
        (owner,) = course[-1].serving
        since = course[-1].since
        for holding in reversed(course):
            if holding.serving != {owner}:
                break
            since = holding.since
        return owner, time.time() - (now() - since)


def play(story: Story) -> None:
    """The whole story, in about a minute and a quarter; each event leaves a moment."""
    cluster = story.cluster
    story.settle("start", quiet=2 * QUIET)
    cluster.daemons[cluster.wait_for_owner(5)].ask({"command": "handover"})
    story.settle("handover")
    cluster.victim = cluster.wait_for_owner(5)
    cluster.power_off(cluster.victim)
    story.send_rubbish(20)
    story.wait_for_alert("VipserviceNodeDown", 60)
    story.settle("death", quiet=0)
    cluster.power_on(cluster.victim)
    cluster.wait_until_whole()
    story.settle("return")
    cluster.victim = cluster.wait_for_owner(5)
    cluster.lan.drop_adverts(cluster.victim, raw=True)
    story.wait_for_alert("VipserviceHeldBySilentPeer", 40)
    story.settle("adverts blocked", quiet=0)
    cluster.lan.restore_adverts(cluster.victim)
    (cluster.lan.node(cluster.victim).root / BROKEN.lstrip("/")).touch()
    cluster.wait_until_whole()
    story.settle("adverts restored")
    story.ended = time.time()
