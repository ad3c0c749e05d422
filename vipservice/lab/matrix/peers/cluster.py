"""Nodes that run a daemon of other people's, with everything else as it is for ours."""

import re
import time
from collections.abc import Callable, Iterator, Sequence

from vipservice.lab.clock import now, wait_until
from vipservice.lab.daemons import Daemon
from vipservice.lab.demo.cluster import READY_WITHIN, VIP, WHOLE_WITHIN, Cluster, Sentence
from vipservice.lab.demo.play import ANSWERED_WITHIN
from vipservice.lab.hosts import Host
from vipservice.lab.matrix.peers.peer import Peer

STANDS_FOR = 0.5
"""A state of all nodes that has lasted so long is one, seconds."""

ANSWERS_WITHIN = 70.0
"""keepalived's address can be without an answer for the better part of a minute after a heal, seconds."""


class PeerCluster(Cluster):
    """Some nodes and a client; nothing is started yet.

    Args:
        nodes: Short names of the nodes.
        interval: The time between adverts, for people.
        install: Puts the daemon on a host.
    """

    def __init__(self, nodes: Sequence[str], *, interval: str, install: Callable[[Host], Peer]) -> None:
        self._make = install
        super().__init__(nodes, interval=interval, gateway=True, signed=False)

    def wait_until_whole(self) -> None:
        """Wait until every daemon runs and has a role, one owns the address, and the client is answered.

        Raises:
            TimeoutError: That has not come to be.
        """
        since = now()
        deadline = since + WHOLE_WITHIN
        while now() - since < STANDS_FOR:
            if not self._stands():
                since = now()
            if now() > deadline:
                raise TimeoutError(f"the nodes are not whole again within {WHOLE_WITHIN:g} s")
            time.sleep(0.05)
        wait_until(self._answered, ANSWERS_WITHIN, "an answer to the client")

    def sentences(self, since: float, until: float) -> list[Sentence]:
        """What the nodes logged between two moments, changes of role in our words."""
        said = [
            sentence
            for name, daemon in self._lives
            for sentence in _translated(name, daemon)
            if since <= sentence.at <= until
        ]
        return sorted(said, key=lambda sentence: sentence.at)

    def change_configuration(self, name: str) -> None:
        """Reload with a change that concerns no address."""
        peer = self.daemons[name]
        assert isinstance(peer, Peer)
        peer.change_configuration()
        began = peer.reload().began
        wait_until(lambda: _said_since(peer, began), READY_WITHIN, f"{name} reloaded")

    def _install(self, name: str) -> Daemon:
        peer = self._make(self.lan.node(name))
        self._lives.append((name, peer))
        return peer

    def _stands(self) -> bool:
        for daemon in self.daemons.values():
            assert isinstance(daemon, Peer)
            if not daemon.running or daemon.role not in {"active", "backup"}:
                return False
        return len(self.lan.owners(VIP)) == 1

    def _answered(self) -> bool:
        return self.pings.first_answer(now() - ANSWERED_WITHIN) is not None


def _said_since(peer: Peer, began: float) -> bool:
    return any(line.at >= began and re.search(peer.reloaded_line, line.text) for line in tuple(peer.log))


def _translated(name: str, daemon: Daemon) -> Iterator[Sentence]:
    """The log of a daemon, lines about its role as ours would say them.

    A life that was killed said nothing of its role's end: the next one's first word does.
    """
    assert isinstance(daemon, Peer)
    role = "initialize"
    for line in tuple(daemon.log):
        told = daemon.role_in(line.text)
        if told is None or told == role:
            yield Sentence(line.at, name, "", line.text)
            continue
        yield Sentence(line.at, name, "info", f"role {role} -> {told}: {line.text}")
        role = told
