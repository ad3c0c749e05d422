"""This host in the election: the links it has, what it says of itself, and what operators ask of it."""

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from math import inf
from typing import Any

from vipservice import __version__
from vipservice.config.settings import ResolvedGroup, Settings
from vipservice.core.events import (
    HandoverAsked,
    HealthChanged,
    MaintenanceSet,
    PathsAsked,
    PeerForgotten,
    StopAsked,
)
from vipservice.core.roles import Role
from vipservice.core.roster import Peer
from vipservice.core.segment import Segment
from vipservice.core.values import Address, GroupId, NodeId
from vipservice.runtime.beside import Beside
from vipservice.runtime.history import History
from vipservice.runtime.link import Link
from vipservice.runtime.maintenance import begun, ended, last_node
from vipservice.runtime.metrics import Metrics
from vipservice.runtime.observe import Observer
from vipservice.runtime.ports import Host, Platform, StateStore, StoredPeer
from vipservice.runtime.status import (
    LinkGroupStatus,
    NodeStatus,
    PeerStatus,
    ReloadStatus,
    UpgradeStatus,
    inputs_to_json,
)
from vipservice.wire.signing import Keyring

log = logging.getLogger("vipservice")


def random_number() -> int:
    """64 random bits for a Ready."""
    return secrets.randbits(64)


