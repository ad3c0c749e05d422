"""One interface of this host in the election: its sockets, and one round of the loop over them.

A round is: read every socket, tell the election, then the timers, then nothing is left but to wait. What the
election wants is carried out at once and in order, and what the kernel says to it goes back in.
"""

import logging
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from math import inf

from vipservice.config.settings import AdvertSettings, ResolvedGroup
from vipservice.core.actions import (
    Action,
    Announce,
    AskNeighbours,
    Bind,
    Probe,
    Rejected,
    Release,
    Renew,
    SendAdvert,
    StorePeers,
)
from vipservice.core.events import (
    AddressAdded,
    AddressRemoved,
    BindFailed,
    Bound,
    Event,
    InterfaceLost,
    LinkChanged,
    SettingsChanged,
    Stalled,
)
from vipservice.core.segment import Segment
from vipservice.core.settings import BindMode
from vipservice.core.timing import MIN_STALL
from vipservice.core.values import Address, GroupId
from vipservice.runtime.bind import Binder
from vipservice.runtime.detect import Detector, Found
from vipservice.runtime.observe import Observer
from vipservice.runtime.opened import Open, open_interface
from vipservice.runtime.pinger import Target
from vipservice.runtime.ports import (
    AddressGone,
    AddressSeen,
    EventsLost,
    GatewayChanged,
    Host,
    HostError,
    HostEvent,
    LinkGone,
    LinkSeen,
    Platform,
    StoredGroup,
)
from vipservice.wire.signing import Keyring

log = logging.getLogger("vipservice")

RETRY = 1.0
"""Seconds until an interface that could not be used is looked at again."""


