"""Holding the address: advertise, renew the lease, announce, prove, look for rivals, keep listening.

Only signed words make an active release. ARP only ever starts a question: to a rival seen in a frame we send
our advert by every path and let ranks decide.
"""

from math import inf

from vipservice.core.actions import Announce, AskNeighbours, ConditionKind, Probe, Repaired
from vipservice.core.announcing import Announcing
from vipservice.core.budgets import REPAIR_RETRY, Repairs
from vipservice.core.contenders import Contender
from vipservice.core.group import Group, PendingBind, Speak
from vipservice.core.roles import Reason, Role
from vipservice.core.settings import Isolation
from vipservice.core.timing import MIN_STALL, SELF_PROBE_PERIOD, WITNESS_PERIOD
from vipservice.core.values import Address, Mac

RIVAL_MEMORY = 5.0
"""A rival condition ends when none was seen for this long, seconds."""

MIN_OTHERS_TO_RELEASE = 2
"""Where only one other had answered, its silence may be its own death: hold and alarm."""


def following(due: float, period: float, now: float) -> float:
    """When to do again what was due at `due`: on the beat, or a period from now where beats were missed.

    All duties start with the takeover, so on the beat they fall together and the loop wakes once for them.
    """
    return due + period if due + period > now else now + period


class Holding:
    """The duties of an active."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self.announcing = Announcing(group.settings.announce_refresh)
        self.repairs = Repairs()
        self.wants_out = False
        """The repair budget is spent: hand over, then fault."""
        self._entered_at = -inf
        self._proved = True
        self._advert_at = inf
        self._renew_at = inf
        self._self_probe_at = inf
        self._witness_at = inf
        self._link_lost_at = inf
        self._repair_at = inf
        self._removed: list[Address] = []
        """What the next repair puts back."""
        self._rival_at = -inf
        self._answered_at: dict[Mac, float] = {}

    def enter(self, asked_at: float, now: float) -> None:
        """The kernel holds the address for us from now."""
        timing = self._group.settings.timing
        self._entered_at, self._proved = asked_at, False
        self._advert_at = now + self._group.pace.kept
        self._renew_at = now + timing.renew_period
        self._self_probe_at = now + SELF_PROBE_PERIOD
        self._witness_at = now + WITNESS_PERIOD
        self._link_lost_at = self._repair_at = inf
        self._removed = []
        self.wants_out = False
        self._start_announcing(now)

    def leave(self) -> None:
        """We hold it no more."""
        self.announcing.stop()
        self._answered_at.clear()
        for kind in (ConditionKind.RIVAL, ConditionKind.DEAF, ConditionKind.DAMPED):
            self._group.note(kind, False)

    @property
    def link_lost(self) -> bool:
        """Whether there was no carrier when we were told last."""
        return self._link_lost_at < inf

    # The clock

    def deadline(self) -> float:
        """When to act next."""
        return min(
            self._advert_at,
            self._renew_at if self._repair_at == inf else inf,
            self._self_probe_at,
            self._witness_at,
            self._link_lost_at,
            self._repair_at,
            self.announcing.deadline,
            self._group.lease.end,
        )

    def tick(self, now: float) -> None:
        """Whatever is due. The lease comes first: where it is over we delete before we look."""
        group = self._group
        if group.lease.over(now):
            self.lapse(f"not renewed for {now - group.lease.renewed_at:.3f} s", now)
            return
        if now >= self._link_lost_at:
            self._give_up(Role.FAULT, Reason.LINK_LOST, "no carrier for one interval", now)
            return
        self.wants_out = self.wants_out and self.repairs.exhausted(now)
        if now >= self._renew_at and self._repair_at == inf:  # a renewal would be a repair unasked
            self._renew_at = following(self._renew_at, group.settings.timing.renew_period, now)
            group.ask_renew(now)
        if now >= self._advert_at:
            self._advertise(now)
        if now >= self._repair_at:
            self._repair(now)
        if self.announcing.due(now):
            self._announce(now)
        if now >= self._self_probe_at:
            self._look_for_rivals(now)
        if now >= self._witness_at:
            self._listen(now)

    # What happens to us

    def lapse(self, detail: str, now: float) -> None:
        """The lease is over: delete first, then look."""
        self._give_up(Role.BACKUP, Reason.LEASE_LAPSED, detail, now)

    def better_active(self, rival: Contender, now: float) -> None:
        """A signed advert of a greater active: release at once."""
        self._group.lease.lost_to_rival = True
        ours, theirs = self._group.rank, rival.rank
        detail = (
            f"{rival.name} is active with term {theirs.term} and priority {theirs.priority}, "
            f"ours are {ours.term} and {ours.priority}"
        )
        self._give_up(Role.BACKUP, Reason.BETTER_ACTIVE, detail, now)
        self._group.speak(to=rival.node, everywhere=True)

    def lesser_active(self, rival: Contender, now: float) -> None:
        """A signed advert of an active that must release: answer at once, and win the caches back."""
        self._see_rival(f"{rival.name} ({rival.address}) is active too, with a lower rank", now)
        self._group.speak(to=rival.node, everywhere=True)
        self._start_announcing(now)

    def rival_frame(self, mac: Mac, now: float) -> None:
        """ARP/ND from somebody else with our address as sender: put the question to it, by every path."""
        self._see_rival(f"{self._group.around.call(mac)} uses the address too", now)
        if now - self._answered_at.get(mac, -inf) < self._group.pace.kept:
            return
        self._answered_at = {m: at for m, at in self._answered_at.items() if now - at < RIVAL_MEMORY} | {
            mac: now
        }
        peer = self._group.around.roster.owner_of(mac)
        self._group.speech.append(Speak(to=peer.node if peer else None, everywhere=True, mac=mac))
        self._group.speak()
        self.announcing.again(now)

    def let_go(self, other: Contender, now: float) -> None:
        """Who used the address says that it does no more: what it announced may still stand in caches."""
        seen = [self._answered_at.pop(mac, -inf) for mac in other.macs]
        if now - max(seen, default=-inf) <= RIVAL_MEMORY:
            self._start_announcing(now)

    def proved(self, now: float) -> None:
        """A neighbour answered the floating address at our MAC: it has learned where it lives."""
        if not self._proved:
            self._proved = True
            self._group.phase("proof", now - self._entered_at)

    def stalled(self, now: float) -> None:
        """We stood still: keep role and address, advertise at once, renew only after D without a rival.

        What was removed meanwhile comes back no sooner: others may have looked for it, and found nobody.
        """
        group = self._group
        timing = group.settings.timing
        if group.lease.over(now):
            self.lapse(f"stood still, not renewed for {now - group.lease.renewed_at:.3f} s", now)
            return
        self._advertise(now)
        wait = max(timing.down_interval(group.pace.advertised, 0), MIN_STALL)
        would_end = now + wait >= group.lease.end - timing.renew_period / 2
        self._renew_at = now if would_end else now + wait
        if self._repair_at < inf:
            self._repair_at = max(self._repair_at, now + wait)

    def link_changed(self, up: bool, now: float) -> None:
        """A flap is no fault: the address stays for one interval."""
        if up:
            self._link_lost_at = inf
            self._start_announcing(now)
            self._group.speak()
        else:
            self._link_lost_at = now + self._group.pace.kept

    def moved_in(self, now: float) -> None:
        """Our MAC has changed: the neighbours must learn it."""
        self._start_announcing(now)
        self._group.speak()

    def address_removed(self, address: Address, now: float) -> None:
        """The kernel has it no more: a lapse, or somebody's hand."""
        group = self._group
        if group.lease.lapsing(now):
            self.lapse(
                f"the kernel removed {address} {now - group.lease.renewed_at:.3f} s after the renewal", now
            )
            return
        if address not in self._removed:
            self._removed.append(address)
        # Never at once: what else has come in meanwhile may say that somebody else holds it by now.
        if self.repairs.exhausted(now):
            self.wants_out = True
            self._repair_at = now + REPAIR_RETRY
        else:
            self._repair_at = max(self.repairs.due(one, now) for one in self._removed)

    # Duties

    def _advertise(self, now: float) -> None:
        self._group.pace.sent()
        self._advert_at = following(self._advert_at, self._group.pace.kept, now)
        self._group.speak()

    def _start_announcing(self, now: float) -> None:
        """The whole schedule, its first announcement at once."""
        if not self._group.binds:
            return
        self.announcing.start(now)
        if self.announcing.due(now):
            self._announce(now)

    def _announce(self, now: float) -> None:
        group = self._group
        group.out.append(Announce(group.settings.id, group.settings.addresses))
        if self.announcing.opening and (targets := group.around.to_ask()):
            group.around.hearing.ask_anew(targets, now)
            group.out += [AskNeighbours(address, targets) for address in group.settings.addresses]

    def _look_for_rivals(self, now: float) -> None:
        self._self_probe_at = following(self._self_probe_at, SELF_PROBE_PERIOD, now)
        group = self._group
        if group.binds:
            group.out += [Probe(group.settings.id, address, None) for address in group.settings.addresses]
        if now - self._rival_at > RIVAL_MEMORY:
            group.note(ConditionKind.RIVAL, False)
        if not group.damping.holds_back(now):
            group.note(ConditionKind.DAMPED, False)

    def _listen(self, now: float) -> None:
        """Ask for a sign of life each second, and face it when none has come for a whole lease."""
        self._witness_at = following(self._witness_at, WITNESS_PERIOD, now)
        group, around = self._group, self._group.around
        group.ask_for_signs(now)
        last = around.hearing.last
        silence = now - last
        others = around.hearing.others_before(last) if silence >= group.settings.timing.lease else 0
        said = f"nothing was heard from anybody for {silence:.1f} s" if others else ""
        group.note(ConditionKind.DEAF, others > 0, said)
        limit = group.settings.timing.lease + group.settings.isolation_wait
        may = group.settings.on_isolation is Isolation.RELEASE
        if may and others >= MIN_OTHERS_TO_RELEASE and silence >= limit:
            detail = (
                f"nothing heard for {silence:.1f} s, where {others} hosts had answered in the minute before"
            )
            self._give_up(Role.FAULT, Reason.ISOLATED, detail, now)

    def _repair(self, now: float) -> None:
        group, removed = self._group, self._removed
        self._repair_at, self._removed = inf, []
        pending = PendingBind(group.reason, group.detail, now, adopt=True)
        if group.ask_bind(pending, None, -inf, now):
            self.repairs.spend(removed, now)
            group.out += [Repaired(group.settings.id, one) for one in removed]
            self._start_announcing(now)

    def _see_rival(self, detail: str, now: float) -> None:
        self._rival_at = now
        self._group.note(ConditionKind.RIVAL, True, detail)

    def _give_up(self, role: Role, reason: Reason, detail: str, now: float) -> None:
        self._group.release()
        self._group.become(role, reason, detail, now)
