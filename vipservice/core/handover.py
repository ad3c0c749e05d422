"""A planned move: offer, ready, release, resign, and the successor's first advert.

Break before make: the old active releases before it resigns, and the successor binds only on that resign, so
that there are never two owners; the gap is one message long. The right to bind without probing ends H/2 after
the successor's own `ready`; who comes later probes like anybody.
"""

from dataclasses import dataclass, field
from enum import Enum
from math import inf

from vipservice.core.actions import CommandDone
from vipservice.core.contenders import Contender
from vipservice.core.group import Group
from vipservice.core.inquiry import Inquiry
from vipservice.core.messages import Offer, Ready, Resign
from vipservice.core.roles import Reason, Role
from vipservice.core.timing import (
    HANDOVER_MIN_HOLD,
    HANDOVER_READY_WAIT,
    HANDOVER_STOP_BUDGET,
    HANDOVER_STOP_HOLD,
    RESIGN_REPEATS,
)
from vipservice.core.values import Mac, NodeId

OFFER_REPEATS = (0.010, 0.025)
"""Offers again within the 50 ms a candidate has: one lost datagram must not cost it the succession."""


class Cause(Enum):
    """Who wanted the move."""

    OPERATOR = "an operator asked"
    STOP = "this daemon is stopping"
    FAILBACK = "a better node is back"
    HEALTH = "the service here is not healthy"
    MAINTENANCE = "this node is in maintenance"
    REPAIRS = "somebody keeps removing the address here"


@dataclass(slots=True)
class Move:
    """A handover under way, seen from the side that gives."""

    cause: Cause
    candidates: list[NodeId]
    hold: float
    give_up_at: float
    command: int | None = None
    current: NodeId | None = None
    ready_until: float = -inf
    repeats: list[float] = field(default_factory=list)
    resigned: Resign | None = None
    resigned_until: float = -inf


class Giving:
    """The old active's side."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self.move: Move | None = None

    @property
    def resigned(self) -> bool:
        """We have let go and wait for the successor's advert."""
        return self.move is not None and self.move.resigned is not None

    def start(self, cause: Cause, now: float, to: NodeId | None = None, command: int | None = None) -> bool:
        """Begin; False when nobody is fit to take over (or one is under way already)."""
        if self.move is not None and self.move.cause is not Cause.STOP and cause is Cause.STOP:
            self._finish(False, "the daemon is stopping")
        candidates = [c.node for c in self._group.contenders.successors(now) if to in {None, c.node}]
        if self.move is not None or not candidates:
            return False
        down = self._group.settings.timing.down_interval(self._group.pace.advertised, 0)
        hold = max(down, HANDOVER_MIN_HOLD)
        if cause is Cause.STOP:
            hold = min(hold, HANDOVER_STOP_HOLD)
        self.move = Move(cause, candidates, hold, now + HANDOVER_STOP_BUDGET, command)
        self._next_candidate(now)
        return self.move is not None

    def ready(self, node: NodeId, message: Ready, now: float) -> bool:
        """A successor said yes.

        Returns:
            Whether we have let go: the caller leaves the active role.
        """
        move = self.move
        if move is None or move.resigned or node != move.current or message.to != self._group.around.node:
            return False
        self._group.release()
        move.resigned = Resign(node, self._group.own_term, message.nonce)
        move.repeats = [now + offset for offset in RESIGN_REPEATS]
        move.resigned_until = now + move.hold
        if move.cause is Cause.STOP:
            move.resigned_until = min(move.resigned_until, move.give_up_at)
        self._group.damping.moved(now)
        return True

    def why(self) -> str:
        """The sentence for the change of role."""
        assert self.move is not None and self.move.current is not None
        return f"handed over to {self._name(self.move.current)}: {self.move.cause.value}"

    def say_resign(self) -> None:
        """Tell everybody; the successor by every path."""
        assert self.move is not None and self.move.resigned is not None
        self._group.speak(self.move.resigned)
        self._group.speak(self.move.resigned, to=self.move.current, everywhere=True)

    def heard_active(self, node: NodeId) -> None:
        """Somebody is active now; after our resign that ends the move, whoever it is."""
        if self.move is None or self.move.resigned is None:
            return
        wanted = node == self.move.current
        self._finish(True, f"{self._name(node)} is active" + ("" if wanted else ", not the one asked"))

    def deadline(self) -> float:
        """When to act next."""
        if self.move is None:
            return inf
        following = self.move.resigned_until if self.move.resigned else self.move.ready_until
        return min([following, *self.move.repeats[:1]])

    def tick(self, now: float) -> None:
        """Repeat, go on to the next candidate, or give up."""
        move = self.move
        if move is None:
            return
        if move.repeats and now >= move.repeats[0]:
            move.repeats = [at for at in move.repeats if at > now]
            self.say_resign() if move.resigned else self._say_offer()
        if move.resigned and now >= move.resigned_until:
            self._finish(False, f"{self._name(move.resigned.successor)} said ready and was not heard again")
        elif not move.resigned and now >= move.ready_until:
            self._next_candidate(now)

    def abandon(self, why: str) -> None:
        """We are not active any more for another reason."""
        if self.move is not None:
            self._finish(False, why)

    def _next_candidate(self, now: float) -> None:
        move = self.move
        assert move is not None
        if not move.candidates or now >= move.give_up_at:
            self._finish(False, "no backup said ready")
            return
        move.current = move.candidates.pop(0)
        move.ready_until = now + HANDOVER_READY_WAIT
        move.repeats = [now + offset for offset in OFFER_REPEATS]
        self._say_offer()

    def _say_offer(self) -> None:
        assert self.move is not None and self.move.current is not None
        offer = Offer(self.move.current, self.move.hold)
        self._group.speak(offer, to=self.move.current, everywhere=True)

    def _finish(self, ok: bool, detail: str) -> None:
        assert self.move is not None
        if self.move.command is not None:
            self._group.out.append(CommandDone(self.move.command, ok, detail))
        self.move = None

    def _name(self, node: NodeId | None) -> str:
        peer = self._group.around.roster.peers.get(node) if node else None
        return peer.name if peer else "nobody"