class Link:
    """All groups on one interface: opened when it is there, waiting while it is not."""

    def __init__(
        self,
        segment: Segment,
        groups: Sequence[ResolvedGroup],
        host: Host,
        platform: Platform,
        observer: Observer,
        keyring: Keyring,
        adverts: AdvertSettings,
        remembered: set[str],
    ) -> None:
        self.segment = segment
        self.groups = {group.core.id: group for group in groups}
        self.name = next(iter(self.groups.values())).interface
        self.open: Open | None = None
        self.generation = 0
        """Grows whenever sockets are opened or closed."""
        self._binder: Binder | None = None
        """Outlives the sockets: what cannot be heard any more can still be released."""
        self._host = host
        self._platform = platform
        self._observer = observer
        self._keyring = keyring
        self._adverts = adverts
        self._prefix_lengths: dict[GroupId, int] = {}
        """Of the groups that are bound; the binder's too."""
        for group in groups:
            self._bind_as(group)
        self._remembered = remembered
        self._listening: frozenset[Address] = frozenset()
        self._look_again_at = inf
        self._bare_since = inf
        """Since when the interface has had no address of its own."""
        self.waiting_for = ""
        """What is missing while the interface cannot be used, in words."""

    # A round

    def read(self, host_events: Iterable[HostEvent], ready: AbstractSet[int]) -> None:
        """What the kernel says, and what lies in those sockets of ours that are `ready`."""
        for host_event in host_events:
            self._host_event(host_event)
        if self.open is None:
            return
        for advert in self.open.adverts.receive(ready, self._observer.advert_rejected):
            self._observer.advert_received(advert.path)
            self.tell(advert)
        if self.open is not None:  # an advert may have closed it, in theory; nothing may be assumed of peers
            for seen in self.open.looking.receive(ready, self._observer.frame_rejected):
                self.tell(seen)
            refused, strange = self.open.adverts.refused, self.open.looking.strange
            self.open.strangers.count(refused, strange, self._platform.clock())
            if self.open.pinger.fileno() in ready:
                self.open.pinger.receive()

    def stood_still(self, seconds: float) -> None:
        """We woke late; all sockets have been read."""
        if seconds > MIN_STALL and seconds > self.segment.stall_threshold():
            self._observer.stalled(seconds)
            self.tell(Stalled(seconds))

    def tick(self, now: float) -> None:
        """The timers."""
        if now >= self._look_again_at:
            self.look()
        self._carry_out(self.segment.tick(now))
        if self.open is not None and now >= self.open.pinger.deadline:
            self.open.pinger.tick(now, lambda group: self.groups[group].ping_interval, self._targets)

    def deadline(self, now: float) -> float:
        """When `tick` is due."""
        pinger = self.open.pinger.wake_at if self.open else inf
        return min(self.segment.deadline(now), self._look_again_at, pinger)

    def tell(self, event: Event) -> None:
        """One event for the election, and everything that follows from it."""
        self._carry_out(self.segment.handle(event, self._platform.clock()))

    # A reload

    def change(self, group: ResolvedGroup) -> None:
        """Other numbers for a group, the same addresses."""
        self.groups[group.core.id] = group
        self._groups_changed()
        self.tell(SettingsChanged(group.core))

    def replace(self, group: ResolvedGroup, stored: StoredGroup) -> None:
        """Fewer addresses, or another way to look: what it holds it adopts, and nobody notices."""
        before = self.groups[group.core.id].core.addresses
        self._release(Release(group.core.id, tuple(set(before) - set(group.core.addresses))))
        self.segment.remove(group.core.id)
        self.join(group, stored)

    def join(self, group: ResolvedGroup, stored: StoredGroup) -> None:
        """Take part in one more group, from the next `look` on."""
        self.groups[group.core.id] = group
        self._bind_as(group)
        self._remembered.update(stored.addresses)
        self.segment.add(group.core, stored.own_term, stored.reserved_term, stored.maintenance)
        self._groups_changed()

    def leave(self, group_id: GroupId) -> None:
        """Take no part in a group any more; it has said goodbye, or had the time to."""
        self._release(Release(group_id, self.groups[group_id].core.addresses))
        if self.open is not None:
            self.open.pinger.stop(group_id)
        del self.groups[group_id]
        self._prefix_lengths.pop(group_id, None)
        self.segment.remove(group_id)
        self._groups_changed()

    def change_adverts(self, name: str, adverts: AdvertSettings, keyring: Keyring) -> None:
        """From now on the first key signs and all verify; another name, other peers by unicast."""
        self.segment.around.name = name
        self._adverts, self._keyring = adverts, keyring
        if self.open is not None:
            self.open.adverts.keyring = keyring
            self.open.adverts.unicast_peers = adverts.peers

    def _bind_as(self, group: ResolvedGroup) -> None:
        if group.core.bind is BindMode.KERNEL:
            self._prefix_lengths[group.core.id] = group.prefix_length

    def _groups_changed(self) -> None:
        witnesses = (address for group in self.groups.values() for address in group.witnesses)
        self.segment.around.witnesses = tuple(dict.fromkeys(witnesses))
        self._listen()
        self._ping()

    # The interface

    def look(self) -> None:
        """Look at the interface: open it, notice that it changed, or wait for it."""
        self._look_again_at = inf
        found = Detector(self._host, self.name, self.segment.around.floating, self._remembered).look()
        if isinstance(found, InterfaceLost):
            self._lose_unless_new_address(found)
            return
        self._bare_since = inf
        if self.open is None or self.open.found.place != found.place:
            self._close()
            try:
                self.open = self._open(found)
                self.generation += 1
            except HostError as error:
                self._lose(InterfaceLost(str(error)))
                return
        self.open.found = found
        self.waiting_for = ""
        self.tell(found.ready)
        self._listen()
        self._ping()

    def release_all(self) -> None:
        """Whatever happened: nothing of ours stays on the interface."""
        for group in self.groups.values():
            self._release(Release(group.core.id, group.core.addresses))

    def close(self) -> None:
        """Let the sockets go."""
        self._close()

    def held(self) -> dict[Address, float]:
        """The kernel's truth, by one question for all: the floating addresses it has, with the lease left."""
        found = {} if self._binder is None else self._binder.held()
        return {one: found[one] for one in self.segment.around.floating if one in found}

    def _holds(self, address: Address) -> bool:
        return self._binder is not None and self._binder.holds(address)

    def _release(self, action: Release) -> None:
        if self._binder is not None:
            self._complain(self._binder.release(action))

    def _open(self, found: Found) -> Open:
        opened = open_interface(self._platform, found, self._adverts, self._keyring, self._observer)
        clock = self._platform.clock
        self._binder = Binder(self._host, found.interface.index, self._prefix_lengths, clock)
        return opened

    def _close(self) -> None:
        if self.open is not None:
            self.open.close()
        self.open, self._listening = None, frozenset()
        self.generation += 1

    def _lose_unless_new_address(self, lost: InterfaceLost) -> None:
        """Who changes the host's address may take the old one away first: the new one is waited for."""
        now = self._platform.clock()
        self._bare_since = min(self._bare_since, now)
        until = self._bare_since + self.segment.stall_threshold()
        if lost.bare and self.open is not None and now < until:
            self._look_again_at = until
        else:
            self._lose(lost)

    def _lose(self, lost: InterfaceLost) -> None:
        """A missing interface is a state to wait in, not an error."""
        if lost.problem != self.waiting_for:
            self.tell(lost)
        self.waiting_for = lost.problem
        self._close()
        self._look_again_at = self._platform.clock() + RETRY

    def _listen(self) -> None:
        """Tell the kernel filter whose packets matter now."""
        wanted = self.segment.listening_for()
        if self.open is not None:
            peers = self.segment.around.roster.peers.values()
            self.open.strangers.know(frozenset(mac for peer in peers for mac in peer.macs))
        if self.open is not None and wanted != self._listening:
            self._listening = wanted
            self.open.looking.listen_for(wanted)

    def _ping(self) -> None:
        """Begin to ping for the groups that want it, and end it for those that don't."""
        if self.open is None:
            return
        for group in self.groups.values():
            if group.ping_interval:
                self._observer.pinging(self._everybody(group.core.id))
                self.open.pinger.start(group.core.id, self._platform.clock())
            else:
                self.open.pinger.stop(group.core.id)

    def _host_event(self, event: HostEvent) -> None:
        index = self.open.found.interface.index if self.open else None
        match event:
            case AddressGone(index=at, address=address) if at == index:
                self._address_gone(address)
            case AddressSeen(index=at) if at == index:
                self._address_seen(event)
            case LinkSeen(index=at, name=name) if index in (None, at) or name == self.name:
                self._link_seen(event)
            case LinkGone(index=at) if at == index:
                self.look()
            case EventsLost():
                self.look()
                self._check_bound()
            case GatewayChanged():
                self.look()
            case AddressSeen() if index is None:
                self.look()

    def _address_gone(self, address: Address) -> None:
        """Gone by somebody's hand, unless the kernel has it again: then it was our own doing, long past."""
        if address not in self.segment.around.floating:
            self.look()
        elif not self._holds(address):
            self.tell(AddressRemoved(address))

    def _address_seen(self, event: AddressSeen) -> None:
        """Added by somebody, unless it is gone again: then it was our own doing, long past."""
        if event.address not in self.segment.around.floating:
            self.look()
        elif self._holds(event.address):
            ours = event.ours or (not event.permanent and str(event.address) in self._remembered)
            self.tell(AddressAdded(event.address, ours))

    def _link_seen(self, event: LinkSeen) -> None:
        known = self.open.found.interface if self.open else None
        if known is None or (known.name, known.mac) != (event.name, event.mac):
            self.look()
        elif self.segment.around.link_up != event.up:
            self.tell(LinkChanged(event.up))

    def _check_bound(self) -> None:
        """Events were lost: what should be there and isn't has been removed."""
        for address in self.segment.around.floating - self.held().keys():
            self.tell(AddressRemoved(address))

    def _targets(self, group: GroupId) -> Iterable[Target]:
        """Whom to ping for this group now: the address only where it is not our own."""
        own = self.segment.holds(group)
        return (target for target in self._everybody(group) if not (own and target.kind == "vip"))

    def _everybody(self, group: GroupId) -> Iterable[Target]:
        """The address, peers, gateway and witnesses."""
        resolved, around = self.groups[group], self.segment.around
        yield from (Target(group, one, "vip", str(one)) for one in resolved.core.addresses)
        yield from (Target(group, one.address, "peer", one.name) for one in around.roster.peers.values())
        if around.gateway is not None:
            yield Target(group, around.gateway, "gateway", str(around.gateway))
        yield from (Target(group, one, "witness", str(one)) for one in resolved.witnesses)

    # Actions

    def _carry_out(self, actions: list[Action]) -> None:
        if not actions:
            return
        results = [result for action in actions if (result := self._act(action))]
        self._listen_to_new_peers(actions)
        for result in results:
            self.tell(result)

    def _act(self, action: Action) -> Event | None:
        match action:
            case Bind() | Renew():
                return self._bind(action)
            case Release():
                self._release(action)
            case SendAdvert() | Probe() | Announce() | AskNeighbours():
                return self._say(self.open, action) if self.open is not None else None
            case _:
                if isinstance(action, Rejected) and self.open is not None:
                    self.open.strangers.disbelieved(action)
                self._observer.observe(action)
        return None

    def _bind(self, action: Bind | Renew) -> Event:
        if self._binder is None or self.open is None:
            return BindFailed(action.group, self.waiting_for or "the interface is not open")
        self._remembered.update(map(str, action.addresses))
        late = action.not_after - self._platform.clock() < action.lease / 2
        answer = self._binder.bind(action)
        if isinstance(action, Renew):
            self._observer.renewed(action.group, ok=isinstance(answer, Bound), late=late)
        return answer

    def _say(self, used: Open, action: SendAdvert | Probe | Announce | AskNeighbours) -> Event | None:
        match action:
            case SendAdvert():
                self._send(used, action)
            case Probe():
                return used.looking.probe(action)
            case Announce():
                self._observer.observe(action)
                self._complain(used.looking.announce(action))
            case AskNeighbours():
                self._complain(used.looking.ask(action))
        return None

    def _send(self, used: Open, action: SendAdvert) -> None:
        for path, problem in used.adverts.send(action):
            if problem is None:
                self._observer.advert_sent(path)
            else:
                self._observer.advert_not_sent(path, problem)

    def _complain(self, problem: HostError | None) -> None:
        if problem is not None:
            self._observer.send_failed(problem)

    def _listen_to_new_peers(self, actions: list[Action]) -> None:
        if any(isinstance(action, StorePeers) for action in actions):
            self._listen()