class Node:
    """All links of this host and everything around them."""

    def __init__(
        self,
        settings: Settings,
        platform: Platform,
        host: Host,
        store: StateStore,
        keyring: Keyring,
    ) -> None:
        self.settings = settings
        self.groups: dict[GroupId, ResolvedGroup] = {}
        self.links: list[Link] = []
        self.waiting: tuple[str, ...] = ()
        """Groups whose interface is not there yet, in words."""
        self.wake: Callable[[], None] = self._tell
        """After something was told a link out of turn: a round, which tells everybody and sets the timer."""
        self.reload_status = ReloadStatus(True, time.time())
        self.upgraded: UpgradeStatus | None = None
        self._platform = platform
        self._host = host
        self._store = store
        self._keyring = keyring
        self._started = platform.clock()
        self.beside: Beside | None = None
        """The checks and hooks of the groups."""

    def watch(self, metrics: Metrics, history: History) -> None:
        """Tell the metrics, the history, the log and the state directory what happens; once, before `add`."""
        self.observer = Observer(metrics, self._store, self._platform.clock, history)
        self.observer.peers = self._stored_peers
        self.observer.inputs = self._inputs

    def add(self, groups: Sequence[ResolvedGroup]) -> None:
        """Take part in these groups too; one link for each interface."""
        for group in groups:
            self.groups[group.core.id] = group
            self.observer.add_group(group.core)
        by_interface = sorted(groups, key=lambda group: group.interface)
        touched = [
            self._join(name, tuple(members))
            for name, members in groupby(by_interface, key=lambda group: group.interface)
        ]
        if self.beside is not None:
            self.beside.take(groups)  # before the first look: what is not checked yet is not fit yet
        for link in touched:
            link.look()

    # A reload

    def take(self, settings: Settings, keyring: Keyring) -> None:
        """The settings in force from now on, and the keys; of the groups nothing changes here."""
        self.settings, self._keyring = settings, keyring
        for link in self.links:
            link.change_adverts(settings.node.name, settings.adverts, keyring)

    def change(self, group: ResolvedGroup) -> None:
        """Other numbers for a running group."""
        self.groups[group.core.id] = group
        self.observer.change_group(group.core)
        if self.beside is not None:
            self.beside.take([group])
        self.link_of(group.core.id).change(group)

    def replace(self, group: ResolvedGroup) -> None:
        """Begin a running group anew with what it holds: fewer addresses, or another way to look."""
        self.observer.tell()  # its term is in the store then
        self.groups[group.core.id] = group
        self.observer.change_group(group.core)
        link = self.link_of(group.core.id)
        link.replace(group, self._store.group(group.core.id))
        if self.beside is not None:
            self.beside.take_anew(group)
        link.look()

    def begin_to_leave(self, group: GroupId) -> None:
        """Hand over what the group holds; `observer.stopped` has it when that is done."""
        self.link_of(group).tell(StopAsked(group))

    def leave(self, group: GroupId) -> None:
        """Take no part in a group any more, and none in a link without groups."""
        link = self.link_of(group)
        link.leave(group)
        self.observer.tell()
        self.observer.remove_group(group)
        if self.beside is not None:
            self.beside.drop(group)
        del self.groups[group]
        if not link.groups:
            link.close()
            self.links.remove(link)

    def link_of(self, group: GroupId) -> Link:
        """Where a running group takes place."""
        return next(link for link in self.links if group in link.groups)

    def tell(self, event: HealthChanged) -> None:
        """Something that one group must know."""
        for link in self.links:
            if event.group in link.groups:
                link.tell(event)

    # What it says of itself

    def status(self) -> NodeStatus:
        """The snapshot that everybody shows. Only for the loop's own thread."""
        now = self._platform.clock()
        groups = tuple(status for link in self.links for status in self._groups_of(link, now))
        peers = tuple(status for link in self.links for status in self._peers_of(link, now))
        return NodeStatus(
            name=self.settings.node.name,
            node_id=self._store.node_id,
            version=__version__,
            incarnation=self._store.incarnation,
            pid=os.getpid(),
            now=now,
            wall=time.time(),
            started=self._started,
            source=self.settings.source,
            key_ids=tuple(key.id for key in self.settings.adverts.keys),
            reload=self.reload_status,
            upgraded=self.upgraded,
            groups=groups,
            peers=peers,
            addresses=self._own_addresses(),
            stored=not any(self._not_stored()),
            waiting=(*self.waiting, *(link.waiting_for for link in self.links if link.waiting_for)),
            problems=(*self._not_stored(), *self._not_beside(), *_missing(groups, peers)),
            notices=self.settings.notices,
            worker_problem=self.beside.problem if self.beside else None,
        )

    def in_the_way(self, lease_left: float) -> str | None:
        """Why this is no moment to stand still: a turn, or less than `lease_left` seconds of lease."""
        now = self._platform.clock()
        for election in (one for link in self.links for one in link.segment.elections.values()):
            group = election.group
            name, left = group.settings.name, group.lease.left(now)
            if election.turning(now):
                return f"{name}: a takeover or handover is under way; try again"
            if group.role is Role.ACTIVE and left < lease_left:
                return (
                    f"{name}: {left:.1f} s of the lease are left and {lease_left:.1f} s are needed: "
                    "restart instead, which hands over first, or set a longer 'lease'"
                )
        return None

    # What operators ask

    async def handover(self, group: int | None, to: str | None, force: bool = False) -> tuple[bool, str]:
        """Move a group's addresses to a node, or to the best; says how it went."""
        try:
            link, group_id = self._find_group(group)
            node = None if to is None else self._find_node(to).node
        except LookupError as error:
            return False, str(error.args[0])
        number, answer = self.observer.command()
        link.tell(HandoverAsked(group_id, number, node, force))
        self.wake()
        done = await answer
        return done.ok, done.detail

    def maintenance(self, group: int | None, on: bool) -> tuple[bool, str]:
        """Stay out of a group (None: of all, also those to come) from now on, or take part again.

        Returns:
            Whether it is done, and a sentence a line for each group; those that warn begin with `warning: `.
        """
        running = {one: link for link in self.links for one in link.groups}
        configured = {GroupId(one.id) for one in self.settings.groups if one.enabled} | running.keys()
        wanted = sorted(configured) if group is None else [GroupId(group)]
        if not wanted or not configured.issuperset(wanted):
            return False, f"there is no group {group}" if wanted else "no floating address is enabled here"
        if group is None:
            self._store.store_maintenance(on)
        for one in wanted:
            self._store.store_group(one, replace(self._store.group(one), maintenance=on))
        told = [self._maintain(running[one], one, on) for one in wanted if one in running]
        self.observer.tell()
        return True, "\n".join(told) or f"maintenance is {'on' if on else 'off'}, no group runs yet"

    def forget(self, node: str) -> tuple[bool, str]:
        """Forget a node that will not come back; it is known again when it speaks."""
        try:
            peer = self._find_node(node)
        except LookupError as error:
            return False, str(error.args[0])
        if peer.living(self._platform.clock()):
            return False, f"{peer.name} is alive: stop it first"
        for link in self.links:
            link.tell(PeerForgotten(peer.node))
        return True, f"{peer.name} is forgotten"

    def check_paths(self) -> tuple[bool, str]:
        """Speak to every peer by every path, and ask each by which of them it hears us."""
        for link in self.links:
            link.tell(PathsAsked())
        peers = sum(len(link.segment.around.roster.peers) for link in self.links)
        return True, f"asked {peers} {'node' if peers == 1 else 'nodes'}"

    # Inside

    def _join(self, interface: str, groups: tuple[ResolvedGroup, ...]) -> Link:
        """The link of an interface with these groups on it, made where there is none yet."""
        link = next((link for link in self.links if link.name == interface), None)
        if link is None:
            link = self._link(interface, groups)
            self.links.append(link)
        else:
            for group in groups:
                link.join(group, self._store.group(group.core.id))
        return link

    def _tell(self) -> None:
        self.observer.tell()

    def _find_group(self, group: int | None) -> tuple[Link, GroupId]:
        found = [(link, one) for link in self.links for one in link.groups if group in {None, one}]
        if len(found) == 1:
            return found[0]
        if not found:
            raise LookupError(
                "no floating address is enabled here" if group is None else f"there is no group {group}"
            )
        raise LookupError("there are several groups: say which with --group")

    def _find_node(self, name: str) -> Peer:
        """A peer by name, or by the beginning of its id in hex."""
        peers = {peer.node: peer for link in self.links for peer in link.segment.around.roster.peers.values()}
        found = [
            p for p in peers.values() if p.name == name or (len(name) >= 8 and p.node.hex().startswith(name))
        ]
        if len(found) == 1:
            return found[0]
        known = ", ".join(sorted(peer.name for peer in peers.values())) or "none"
        if found:
            raise LookupError(f"several nodes are called {name}: give the id (see status --json)")
        raise LookupError(f"no node {name} is known; known are: {known}")

    def _maintain(self, link: Link, group: GroupId, on: bool) -> str:
        before = link.segment.elections[group].status(self._platform.clock())
        link.tell(MaintenanceSet(group, on))
        if on and (warning := last_node(before)):
            log.warning("maintenance: %s", warning)
        return begun(before) if on else ended(before)

    def _link(self, interface: str, groups: tuple[ResolvedGroup, ...]) -> Link:
        segment = Segment(
            node=self._store.node_id,
            name=self.settings.node.name,
            incarnation=self._store.incarnation,
            nonce=random_number,
            remembered=[
                Peer(peer.node, peer.name, peer.macs, peer.address)
                for peer in self._store.peers()
                if peer.interface == interface
            ],
            witnesses=tuple(dict.fromkeys(address for group in groups for address in group.witnesses)),
        )
        bound_before: set[str] = set()
        for group in groups:
            stored = self._store.group(group.core.id)
            segment.add(group.core, stored.own_term, stored.reserved_term, stored.maintenance)
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

    def _not_stored(self) -> Iterable[str]:
        """We bind also where a term could not be stored, and say so."""
        for problem in (self._store.problem, self.observer.history_problem):
            if problem:
                yield f"the state directory cannot be written: {problem}"

    def _not_beside(self) -> Iterable[str]:
        if self.beside is not None and self.beside.problem is not None:
            yield self.beside.problem

    def _stored_peers(self) -> Iterable[StoredPeer]:
        now, wall = self._platform.clock(), time.time()
        stored = self._remembered()
        for link in self.links:
            for peer in self._known(link):
                ago, before = now - peer.heard_at, stored.get((link.name, peer.node))
                seen = wall - ago if ago < inf else before.last_seen if before else 0.0
                yield StoredPeer(peer.node, peer.name, peer.macs, peer.address, link.name, seen)

    def _known(self, link: Link) -> list[Peer]:
        """Who has talked to us in this life, or is remembered from before it; no strangers."""
        stored, peers = self._remembered(), link.segment.around.roster.peers.values()
        return [peer for peer in peers if peer.acquainted or (link.name, peer.node) in stored]

    def _remembered(self) -> dict[tuple[str, NodeId], StoredPeer]:
        return {(peer.interface, peer.node): peer for peer in self._store.peers()}

    def _groups_of(self, link: Link, now: float) -> Iterable[LinkGroupStatus]:
        held = link.held()
        for group_id, election in link.segment.elections.items():
            group = link.groups[group_id]
            moved_by_hook = not election.group.binds and election.group.role is Role.ACTIVE
            bound = {address: address in held or moved_by_hook for address in group.core.addresses}
            contenders = election.group.contenders
            members = [p for p in self._known(link) if contenders.get(p.node) or p.heard_at == -inf]
            expected = group.nodes or 1 + len(members)
            own = election.group.role in {Role.BACKUP, Role.PROBING} and election.group.fit
            yield LinkGroupStatus(
                election.status(now),
                link.name,
                bound,
                expected,
                standbys=len(contenders.successors(now)) + own,
                lease=group.core.timing.lease,
                kernel_lease=min((held[one] for one in group.core.addresses if one in held), default=0.0),
                advert_interval=group.core.timing.advert_interval,
                checks=self.beside.checks.of(group_id) if self.beside else (),
                hooks=self.beside.hooks.of(group_id) if self.beside else (),
                round_trips=tuple(self.observer.round_trips.of(group_id, now, group.ping_interval)),
            )

    def _own_addresses(self) -> tuple[Address, ...]:
        around = (link.segment.around.address for link in self.links)
        return tuple(dict.fromkeys(address for address in around if address is not None))

    def _inputs(self, group: GroupId) -> Mapping[str, Any]:
        """What the election knows at the end of the round in which it turned: nobody waits for it."""
        now = self._platform.clock()
        link = next(link for link in self.links if group in link.segment.elections)
        return inputs_to_json(link.segment.elections[group].status(now))

    def _peers_of(self, link: Link, now: float) -> Iterable[PeerStatus]:
        stored = {peer.node: peer.last_seen for peer in self._store.peers()}
        for peer in link.segment.around.roster.peers.values():
            ago = now - peer.heard_at
            yield PeerStatus(
                node=peer.node,
                name=peer.name,
                address=peer.address,
                interface=link.name,
                heard_ago=ago,
                hears_us_ago=now - peer.heard_us_at,
                living=peer.living(now),
                last_seen=time.time() - ago if ago < inf else stored.get(NodeId(peer.node), 0.0),
                macs=peer.macs,
                heard_by={path: now - at for path, at in peer.by_path.items()},
                hears_us_by={path: now - at for path, at in peer.hears_us_by.items()},
                told_ago=now - peer.told_at,
            )


def _missing(groups: Iterable[LinkGroupStatus], peers: Sequence[PeerStatus]) -> Iterable[str]:
    """A sentence for each group that has fewer nodes than it should have."""
    for group in groups:
        if group.redundancy_lost:
            away = {node.name for node in group.core.nodes if not node.living}
            away |= {p.name for p in peers if p.interface == group.interface and p.heard_ago == inf}
            silent = f"; silent: {', '.join(sorted(away))}" if away else ""
            count = f"{group.nodes_heard} of {group.expected_nodes} nodes are there"
            yield f"{group.core.name}: redundancy is lost, {count}{silent}"
