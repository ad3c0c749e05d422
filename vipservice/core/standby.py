"""Standing ready: watch the active, and when it falls silent ask, look, and take over.

From 1.25 intervals after the active's last advert we ask everybody who hears it, and probe the address, so
that the verdict falls when the down interval D ends. Our position among the backups delays the bind, never
the looking. Adverts make this fast; what the kernels answer decides.
"""

from math import inf

from vipservice.core.actions import Probe
from vipservice.core.contenders import Contender
from vipservice.core.failback import Failback
from vipservice.core.group import Group, PendingBind
from vipservice.core.messages import Hearsay, Question
from vipservice.core.probing import Probing
from vipservice.core.roles import Reason, Role
from vipservice.core.settings import ProbeMode
from vipservice.core.silence import Silence, Watched, watched_at
from vipservice.core.telling import tell
from vipservice.core.timing import ANSWERED_WINDOW, PROBE_AFTER, WITNESS_PERIOD
from vipservice.core.values import Address, Mac, NodeId
from vipservice.core.verdicts import (
    Claimed,
    Conflict,
    HeldByPeer,
    Silent,
    Undecided,
    Unknown,
    Verdict,
)
from vipservice.core.yielding import Yielding

ACQUAINT_PERIOD = ANSWERED_WINDOW / 3
"""How often a backup asks for signs while all is well, seconds.

A gateway speaks to nobody who does not ask; unasked for a minute it would be forgotten, and a deaf backup of
a pair would take its silence for that of a node that never had another neighbour.
"""


HEARD_NOBODY = "no other host has been heard since the silence began"


