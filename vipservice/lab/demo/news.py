"""What happens to a cluster, for whoever looks on: taken from logs and kernels, asking nobody."""

from dataclasses import dataclass, field

from vipservice.lab.clock import now
from vipservice.lab.demo.cluster import VIP, Cluster


@dataclass(frozen=True, slots=True)
class News:
    """One thing that happened."""

    at: float
    """The lab's clock."""
    who: str
    """A node, or nothing where it is about all."""
    text: str


@dataclass(slots=True)
class NodeView:
    """How a node looks from outside."""

    role: str = "off"
    why: str = ""
    holds: bool = False
    """Its kernel has the address."""
    alive: bool = False
    """Its daemon has a process."""


@dataclass(slots=True)
class Reporter:
    """Turns what is new into lines, and keeps the present view of each node. Call `look` now and then."""

    cluster: Cluster
    nodes: dict[str, NodeView] = field(default_factory=dict)
    owners: frozenset[str] = frozenset()
    _read: list[int] = field(default_factory=list)
    _seen_until: float = 0.0

    def look(self) -> list[News]:
        """What has happened since the last look."""
        until = now()
        news = [*self._said(), *self._owned(until)]
        self._seen_until = until
        self._refresh()
        return sorted(news, key=lambda one: one.at)

    def _said(self) -> list[News]:
        # By count, not by time: a line is stamped just before it can be read here.
        news = []
        for sentence in self.cluster.unread(self._read):
            if sentence.turn is not None:
                view = self.nodes.setdefault(sentence.node, NodeView())
                _old, view.role, view.why = sentence.turn
            news.append(News(sentence.at, sentence.node, sentence.text))
        return news

    def _owned(self, until: float) -> list[News]:
        news = []
        for holding in self.cluster.lan.ownership.course(VIP):
            if self._seen_until < holding.since <= until and holding.serving != self.owners:
                self.owners = holding.serving
                names = " and ".join(f"node-{name}" for name in sorted(self.owners)) or "nobody"
                news.append(News(holding.since, "", f"{VIP} is owned by {names}"))
        return news

    def _refresh(self) -> None:
        for name, daemon in tuple(self.cluster.daemons.items()):
            view = self.nodes.setdefault(name, NodeView())
            view.alive = daemon.running
            view.holds = name in self.owners
            if not view.alive:
                view.role, view.why = "off", ""
