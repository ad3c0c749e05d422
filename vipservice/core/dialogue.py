"""What the other nodes say, and what neighbours' frames show: heard, weighed, answered."""

from vipservice.core.actions import ConditionKind
from vipservice.core.contenders import Contender
from vipservice.core.duties import Duties
from vipservice.core.events import NeighbourSeen
from vipservice.core.group import MAX_TERM, PendingBind
from vipservice.core.handover import Cause
from vipservice.core.messages import Advert, Entry, Hearsay, Message, Offer, Question, Ready, Request, Resign
from vipservice.core.roles import Reason, Role
from vipservice.core.settings import ProbeMode
from vipservice.core.timing import LIVING_INTERVALS
from vipservice.core.values import Mac, NodeId


class Dialogue:
    """One group's side of the talk on the link."""

    def __init__(self, duties: Duties) -> None:
        self._duties = duties
        self._group = duties.group

    def advert(self, advert: Advert, entry: Entry, now: float) -> str | None:
        """A peer's entry for our group; returns why it is not acted on, if it isn't."""
        group = self._group
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
            self._duties.holding.let_go(contender, now)
        elif was_active and group.role in {Role.BACKUP, Role.PROBING}:
            handed_over = any(isinstance(m, Resign) and m.successor for m in entry.messages)
            if handed_over:
                group.damping.moved(now)
            self._duties.standby.active_gone(advert.node, handed_over, now)
        return None

    def neighbour(self, event: NeighbourSeen, now: float) -> None:
        """A frame about one of our addresses (never from a MAC of this host)."""
        ours = self._group.settings.addresses
        active = self._duties.active
        if event.sender in ours and event.sender is not None:
            if active and self._means_a_rival(event.mac):
                self._duties.holding.rival_frame(event.mac, now)
            elif self._duties.standing_by:
                self._duties.standby.answered(event.sender, event.mac, now)
                self._duties.taking.answered(event.mac)
        elif event.target in ours and event.target is not None:
            if active and event.answer and event.to_us:
                self._duties.holding.proved(now)
            elif self._duties.standing_by and event.sender is None and not event.answer:
                self._duties.standby.claimed(event.mac, now)

    def heard_anybody(self, now: float) -> None:
        """Some other host's frame came in: an isolation is over."""
        if self._duties.faults:
            self._duties.over(Reason.ISOLATED, now)

    def twin_seen(self, name: str, we_yield: bool, is_active: bool, now: float) -> None:
        """A clone with our node id is about; the greater MAC stays a backup, or yields to an active twin."""
        detail = f"{name} uses our node id: a cloned machine; remove its state directory"
        self._group.note(ConditionKind.DUPLICATE_NODE, True, detail)
        if is_active:  # a clone has our settings: our own pace says how soon it is heard again
            pace = self._group.settings.timing.advert_interval
            self._group.twin_holds_until = now + LIVING_INTERVALS * pace
        if not we_yield:
            return
        self._group.twin = detail
        if is_active and self._duties.active:
            self._group.release()
            self._duties.become(Role.BACKUP, Reason.DUPLICATE_NODE, detail, now)

    def twin_gone(self) -> None:
        """The clone has not been heard for a minute: it was renamed, or switched off."""
        self._group.twin = None
        self._group.note(ConditionKind.DUPLICATE_NODE, False)

    def _means_a_rival(self, mac: Mac) -> bool:
        """With probe: off somebody answers for every address: only a peer's frame says anything."""
        looks = self._group.settings.probe is not ProbeMode.OFF
        return looks or self._group.around.roster.owner_of(mac) is not None

    def _was_active(self, node: NodeId) -> bool:
        watched = self._duties.standby.silence.watched
        return watched is not None and watched.node == node

    def _active_heard(self, contender: Contender, now: float) -> None:
        self._duties.giving.heard_active(contender.node)
        group = self._group
        if group.role is Role.ACTIVE:
            if contender.rank > group.rank:
                self._duties.holding.better_active(contender, now)
                self._duties.left_active(now)
            else:
                self._duties.holding.lesser_active(contender, now)
        if self._duties.standing_by:
            greatest = group.contenders.actives(now)[0]
            self._duties.standby.active_heard(greatest, now) if greatest is contender else None

    def _message(self, contender: Contender, message: Message, now: float) -> None:
        match message:
            case Offer():
                self._duties.taking.offered(contender, message, now)
            case Ready():
                if self._duties.giving.ready(contender.node, message, now):
                    self._duties.let_go(now)
            case Resign():
                self._resigned(contender, message, now)
            case Request():
                self._requested(contender, now)
            case Question():
                self._answer(contender, now)
            case Hearsay():
                if self._duties.standing_by:
                    self._duties.standby.hearsay(message, now)

    def _resigned(self, giver: Contender, message: Resign, now: float) -> None:
        """An active has let go. If it named us and our number is fresh, bind without probing."""
        right_until = self._duties.taking.right_from(giver, message)
        if right_until < now or not self._duties.standing_by or self._group.barred:
            return
        if self._group.others_hold(giver.node, now):
            return  # somebody else has taken it since we said ready
        pending = PendingBind(Reason.HANDOVER_TAKEN, f"{giver.name} handed over", now)
        self._group.ask_bind(pending, None, right_until, now)

    def _requested(self, contender: Contender, now: float) -> None:
        """A better node asks for the address: granted unless damped."""
        group = self._group
        better = contender.entry.priority > group.priority
        if group.role is not Role.ACTIVE or not better or self._duties.giving.move is not None:
            return
        damped = group.damping.holds_back(now)
        detail = f"held back {contender.name}: more than 3 moves in 60 s" if damped else ""
        group.note(ConditionKind.DAMPED, damped, detail)
        if not damped:
            self._duties.giving.start(Cause.FAILBACK, now, to=contender.node)

    def _answer(self, contender: Contender, now: float) -> None:
        """Who hears the active? The active itself, or whoever heard it first-hand."""
        group = self._group
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
