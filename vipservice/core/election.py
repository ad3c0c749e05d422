"""One group's election: every event goes to the duties of the role it finds, and every role is left by name.

How an address moves, in one breath: a *backup* watches the active's adverts; when they stop it asks everybody
and probes the address; when D is over and the probes prove silence (*probing*) the one gate lets it bind; the
kernel says yes and it is *active*: it advertises, renews, announces. It leaves that role for a better active,
a handover, a lapsed lease or a lost link, and whatever happens the lease takes the address with it.
"""

from math import inf

from vipservice.core.actions import CommandDone, ConditionKind, Stopped
from vipservice.core.budgets import REPAIR_FAULT
from vipservice.core.contenders import Contender
from vipservice.core.events import (
    BindFailed,
    HandoverAsked,
    HealthChanged,
    InterfaceReady,
    Leftover,
    MaintenanceSet,
    NeighbourSeen,
)
from vipservice.core.group import MAX_TERM, Group, PendingBind
from vipservice.core.handover import Cause, Giving, Taking, reason_for
from vipservice.core.holding import Holding
from vipservice.core.messages import Advert, Entry, Hearsay, Offer, Question, Ready, Request, Resign
from vipservice.core.roles import Reason, Role
from vipservice.core.settings import GroupSettings, ProbeMode
from vipservice.core.standby import Standby
from vipservice.core.status import GroupStatus, NodeView
from vipservice.core.surroundings import Surroundings
from vipservice.core.timing import ADOPT_MIN_LEASE, WITNESS_PERIOD
from vipservice.core.values import Address, Mac, NodeId
from vipservice.core.verdicts import HeldByPeer

BIND_RETRY = 5.0
"""Seconds in fault after the kernel refused a bind."""

RETRY_OUT = 1.0
"""How often an active that wants out (health, maintenance, repairs) looks for a successor, seconds."""