class Standby:
    """The duties of a backup, and of a node that probes."""

    def __init__(self, group: Group) -> None:
        self._group = group
        settings = group.settings
        self.silence = Silence(group)
        self.failback = Failback(group)
        self.probing = Probing(settings.addresses, settings.arp_suppression)
        self.yielding = Yielding(group.around.node)
        self.verdict: Verdict = Undecided()
        self._proof_from = 0.0
        """Only a frame heard after this proves that we hear: the first probe since anybody answered."""
        self._question_at = inf
        self._ask_at = inf
        self._absent_at = inf
        self._acquaint_at = inf
        self._was_held = False
        self._silent_at: float | None = None

    def enter(self, now: float, not_before: float = -inf) -> None:
        """A fresh full wait. `not_before`: a successor of ours has until then."""
        self.silence.forget(not_before)
        self._absent_at = self._acquaint_at = now + self._group.settings.timing.backup_interval
        self._begin_silence(now)

    def leave(self) -> None:
        """We are active or in fault."""
        self.probing.stop()
        self.yielding.reset()
        self.verdict = Undecided()
        self.failback.end()
        tell(self._group, self.silence, self.verdict, -inf)

    # What others say

    def active_heard(self, contender: Contender, now: float) -> None:
        """An active's own advert: all is well."""
        self.silence.resigned = False
        self._spoken_for(watched_at(contender, now), now, now)
        self.failback.consider(contender, now)

    def hearsay(self, said: Hearsay, now: float) -> None:
        """Somebody has heard the active first-hand: an advert heard that long ago."""
        at = now - said.age
        # Nearer than half an interval it is the advert we heard ourselves, by another clock and wire.
        if at <= self.silence.since + said.interval / 2 or said.active == self._group.around.node:
            return
        known = self._group.around.roster.peers.get(said.active)
        name, macs = (known.name, known.macs) if known else (said.active.hex()[:8], ())
        watched = Watched(said.active, name, macs, said.interval, said.priority, at + said.lease_left)
        self._spoken_for(watched, at, now)

    def active_gone(self, node: NodeId, to_somebody: bool, now: float) -> None:
        """The active says that it is none any more; with a successor named we wait for that one."""
        silence = self.silence
        if silence.watched is None or silence.watched.node != node:
            return
        interval = silence.interval()
        silence.watched, silence.resigned = None, not to_somebody
        self._begin_silence(now if to_somebody else now - PROBE_AFTER * interval)

    def answered(self, address: Address, mac: Mac, now: float) -> None:
        """Somebody's kernel speaks for one of our addresses."""
        if not self.probing.begun:
            return
        again = self.probing.answered(address, mac, now)
        if again is not None:
            self._group.out.append(Probe(self._group.settings.id, address, again))
            return
        self._proof_from = self.probing.due_at
        self._was_held, self._silent_at = True, None
        self.yielding.silent_at = None

    def claimed(self, mac: Mac, now: float) -> None:
        """Somebody else probes for one of our addresses."""
        if self.probing.progress() < (2 if self.probing.holder() else 1):
            return  # while somebody answers, nobody is about to bind
        rival = self._group.around.roster.owner_of(mac)
        contender = self._group.contenders.get(rival.node) if rival else None
        if contender is None:
            if self.yielding.to_stranger(mac, self.silence.down(), now):
                self.probing.begin(self.yielding.until)
        elif contender.standing > self._group.standing and contender.entry.role is not Role.ACTIVE:
            # Not by term: neither holds the address, and a term heard before the silence may be an old one,
            # so that each would take itself for the better.
            self.yielding.better_claims(mac, now)

    def cannot_look(self, problem: str, now: float) -> None:
        """A probe could not be sent: what it would have shown is unknown."""
        self.verdict = Unknown(problem)
        self.probing.begin(now + self.silence.interval())

    def stalled(self, now: float) -> None:
        """We stood still: answers may have been lost, so the count starts anew.

        What waited for us in the sockets came in at any time before, and proves nothing about now.
        """
        self._proof_from = max(self._proof_from, now)
        if self.probing.begun:
            self.probing.begin(now)

    # The clock

    def deadline(self, now: float) -> float:
        """When to act next."""
        due = [
            self.probing.due_at, self._question_at, self._ask_at, self._absent_at, self._acquaint_at,
        ]  # fmt: skip
        if self.silence.watched:
            due.append(self.failback.due_at)  # else there is nobody to ask
        if self.probing.begun or self._group.settings.probe is ProbeMode.OFF:
            due += [self._judge_at(now), self.silence.lapse_at(now)]
        return min(due)

    def tick(self, now: float) -> None:
        """Whatever is due: look after ourselves, ask, probe, judge."""
        if now >= self._absent_at:
            self._absent_at = now + self._group.settings.timing.backup_interval
            self._group.release()
        if now >= self._acquaint_at:
            self._acquaint_at = now + ACQUAINT_PERIOD
            self._group.ask_for_signs(now)
        if self.silence.watched:
            self.failback.ask(self.silence.watched.node, now)
        if now >= self._question_at:
            self._question_at = now + self.silence.interval()
            self._group.speak(Question(), everywhere=True)
        if now >= self._ask_at:
            self._ask_at = now + min(WITNESS_PERIOD, max(self.silence.interval(), 0.02))
            self._group.ask_for_signs(now)
        if now >= self.probing.due_at or self.probing.begun:
            self._look_and_judge(now)

    def _look_and_judge(self, now: float) -> None:
        if now >= self.silence.down_end(now):
            self._judge(now)
        if self._group.pending is None:
            self._probe(now)

    # Silence

    def _begin_silence(self, since: float) -> None:
        self.silence.since = since
        start = self.silence.looking_from()
        self._question_at = self._ask_at = self._proof_from = start
        if self.probing.running and not self.probing.begun and not self.yielding.attempts:
            self.probing.due_at = start  # nothing was asked since the last advert: nothing to forget
            return
        self._was_held, self._silent_at = False, None
        self.yielding.reset()
        self.verdict = Undecided()
        self.probing.begin(start)
        tell(self._group, self.silence, self.verdict, -inf)

    def _spoken_for(self, watched: Watched, at: float, now: float) -> None:
        self.silence.heard(watched)
        if self._group.role is Role.PROBING:
            self._group.become(Role.BACKUP, Reason.ACTIVE_HEARD, f"{watched.name} is active", now)
        self._begin_silence(at)

    def _judge_at(self, now: float) -> float:
        """When the verdict can change next by the passing of time alone."""
        end = self.silence.down_end(now)
        if now < end:
            return end
        sent, wait = self.probing.sent_at, self.probing.wait
        times = (sent + wait, self.yielding.until, self.silence.elapsed_at(now), self._our_turn(now))
        return min([at for at in times if at > now], default=inf)

    def _our_turn(self, now: float) -> float:
        """When our position lets us bind an address that a peer's kernel held until it fell silent.

        D was over long before, so nothing but this keeps two backups from binding in the same millisecond.
        """
        if not self._was_held or self._silent_at is None:
            return -inf
        return self._silent_at + self.silence.position(now) * self.silence.interval()

    # Looking

    def _probe(self, now: float) -> None:
        group = self._group
        if self.silence.lapsing(now) and self.probing.begun:
            self.probing.hurry(self.probing.sent_at + self.silence.spacing(now))
        if now < self.probing.due_at or group.settings.probe is ProbeMode.OFF:
            self._mute(now)
            return
        if self.probing.progress() == 1 and not group.around.hearing.proved_since(self._proof_from):
            group.ask_for_signs(now)  # a round went unanswered: is it them, or do we hear nobody?
        fast = self.silence.lapsing(now)
        holder = self.silence.watched.macs[0] if self.silence.watched and self.silence.watched.macs else None
        deaf = isinstance(self.verdict, Unknown)
        for address, to in self.probing.round(now, self.silence.spacing(now), fast, holder):
            if to is not None or not deaf:
                group.out.append(Probe(group.settings.id, address, to))

    def _mute(self, now: float) -> None:
        """With probe: off nothing is sent, and the wait is the only clock."""
        if self._group.settings.probe is ProbeMode.OFF and now >= self.probing.due_at:
            self.probing.due_at = max(self.silence.elapsed_at(now), now + self.silence.interval())

    # Judging

    def _judge(self, now: float) -> None:
        """D is over: what do the probes say?"""
        self.verdict = verdict = self._look(now)
        tell(self._group, self.silence, verdict, now)
        group = self._group
        match verdict:
            case Silent():
                self._take_over(verdict, now)
            case HeldByPeer(mac):
                self._stand_back(
                    Reason.HELD_BY_PEER, f"{group.around.call(mac)} answers for the address", now
                )
            case Conflict(mac):
                detail = f"the stranger {group.around.call(mac)} answers for the address"
                self._stand_back(Reason.CONFLICT, detail, now)
            case Claimed(mac):
                self._stand_back(Reason.BETTER_CLAIMANT, f"{group.around.call(mac)} probes too", now)
            case Unknown() | Undecided():
                if group.role is Role.BACKUP and group.barred is None:
                    group.become(Role.PROBING, Reason.ADVERTS_SILENT, self.silence.words(now), now)

    def _look(self, now: float) -> Verdict:
        """The verdict of the probes, with proof that we hear."""
        group = self._group
        if group.barred is not None:
            return Unknown(group.barred)
        if group.settings.probe is ProbeMode.OFF:
            return self._waited(now)
        if isinstance(self.verdict, Unknown):
            return self._look_again(self.verdict, now)
        if now < self.yielding.until and self.yielding.rival:
            return Claimed(self.yielding.rival, self.yielding.until)
        if not self.probing.silent(now, group.settings.timing.slow_spacing(self.silence.interval())):
            return self._held()
        if self._deaf():
            return Unknown(HEARD_NOBODY)
        # Long enough for the last two broadcasts of a rival in step with us: one may be lost.
        recent = max(self.silence.down() / 2, 4 * self.probing.wait)
        if waiting := self.yielding.waits_for(recent, self.silence.down() + self.silence.interval(), now):
            return Claimed(*waiting)
        return Silent(now + 2 * self.probing.wait)

    def _waited(self, now: float) -> Verdict:
        """With `probe: off` a resign or the elapsed wait is the silence, but for who hears nobody."""
        if now < self.silence.elapsed_at(now):
            return Undecided()
        if self._deaf() and not self.silence.resigned:
            return Unknown(HEARD_NOBODY)
        return Silent(now + self.silence.interval())

    def _held(self) -> Verdict:
        holder = self.probing.holder()
        if holder is None:
            return Undecided()
        return HeldByPeer(holder) if self._group.around.roster.owner_of(holder) else Conflict(holder)

    def _look_again(self, unknown: Unknown, now: float) -> Verdict:
        """We could not look. Once we can, what was silent before proves nothing: the count starts anew."""
        if self._deaf():
            return unknown
        self.probing.begin(now)
        return Undecided()

    def _deaf(self) -> bool:
        """No proof that we hear, where there should be some: two others had answered in the minute before.

        What came in before we asked proves nothing: a cable is cut between two adverts, and anybody's frame
        may fall between the last advert and the cut.
        """
        hearing, since = self._group.around.hearing, self._proof_from
        return not hearing.proved_since(since) and hearing.others_before(since) > 1

    def _stand_back(self, reason: Reason, detail: str, now: float) -> None:
        if self._group.role is Role.PROBING:
            self._group.become(Role.BACKUP, reason, detail, now)

    def _take_over(self, verdict: Silent, now: float) -> None:
        group = self._group
        if self._silent_at is None:
            self._silent_at = now
        if now < self._our_turn(now):
            return
        if group.role is Role.BACKUP:
            group.become(Role.PROBING, Reason.ADVERTS_SILENT, self.silence.words(now), now)
        looked = self._looked_for(now)
        group.phase("detect", now - self.silence.since - looked)
        group.phase("probe", looked)
        detail = f"{self._proof()}, {self.silence.words(now)}"
        pending = PendingBind(Reason.SILENCE_PROVED, detail, now)
        if not group.ask_bind(pending, verdict, -inf, now):
            self.probing.begin(now)

    def _looked_for(self, now: float) -> float:
        """How long ago the first probe of this silence left, seconds: looking begins before D is over."""
        asked = self._group.settings.probe is not ProbeMode.OFF
        return max(0.0, now - self.silence.looking_from()) if asked else 0.0

    def _proof(self) -> str:
        if self._group.settings.probe is ProbeMode.OFF:
            return "the lease of the last holder has run out (probe: off)"
        return f"{self.probing.progress()} probes unanswered"