class Taking:
    """The successor's side."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._inquiry = Inquiry(group)
        self._offer: tuple[NodeId, Offer] | None = None
        """Whose offer waits for what the inquiry finds."""
        self._giver: NodeId | None = None
        self._nonce = 0
        self._ready_at = -inf
        self._hold = 0.0

    def offered(self, giver: Contender, offer: Offer, now: float) -> None:
        """Say ready, if we are; where another active fell silent, once its kernel was asked in vain.

        The giver may be the one node that could not hear that kernel.
        """
        if not self._may_take(giver, offer, now):
            return
        if giver.node == self._giver and now - self._ready_at <= HANDOVER_READY_WAIT:
            self._say_ready()  # again: our first word was lost, or has crossed this offer
        elif self._offer is None and self._inquiry.begin(now):
            self._offer = giver.node, offer
            self.tick(now)

    def answered(self, mac: Mac) -> None:
        """Somebody's kernel speaks for one of our addresses."""
        if self._inquiry.concerns(mac):
            self._offer = None

    def cannot_look(self) -> None:
        """A probe could not be sent: who was not asked may hold it."""
        self._offer = None

    def deadline(self) -> float:
        """When to act next."""
        return inf if self._offer is None else self._inquiry.deadline()

    def tick(self, now: float) -> None:
        """Ask on, or say ready once nobody has answered."""
        if self._offer is None or not self._inquiry.tick(now):
            return
        (node, offer), self._offer = self._offer, None
        giver = self._group.contenders.get(node)
        if giver is None or not self._may_take(giver, offer, now):
            return
        self._giver, self._hold = node, offer.hold
        self._nonce, self._ready_at = self._group.around.nonce(), now
        self._say_ready()

    def _may_take(self, giver: Contender, offer: Offer, now: float) -> bool:
        """A backup, fit, with the same addresses and a working link; and nobody else is heard to hold it."""
        group = self._group
        fit = group.role in {Role.BACKUP, Role.PROBING} and group.fit and group.around.link_up
        if offer.to != group.around.node or not fit or giver.entry.digest != group.digest:
            return False
        # Two that hold it, on two sides of a cut: a third would not mend that.
        return giver.entry.role is Role.ACTIVE and not group.others_hold(giver.node, now)

    def _say_ready(self) -> None:
        assert self._giver is not None
        self._group.speak(Ready(self._giver, self._nonce), to=self._giver, everywhere=True)

    def promised(self, now: float) -> bool:
        """Whether we have said ready and the giver may still count on it."""
        return now < self._ready_at + self._hold

    def right_from(self, giver: Contender, resign: Resign) -> float:
        """Until when this resign lets us bind without probing; -inf for not at all."""
        mine = (self._group.around.node, self._nonce) == (resign.successor, resign.nonce)
        if not mine or giver.node != self._giver or self._ready_at == -inf:
            return -inf
        right_until = self._ready_at + self._hold / 2
        self._ready_at = -inf  # a number is good for one resign
        return right_until


def reason_for(cause: Cause) -> Reason:
    """The code under which a handover given for `cause` is counted."""
    return {Cause.STOP: Reason.STOPPED, Cause.REPAIRS: Reason.REPAIRS_EXHAUSTED}.get(
        cause, Reason.HANDOVER_GIVEN
    )