class Election:
    """The state machine of one group on one link."""

    def __init__(
        self, settings: GroupSettings, around: Surroundings, own_term: int = 0, reserved_term: int = 1
    ) -> None:
        self.group = Group(settings, around, own_term, reserved_term)
        self.standby = Standby(self.group)
        self.holding = Holding(self.group)
        self.giving = Giving(self.group)
        self.taking = Taking(self.group)
        self._faults: dict[Reason, tuple[str, float]] = {}
        self._out_at = inf
        self._sign_at = inf
        self._stop_told = False

    # The host

    def interface_ready(self, event: InterfaceReady, now: float) -> None:
        """The interface and our own address are known: adopt, stand by, or say why not."""
        self._faults.pop(Reason.INTERFACE_LOST, None)
        if self.group.role is Role.ACTIVE:
            return
        leftovers = [one for one in event.leftovers if one.address in self.group.settings.addresses]
        foreign = [one for one in leftovers if not one.ours]
        if foreign:
            self._address_on_host(foreign[0].address, now)
        self.link_changed(event.link_up, now)
        if self._faults or self.group.role is not Role.INITIALIZE:
            self._recover(now)
        elif not self._adopt(leftovers, now):
            self.group.release()
            self._become(Role.BACKUP, Reason.STARTED, "started", now)

    def interface_lost(self, problem: str, now: float) -> None:
        """The interface is gone, or has no address of its own."""
        self._fault(Reason.INTERFACE_LOST, problem, now)

    def link_changed(self, up: bool, now: float) -> None:
        """The carrier came or went."""
        if self.group.role is Role.ACTIVE:
            self.holding.link_changed(up, now)
        elif not up:
            self._fault(Reason.LINK_LOST, "no carrier", now)
        elif self._faults.pop(Reason.LINK_LOST, None):
            self._recover(now)

    def mac_changed(self, now: float) -> None:
        """The interface has another MAC now."""
        if self.group.role is Role.ACTIVE:
            self.holding.moved_in(now)

    def expire(self, now: float) -> None:
        """Before anything else: an active whose lease is over is none, and must not say so to anybody."""
        if self.group.role is Role.ACTIVE and self.group.lease.over(now):
            self.holding.lapse(f"not renewed for {now - self.group.lease.renewed_at:.3f} s", now)
            self._left_active(now)

    def address_removed(self, address: Address, now: float) -> None:
        """The kernel says that one of our addresses is gone."""
        if address not in self.group.settings.addresses:
            return
        if self.group.role is Role.ACTIVE:
            self.holding.address_removed(address, now)
            self._left_active(now)
        elif self._faults.pop(Reason.ADDRESS_ON_HOST, None):
            self._recover(now)

    def address_added(self, address: Address, ours: bool, now: float) -> None:
        """The kernel has one of our addresses though we do not hold it."""
        if address not in self.group.settings.addresses or self.group.role is Role.ACTIVE:
            return
        if ours:
            self.group.release()
        else:
            self._address_on_host(address, now)

    def bound(self, now: float) -> None:
        """The kernel took the addresses: a renewal, a repair, or the moment we become active."""
        group, pending = self.group, self.group.pending
        group.pending = None
        group.lease.renewed(now)
        if pending is None or group.role is Role.ACTIVE:
            return
        if not pending.adopt:
            group.raise_term()
        group.lease.lost_to_rival = False
        group.phase("bind", now - pending.asked_at)
        self.holding.enter(pending.asked_at, now)
        self._become(Role.ACTIVE, pending.reason, pending.detail, now)

    def bind_failed(self, event: BindFailed, now: float) -> None:
        """The addresses are not bound, or may not be renewed."""
        group, pending = self.group, self.group.pending
        group.pending = None
        if group.role is Role.ACTIVE:
            if event.late or group.lease.over(now):
                self.holding.lapse(event.problem, now)
                self._left_active(now)
            return  # else the next renewal tries again: the lease is the limit
        group.release()
        if group.role is Role.INITIALIZE:
            self._become(Role.BACKUP, Reason.STARTED, event.problem, now)
        elif event.late:
            self.standby.stalled(now)
        elif pending is not None:
            self._fault(Reason.BIND_FAILED, event.problem, now, until=now + BIND_RETRY)

    def send_failed(self, problem: str, now: float) -> None:
        """A probe did not leave: we could not look."""
        if self.group.role in {Role.BACKUP, Role.PROBING}:
            self.standby.cannot_look(problem, now)

    def stalled(self, seconds: float, now: float) -> None:
        """We stood still; all sockets have been read since."""
        down = self.group.settings.timing.down_interval(self.group.pace.advertised, 0)
        if seconds <= down:
            return
        if self.group.role is Role.ACTIVE:
            self.holding.stalled(now)
            self._left_active(now)
        else:
            self.standby.stalled(now)

    # The others

    def advert(self, advert: Advert, entry: Entry, now: float) -> str | None:
        """A peer's entry for our group; returns why it is not acted on, if it isn't."""
        group = self.group
        ours = group.settings.addresses
        if entry.addresses != ours and not set(entry.addresses) & set(ours):
            return "foreign_addresses"
        if entry.term > MAX_TERM:
            return "term"
        group.heard_term(entry.term)
        was_active = self._was_active(advert.node)
        contender = group.contenders.hear(advert, entry, now)
        for message in entry.messages:
            self._message(contender, message, now)
        if entry.role is Role.ACTIVE:
            self._active_heard(contender, now)
        elif group.role is Role.ACTIVE and entry.role is not Role.FAULT:  # a fault may be the address itself
            self.holding.let_go(contender, now)
        elif was_active and group.role in {Role.BACKUP, Role.PROBING}:
            handed_over = any(isinstance(m, Resign) and m.successor for m in entry.messages)
            if handed_over:
                group.damping.moved(now)
            self.standby.active_gone(advert.node, handed_over, now)
        return None

    def neighbour(self, event: NeighbourSeen, now: float) -> None:
        """A frame about one of our addresses (never from a MAC of this host)."""
        ours = self.group.settings.addresses
        active = self.group.role is Role.ACTIVE
        if event.sender in ours and event.sender is not None:
            if active and self._means_a_rival(event.mac):
                self.holding.rival_frame(event.mac, now)
            elif self._standing_by:
                self.standby.answered(event.sender, event.mac, now)
        elif event.target in ours and event.target is not None:
            if active and event.answer and event.to_us:
                self.holding.proved(now)
            elif self._standing_by and event.sender is None and not event.answer:
                self.standby.claimed(event.mac, now)

    def heard_anybody(self, now: float) -> None:
        """Some other host's frame came in: an isolation is over."""
        if self._faults.pop(Reason.ISOLATED, None):
            self._sign_at = inf
            self._recover(now)

    def twin_seen(self, name: str, we_yield: bool, is_active: bool, now: float) -> None:
        """A clone with our node id is about; the greater MAC stays a backup, or yields to an active twin."""
        detail = f"{name} uses our node id: a cloned machine; remove its state directory"
        self.group.note(ConditionKind.DUPLICATE_NODE, True, detail)
        if not we_yield:
            return
        self.group.twin = detail
        if is_active and self.group.role is Role.ACTIVE:
            self.group.release()
            self._become(Role.BACKUP, Reason.DUPLICATE_NODE, detail, now)

    # The operator

    def handover(self, event: HandoverAsked, now: float) -> None:
        """An operator wants the address moved; damping never holds that back."""
        group = self.group
        if group.role is not Role.ACTIVE:
            self._refuse(event, f"this node is {group.role.value}, not active: ask the active node")
        elif self.giving.move is not None:
            self._refuse(event, "a handover is under way already")
        elif event.to is not None and (problem := self._unfit(event.to, now)):
            self._refuse(event, problem)
        elif not self.giving.start(Cause.OPERATOR, now, event.to, event.command):
            self._refuse(event, "no other node is able to take over")

    def stop(self, now: float) -> None:
        """The daemon ends: hand over within a second, else release and resign to nobody."""
        self.group.stopping = True
        if self.group.role is not Role.ACTIVE:
            self.group.speak()
            self._stopped()
        elif not self.giving.start(Cause.STOP, now):
            self._leave_without_successor(now)

    def health_changed(self, event: HealthChanged, now: float) -> None:
        """The service behind the address is well, or not."""
        self.group.healthy = event.healthy
        self.group.note(ConditionKind.UNHEALTHY, not event.healthy, event.detail)
        self.group.speak()
        self._out_at = now if self._wants_out else inf

    def maintenance(self, event: MaintenanceSet, now: float) -> None:
        """Stay out, or take part again."""
        self.group.maintenance = event.on
        self.group.speak()
        self._out_at = now if self._wants_out else inf

    def settings_changed(self, settings: GroupSettings) -> None:
        """A reload changed our numbers; the addresses are the same."""
        self.group.settings = settings
        self.group.lease.timing = settings.timing
        self.group.pace.change(settings.timing.advert_interval)
        self.group.speak()

    def forget(self, node: NodeId) -> None:
        """A node that will not come back."""
        self.group.contenders.forget(node)

    # The clock

    def deadline(self, now: float) -> float:
        """When `tick` must be called."""
        if self._ready_to_stop:
            return now
        faults = min((until for _, until in self._faults.values()), default=inf)
        due = [self.giving.deadline(), faults, self._sign_at]
        if self.group.role is Role.ACTIVE:
            due += [self.holding.deadline(), self._out_at]
        elif self._standing_by:
            due += [self.standby.deadline(now)]
        return min(due)

    def tick(self, now: float) -> None:
        """Whatever is due."""
        self.giving.tick(now)
        for reason in [reason for reason, (_, until) in self._faults.items() if now >= until]:
            del self._faults[reason]
            self._recover(now)
        if self.group.role is Role.ACTIVE:
            self.holding.tick(now)
            self._left_active(now)
            self._look_for_successor(now)
        elif self._standing_by:
            self.standby.tick(now)
        if now >= self._sign_at:
            self._sign_at = now + WITNESS_PERIOD
            self.group.ask_for_signs()
        if self._ready_to_stop:
            self._leave_without_successor(now)

    def status(self, now: float) -> GroupStatus:
        """The snapshot that everybody shows."""
        group = self.group
        return GroupStatus(
            id=group.settings.id,
            name=group.settings.name,
            addresses=group.settings.addresses,
            role=group.role,
            since=group.since,
            reason=group.reason,
            detail=group.detail,
            priority=group.priority,
            term=group.term,
            lease_left=group.lease.left(now),
            owner=self._owner(),
            verdict=type(self.standby.verdict).__name__,
            nodes=tuple(self._view(contender, now) for contender in group.contenders),
            conditions=dict(group.conditions),
            owners_observed=self._owners(now),
            maintenance=group.maintenance,
            healthy=group.healthy,
        )

    # Inside

    @property
    def _standing_by(self) -> bool:
        role = self.group.role
        return role is Role.BACKUP or role is Role.PROBING

    @property
    def _ready_to_stop(self) -> bool:
        return self.group.stopping and not self._stop_told and self.giving.move is None

    @property
    def _wants_out(self) -> bool:
        return not self.group.healthy or self.group.maintenance

    def _become(self, role: Role, reason: Reason, detail: str, now: float, not_before: float = -inf) -> None:
        """Leave the duties of the old role, change, take up those of the new."""
        old = self.group.role
        self.group.become(role, reason, detail, now)
        self._settle(old, now, not_before)

    def _settle(self, old: Role, now: float, not_before: float = -inf) -> None:
        role = self.group.role
        if old is Role.ACTIVE:
            self.holding.leave()
            if not self.giving.resigned:
                self.giving.abandon("the address was given up for another reason")
        if role in {Role.ACTIVE, Role.FAULT}:
            self.standby.leave()
        elif old is not Role.PROBING and role is Role.BACKUP:
            self.standby.enter(now, not_before)

    def _left_active(self, now: float) -> None:
        """Holding may have given the address up; then its successor role begins."""
        if self.group.role is Role.ACTIVE:
            if self.holding.wants_out and self._out_at == inf:
                self._out_at = now
            return
        if self.group.role is Role.FAULT:
            self._faults[self.group.reason] = (self.group.detail, inf)
            if self.group.reason is Reason.ISOLATED:
                self._sign_at = now + WITNESS_PERIOD  # nobody speaks to a host that asks nobody
        self._settle(Role.ACTIVE, now)

    def _adopt(self, leftovers: list[Leftover], now: float) -> bool:
        """Our own address of an earlier life, with enough lease left: renew it at once, we are active."""
        lefts = [one.lease_left for one in leftovers if one.lease_left is not None]
        group = self.group
        if len(lefts) < len(group.settings.addresses) or min(lefts) < ADOPT_MIN_LEASE:
            return False
        group.lease.adopted(min(lefts), now)
        detail = f"found our own address with {min(lefts):.2f} s of lease left"
        pending = PendingBind(Reason.ADOPTED, detail, now, adopt=True)
        return group.ask_bind(pending, None, -inf, now)

    def _address_on_host(self, address: Address, now: float) -> None:
        detail = (
            f"{address} is on this host already and not by us: remove it from the host's own configuration"
        )
        self._fault(Reason.ADDRESS_ON_HOST, detail, now, release=False)

    def _fault(
        self, reason: Reason, detail: str, now: float, until: float = inf, release: bool = True
    ) -> None:
        self._faults[reason] = (detail, until)
        if release:
            self.group.release()
        if self.group.role is not Role.FAULT:
            self._become(Role.FAULT, reason, detail, now)

    def _recover(self, now: float) -> None:
        """A cause is gone; with the last of them we are a backup, with a fresh full wait."""
        if self._faults:
            return
        if self.group.role is Role.FAULT:
            self._become(Role.BACKUP, Reason.RECOVERED, f"recovered: {self.group.reason.value} is over", now)

    def _means_a_rival(self, mac: Mac) -> bool:
        """With probe: off somebody answers for every address: only a peer's frame says anything."""
        looks = self.group.settings.probe is not ProbeMode.OFF
        return looks or self.group.around.roster.owner_of(mac) is not None

    def _was_active(self, node: NodeId) -> bool:
        watched = self.standby.watched
        return watched is not None and watched.node == node

    def _active_heard(self, contender: Contender, now: float) -> None:
        self.giving.heard_active(contender.node)
        group = self.group
        if group.role is Role.ACTIVE:
            if contender.rank > group.rank:
                self.holding.better_active(contender, now)
                self._left_active(now)
            else:
                self.holding.lesser_active(contender, now)
        if self._standing_by:
            greatest = group.contenders.actives(now)[0]
            self.standby.active_heard(greatest, now) if greatest is contender else None

    def _message(self, contender: Contender, message: object, now: float) -> None:
        match message:
            case Offer():
                self.taking.offered(contender, message, now)
            case Ready():
                if self.giving.ready(contender.node, message, now):
                    self._let_go(now)
            case Resign():
                self._resigned(contender, message, now)
            case Request():
                self._requested(contender, now)
            case Question():
                self._answer(contender, now)
            case Hearsay():
                if self._standing_by:
                    self.standby.hearsay(message, now)

    def _let_go(self, now: float) -> None:
        """The successor is ready and the address released: leave the role, resign."""
        move = self.giving.move
        assert move is not None
        reason = reason_for(move.cause)
        if move.cause is Cause.REPAIRS:
            self._faults[reason] = (self.giving.why(), now + REPAIR_FAULT)
            self._become(Role.FAULT, reason, self.giving.why(), now)
        else:
            self._become(Role.BACKUP, reason, self.giving.why(), now, not_before=move.resigned_until)
        self.giving.say_resign()

    def _resigned(self, giver: Contender, message: Resign, now: float) -> None:
        """An active has let go. If it named us and our number is fresh, bind without probing."""
        right_until = self.taking.right_from(giver, message)
        if right_until < now or not self._standing_by or self.group.barred:
            return
        pending = PendingBind(Reason.HANDOVER_TAKEN, f"{giver.name} handed over", now)
        self.group.ask_bind(pending, None, right_until, now)

    def _requested(self, contender: Contender, now: float) -> None:
        """A better node asks for the address: granted unless damped."""
        group = self.group
        better = contender.entry.priority > group.priority
        if group.role is not Role.ACTIVE or not better or self.giving.move is not None:
            return
        damped = group.damping.holds_back(now)
        detail = f"held back {contender.name}: more than 3 moves in 60 s" if damped else ""
        group.note(ConditionKind.DAMPED, damped, detail)
        if not damped:
            self.giving.start(Cause.FAILBACK, now, to=contender.node)

    def _answer(self, contender: Contender, now: float) -> None:
        """Who hears the active? The active itself, or whoever heard it first-hand."""
        group = self.group
        if group.role is Role.ACTIVE:
            group.speak(to=contender.node, everywhere=True)
            return
        actives = [c for c in group.contenders.actives(now) if c.node != contender.node]
        if actives:
            active = actives[0]
            age = now - active.heard_at
            left = max(0.0, active.entry.lease_left - age)
            said = Hearsay(
                active.node, active.incarnation, age, active.entry.term, active.entry.priority,
                active.entry.interval, left,
            )  # fmt: skip
            group.speak(said, to=contender.node, everywhere=True)

    def _look_for_successor(self, now: float) -> None:
        """Unhealthy, in maintenance or robbed too often: hand over as soon as somebody fit is there."""
        if self.group.role is not Role.ACTIVE or now < self._out_at:
            return
        cause = self._cause_to_leave()
        self._out_at = now + RETRY_OUT if cause else inf
        if cause:
            self.giving.start(cause, now)

    def _cause_to_leave(self) -> Cause | None:
        if self.holding.wants_out:
            return Cause.REPAIRS
        if self.group.maintenance:
            return Cause.MAINTENANCE
        return None if self.group.healthy else Cause.HEALTH

    def _unfit(self, node: NodeId, now: float) -> str | None:
        """Why `node` cannot take over, in a sentence."""
        contender = self.group.contenders.get(node)
        if contender is None:
            return "that node is not known in this group"
        if not contender.living(now):
            return f"{contender.name} was last heard {now - contender.heard_at:.1f} s ago"
        if contender.entry.digest != self.group.digest:
            return f"{contender.name} has other addresses in this group"
        if contender not in self.group.contenders.successors(now):
            return f"{contender.name} is {contender.entry.role.value} and not able to take over"
        return None

    def _refuse(self, event: HandoverAsked, detail: str) -> None:
        self.group.out.append(CommandDone(event.command, False, detail))

    def _leave_without_successor(self, now: float) -> None:
        if self.group.role is Role.ACTIVE:
            self.group.release()
            detail = "this daemon is stopping and no backup is ready"
            self._become(Role.BACKUP, Reason.STOPPED, detail, now)
            self.group.speak(Resign(None, self.group.own_term, 0), everywhere=True)
        self._stopped()

    def _stopped(self) -> None:
        self._stop_told = True
        self.group.out.append(Stopped(self.group.settings.id))

    def _owner(self) -> str | None:
        if self.group.role is Role.ACTIVE:
            return self.group.around.name
        if self.standby.watched:
            return self.standby.watched.name
        return None

    def _owners(self, now: float) -> int:
        group = self.group
        actives = {contender.node for contender in group.contenders.actives(now)}
        held = self.standby.verdict if self._standing_by else None
        silent = 0
        if isinstance(held, HeldByPeer):
            holder = group.around.roster.owner_of(held.mac)
            silent = int(holder is not None and holder.node not in actives)
        return len(actives) + silent + (group.role is Role.ACTIVE)

    def _view(self, contender: Contender, now: float) -> NodeView:
        peer = self.group.around.roster.peers.get(contender.node)
        return NodeView(
            node=contender.node,
            name=contender.name,
            address=contender.address,
            role=contender.entry.role,
            priority=contender.entry.priority,
            term=contender.entry.term,
            heard_ago=now - contender.heard_at,
            hears_us_ago=now - peer.heard_us_at if peer else inf,
            living=contender.living(now),
            fit=contender.entry.fit,
        )
