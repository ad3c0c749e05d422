"""This host in the election: the links it has, what it says of itself, what it does when it is told to."""

import secrets
import time
from collections.abc import Iterable, Sequence
from itertools import groupby

from vipservice.config.settings import ResolvedGroup, Settings
from vipservice.core.events import HandoverAsked, PeerForgotten
from vipservice.core.roster import Peer
from vipservice.core.segment import Segment
from vipservice.core.values import GroupId
from vipservice.runtime.link import Link
from vipservice.runtime.metrics import Metrics
from vipservice.runtime.observe import Observer
from vipservice.runtime.ports import Host, Platform, StateStore, StoredPeer
from vipservice.wire.signing import Keyring


def random_number() -> int:
    """64 random bits for a Ready."""
    return secrets.randbits(64)


class Node:
    """All links of this host and everything around them."""

    def __init__(
        self,
        settings: Settings,
        groups: Sequence[ResolvedGroup],
        platform: Platform,
        host: Host,
        store: StateStore,
        keyring: Keyring,
        metrics: Metrics,
    ) -> None:
        self.settings = settings
        self.groups = {group.core.id: group for group in groups}
        self._platform = platform
        self._host = host
        self._store = store
        self._keyring = keyring
        self.observer = Observer(
            metrics,
            store,
            platform.clock,
            {group.core.id: tuple(map(str, group.core.addresses)) for group in groups},
            {group.core.id: group.core.name for group in groups},
        )
        self.observer.peers = self._peers
        by_interface = sorted(groups, key=lambda group: group.interface)
        self.links = [
            self._link(name, tuple(members))
            for name, members in groupby(by_interface, key=lambda group: group.interface)
        ]

    def _link(self, interface: str, groups: tuple[ResolvedGroup, ...]) -> Link:
        witnesses = tuple(dict.fromkeys(address for group in groups for address in group.witnesses))
        remembered = [
            Peer(peer.node, peer.name, peer.macs, peer.address)
            for peer in self._store.peers()
            if peer.interface == interface
        ]
        segment = Segment(
            node=self._store.node_id,
            name=self.settings.node.name,
            incarnation=self._store.incarnation,
            nonce=random_number,
            remembered=remembered,
            witnesses=witnesses,
        )
        bound_before: set[str] = set()
        for group in groups:
            stored = self._store.group(group.core.id)
            segment.add(group.core, stored.own_term, stored.reserved_term)
            bound_before |= set(stored.addresses)
        return Link(
            segment,
            groups,
            self._host,
            self._platform,
            self.observer,
            self._keyring,
            self.settings.adverts,
            bound_before,
        )

    def _peers(self) -> Iterable[StoredPeer]:
        now, wall = self._platform.clock(), time.time()
        for link in self.links:
            for peer in link.segment.around.roster.peers.values():
                if peer.acquainted:
                    seen = wall - (now - peer.heard_at)
                    yield StoredPeer(peer.node, peer.name, peer.macs, peer.address, link.name, seen)
