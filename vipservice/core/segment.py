"""Our place on one link: events go to the elections they concern, what those say leaves in few adverts.

One datagram carries the node and an entry for each of its groups, so whatever the groups of this link want to
say in one round is gathered here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import inf
from typing import assert_never

from vipservice.core.actions import Action, Rejected, SendAdvert, StoreIncarnation, StorePeers
from vipservice.core.election import Election
from vipservice.core.events import (
    AddressAdded,
    AddressRemoved,
    AdvertReceived,
    BindFailed,
    Bound,
    Event,
    HandoverAsked,
    HealthChanged,
    InterfaceLost,
    InterfaceReady,
    LinkChanged,
    MaintenanceSet,
    NeighbourSeen,
    PathsAsked,
    PeerForgotten,
    SendFailed,
    SettingsChanged,
    Stalled,
    StopAsked,
)
from vipservice.core.group import Speak
from vipservice.core.hearing import Hearing
from vipservice.core.messages import Advert, Capability, Entry, Path
from vipservice.core.roles import Role
from vipservice.core.roster import Accepted, NotYet, Peer, Refused, Roster, Twin
from vipservice.core.settings import GroupSettings
from vipservice.core.surroundings import Surroundings
from vipservice.core.timing import MIN_STALL
from vipservice.core.values import Address, GroupId, Mac, NodeId


class Segment:
    """All groups of this node on one link."""

    def __init__(
        self,
        node: NodeId,
        name: str,
        incarnation: int,
        nonce: Callable[[], int],
        remembered: Iterable[Peer] = (),
        witnesses: tuple[Address, ...] = (),
    ) -> None:
        roster = Roster(node, incarnation, remembered)
        self.around = Surroundings(
            node=node,
            name=name,
            capabilities=Capability.KERNEL_LEASE,
            nonce=nonce,
            roster=roster,
            hearing=Hearing(roster),
            witnesses=witnesses,
        )
        self.elections: dict[GroupId, Election] = {}
        self._out: list[Action] = []
        self._sequence = 0
        self._checking: dict[NodeId, bool] = {}
        """Whom the next advert tells by which paths we hear it; True: and asks the same."""
        self._backup_advert_at = -inf

    def add(
        self,
        settings: GroupSettings,
        own_term: int = 0,
        reserved_term: int = 1,
        maintenance: bool = False,
    ) -> Election:
        """Take part in one more group, as it was left; it starts with the next InterfaceReady."""
        election = Election(settings, self.around, own_term, reserved_term)
        if maintenance:
            election.orders.stay_out(True, 0.0)
        self.elections[settings.id] = election
        self._know_addresses()
        return election

    def remove(self, group: GroupId) -> None:
        """Take no part in a group any more, without a word: whoever wants to hand over has done so."""
        del self.elections[group]
        self._know_addresses()

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take in one event; the actions are to be carried out in order, at once."""
        for election in self.elections.values():
            election.hosting.expire(now)
        self._dispatch(event, now)
        return self._collect(now)

    def tick(self, now: float) -> list[Action]:
        """Do what is due."""
        for election in self.elections.values():
            election.tick(now)  # knows what is due; a deadline that has passed is none any more
        if self._backup_advert_at <= now:
            self._advertise_backups(now)
        return self._collect(now)

    def deadline(self, now: float) -> float:
        """When `tick` must be called next."""
        due = [election.deadline(now) for election in self.elections.values()]
        if self.around.address and not all(map(self.holds, self.elections)):
            due.append(self._backup_advert_at)  # an active has nothing to say at that pace
        return min(due, default=inf)

    def stall_threshold(self) -> float:
        """Standing still for longer than this is an event: max(D, 50 ms), the shortest D of the groups."""
        downs = [
            election.group.settings.timing.down_interval(election.group.pace.advertised, 0)
            for election in self.elections.values()
        ]
        return max(MIN_STALL, min(downs, default=MIN_STALL))

    def holds(self, group: GroupId) -> bool:
        """Whether this node is active for the group."""
        return self.elections[group].group.role is Role.ACTIVE

    def listening_for(self) -> frozenset[Address]:
        """Whose ARP/ND packets matter here: ours, the floating ones, witnesses' and peers'."""
        around = self.around
        own = {address for address in (around.address, around.gateway) if address is not None}
        peers = {peer.address for peer in around.roster.peers.values()}
        return around.floating | frozenset(own | peers | set(around.witnesses))

    # Events

    def _dispatch(self, event: Event, now: float) -> None:
        match event:
            case AdvertReceived():
                self._advert(event, now)
            case NeighbourSeen():
                self._neighbour(event, now)
            case InterfaceReady():
                self._interface_ready(event, now)
            case InterfaceLost() | LinkChanged() | AddressRemoved() | AddressAdded() | Stalled():
                self._host_event(event, now)
            case StopAsked(group):
                self._stop(group, now)
            case PeerForgotten() | PathsAsked():
                self._peers_event(event)
            case SettingsChanged():
                self._election(event.settings.id).orders.settings_changed(event.settings)
            case Bound() | BindFailed() | SendFailed() | HandoverAsked() | MaintenanceSet() | HealthChanged():
                self._group_event(event, now)
            case _:
                assert_never(event)

    def _stop(self, group: GroupId | None, now: float) -> None:
        for group_id, election in self.elections.items():
            if group in {None, group_id}:
                election.orders.stop(now)

    def _host_event(
        self,
        event: InterfaceLost | LinkChanged | AddressRemoved | AddressAdded | Stalled,
        now: float,
    ) -> None:
        for election in self.elections.values():
            match event:
                case InterfaceLost(problem):
                    self.around.address = None
                    election.hosting.interface_lost(problem, now)
                case LinkChanged(up):
                    self.around.link_up = up
                    election.hosting.link_changed(up, now)
                case AddressRemoved(address):
                    election.hosting.address_removed(address, now)
                case AddressAdded(address, ours):
                    election.hosting.address_added(address, ours, now)
                case Stalled(seconds):
                    election.hosting.stalled(seconds, now)

    def _group_event(
        self,
        event: Bound | BindFailed | SendFailed | HandoverAsked | MaintenanceSet | HealthChanged,
        now: float,
    ) -> None:
        election = self._election(event.group)
        match event:
            case Bound():
                election.hosting.bound(now)
            case BindFailed():
                election.hosting.bind_failed(event, now)
            case SendFailed(problem=problem):
                election.hosting.send_failed(problem, now)
            case HandoverAsked():
                election.orders.handover(event, now)
            case MaintenanceSet():
                election.orders.maintenance(event, now)
            case HealthChanged():
                election.orders.health_changed(event, now)

    def _peers_event(self, event: PeerForgotten | PathsAsked) -> None:
        match event:
            case PeerForgotten(node):
                self._forget(node)
            case PathsAsked():
                for peer in self.around.roster.peers.values():
                    self._check_paths(peer, asks=True)

    def _interface_ready(self, event: InterfaceReady, now: float) -> None:
        around = self.around
        moved = around.macs not in ((), event.macs)
        around.address, around.macs = event.address, event.macs
        around.link_up, around.gateway = event.link_up, event.gateway
        self._backup_advert_at = now + self._backup_interval()
        for election in self.elections.values():
            election.hosting.interface_ready(event, now)
            if moved:
                election.hosting.mac_changed(now)
            election.group.speak()

    def _neighbour(self, event: NeighbourSeen, now: float) -> None:
        if event.mac in self.around.macs:
            return  # answers from a MAC of this host are no answers
        proves = self.around.hear(event, now)
        self._out += [] if proves else self.around.ask_itself(event)
        for election in self.elections.values():
            if election.group.binds:
                election.dialogue.neighbour(event, now)
            if proves:
                election.dialogue.heard_anybody(now)

    def _advert(self, event: AdvertReceived, now: float) -> None:
        advert, around = event.advert, self.around
        reception = around.roster.receive(advert, event.path, around.macs, now)
        self._take_greater_incarnation(advert, now)
        match reception:
            case Accepted(peer, greet, learned):
                self._accepted(advert, peer, now)
                if learned:
                    self._out.append(StorePeers())
                if greet:
                    self._greet(peer)
            case NotYet(peer, greet):
                self._out.append(
                    Rejected("not_acquainted", f"{peer.name} has not heard our present life yet")
                )
                if greet:
                    self._greet(peer)
            case Refused(reason, detail):
                self._out.append(Rejected(reason, detail))
            case Twin(macs, name, active_in):
                for group_id, election in self.elections.items():
                    election.dialogue.twin_seen(
                        name, min(around.macs) > min(macs), group_id in active_in, now
                    )

    def _accepted(self, advert: Advert, peer: Peer, now: float) -> None:
        for mac in advert.macs[:1]:
            self.around.hearing.heard(mac, None, now)
        for election in self.elections.values():
            election.dialogue.heard_anybody(now)
        for entry in advert.entries:
            concerned = self.elections.get(entry.group)
            if concerned is not None and (problem := concerned.dialogue.advert(advert, entry, now)):
                self._out.append(Rejected(problem, f"{peer.name}: group {entry.group}"))
        if advert.check is not None and self.around.roster.told(peer, advert.check, now):
            self._check_paths(peer, asks=False)

    def _greet(self, peer: Peer) -> None:
        """Answer at once, by unicast and as a raw frame: it may not know that we are here."""
        for election in self.elections.values():
            election.group.speak(to=peer.node, everywhere=True)

    def _check_paths(self, peer: Peer, *, asks: bool) -> None:
        """Speak to a peer by every path, and say by which of them we hear it."""
        self._checking[peer.node] = asks
        self._greet(peer)

    def _take_greater_incarnation(self, advert: Advert, now: float) -> None:
        greater = self.around.roster.outgrown_by(advert, now)
        if greater is not None:
            self.around.roster.begin_incarnation(greater)
            self._out.append(StoreIncarnation(greater))

    def _forget(self, node: NodeId) -> None:
        if self.around.roster.forget(node):
            self._out.append(StorePeers())
        for election in self.elections.values():
            election.group.contenders.forget(node)

    # Speech

    def _collect(self, now: float) -> list[Action]:
        """The actions of this round: what the elections want done, then what they want said."""
        actions, self._out = self._out, []
        pending = spoken = False
        for election in self.elections.values():
            group = election.group
            if group.out:
                actions += group.out
                group.out = []
            pending = pending or group.pending is not None
            spoken = spoken or bool(group.speech)
        if spoken and not pending:
            actions += self._compose(now)
        return actions

    def _compose(self, now: float) -> list[Action]:
        """Few adverts for all that was said: one for everybody, one for each peer spoken to.

        Not while the kernel is asked for a bind: its answer comes back at once, and then the advert can say
        what has become of us.
        """
        checking, self._checking = self._checking, {}
        said: dict[tuple[NodeId | None, Mac | None], dict[GroupId, list[Speak]]] = {}
        for group_id, election in self.elections.items():
            for speak in election.group.speech:
                said.setdefault((speak.to, speak.mac), {}).setdefault(group_id, []).append(speak)
            election.group.speech.clear()
        if self.around.address is None:
            return []
        sent = (self._send(to, mac, groups, now) for (to, mac), groups in said.items())
        return [self._with_check(one, checking, now) if checking else one for one in sent]

    def _send(
        self, to: NodeId | None, mac: Mac | None, groups: dict[GroupId, list[Speak]], now: float
    ) -> SendAdvert:
        entries = tuple(self._entry(group_id, speaks, now) for group_id, speaks in groups.items())
        everywhere = any(speak.everywhere for speaks in groups.values() for speak in speaks)
        advert = self._advert_of(entries, now)
        peer = self.around.roster.peers.get(to) if to else None
        if peer is None and mac is None:
            return self._send_to_all(advert, everywhere, now)
        raw_to = (mac,) if mac else peer.macs[:1] if peer else ()
        paths = {Path.UNICAST} if peer else set()
        if everywhere or (peer and peer.udp_silent(now)):
            paths.add(Path.RAW)
        return SendAdvert(advert, to, peer.address if peer else None, frozenset(paths), raw_to)

    def _with_check(self, sent: SendAdvert, checking: Mapping[NodeId, bool], now: float) -> SendAdvert:
        """The same advert by every path, where its receiver is one whose paths are being looked at."""
        if sent.to not in checking or sent.to not in self.around.roster.peers:
            return sent
        check = self.around.roster.check_of(sent.to, checking[sent.to], now)
        return replace(sent, advert=replace(sent.advert, check=check), paths=frozenset(Path))

    def _send_to_all(self, advert: Advert, everywhere: bool, now: float) -> SendAdvert:
        roster = self.around.roster
        interval = min((entry.interval for entry in advert.entries), default=1.0)
        raw_to = roster.raw_targets(now, interval)
        if everywhere:
            raw_to = tuple(peer.macs[0] for peer in roster.peers.values() if peer.macs)
        paths = {Path.MULTICAST} if raw_to is None else {Path.MULTICAST, Path.RAW}
        return SendAdvert(advert, paths=frozenset(paths), raw_to=raw_to or ())

    def _advert_of(self, entries: tuple[Entry, ...], now: float) -> Advert:
        around = self.around
        assert around.address is not None
        sequence = self._sequence + 1
        self._sequence += max(
            1, len(entries)
        )  # entries that do not fit beside each other leave by themselves
        return Advert(
            node=around.node,
            name=around.name,
            incarnation=around.roster.incarnation,
            sequence=sequence,
            address=around.address,
            macs=around.macs,
            capabilities=around.capabilities,
            heard=around.roster.heard(now),
            entries=entries,
        )

    def _entry(self, group_id: GroupId, speaks: list[Speak], now: float) -> Entry:
        messages = tuple(dict.fromkeys(message for speak in speaks for message in speak.messages))
        return self.elections[group_id].group.entry(messages, now)

    def _advertise_backups(self, now: float) -> None:
        self._backup_advert_at = now + self._backup_interval()
        clone_gone = self.around.roster.twin_gone(now)
        for election in self.elections.values():
            if election.group.role is not Role.ACTIVE:
                election.group.speak()
            if clone_gone:
                election.dialogue.twin_gone()

    def _backup_interval(self) -> float:
        """The pace of the adverts of all groups that are not active here."""
        intervals = [e.group.settings.timing.backup_interval for e in self.elections.values()]
        return min(intervals, default=1.0)

    def _know_addresses(self) -> None:
        bound = [one.group.settings for one in self.elections.values() if one.group.binds]
        self.around.floating = frozenset(address for settings in bound for address in settings.addresses)
        self.around.arp_suppression = any(settings.arp_suppression for settings in bound)

    def _election(self, group: GroupId) -> Election:
        return self.elections[group]
