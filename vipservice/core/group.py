"""One group's facts, and the few verbs that change them: become, speak, note, bind, release.

Everything that decides (`standby`, `holding`, `handover`) works on this; nothing else touches it.
"""

from hashlib import sha256

from vipservice.core.actions import (
    Action,
    AskNeighbours,
    Bind,
    ConditionChanged,
    ConditionKind,
    PhaseMeasured,
    Release,
    Renew,
    StoreTerm,
    Turned,
)
from vipservice.core.budgets import Damping
from vipservice.core.contenders import Contenders
from vipservice.core.frozen import dataclass
from vipservice.core.lease import Lease, gate
from vipservice.core.messages import Entry, Message
from vipservice.core.pace import Pace
from vipservice.core.roles import TRANSITIONS, Reason, Role
from vipservice.core.settings import BindMode, GroupSettings, WhenAllFail
from vipservice.core.surroundings import Surroundings
from vipservice.core.values import Address, Health, Mac, NodeId, Rank
from vipservice.core.verdicts import Verdict

MAX_TERM = 2**62
"""Further than any group can move in its life; a greater one is somebody's mistake or malice."""

UNHEALTHY_PRIORITY = 1


def digest_of(addresses: tuple[Address, ...]) -> bytes:
    """Eight bytes that are equal exactly where the sets of addresses are."""
    packed = sorted(address.packed for address in addresses)
    return sha256(b"".join(bytes([len(one)]) + one for one in packed)).digest()[:8]


@dataclass(frozen=True, slots=True)
class Speak:
    """An advert the segment shall compose: our entry, with these messages.

    `to` a peer by unicast, else everybody; `everywhere` also as a raw frame whatever UDP does; `mac` is a
    rival's, known only from its frames.
    """

    messages: tuple[Message, ...] = ()
    to: NodeId | None = None
    everywhere: bool = False
    mac: Mac | None = None


@dataclass(frozen=True, slots=True)
class PendingBind:
    """A bind that was asked of the kernel: what to say when it is done."""

    reason: Reason
    detail: str
    asked_at: float
    adopt: bool = False


class Group:
    """The state of one group on this node."""

    def __init__(
        self, settings: GroupSettings, around: Surroundings, own_term: int, reserved_term: int
    ) -> None:
        self.settings = settings
        self.around = around
        self.out: list[Action] = []
        self.speech: list[Speak] = []
        self.role = Role.INITIALIZE
        self.since = 0.0
        self.reason = Reason.STARTED
        self.detail = "not started yet"
        self.own_term = own_term
        self.greatest_term = max(own_term, reserved_term - 1)
        self.digest = digest_of(settings.addresses)
        self.contenders = Contenders(self.digest)
        self.lease = Lease(settings.timing)
        self.pace = Pace(settings.timing.advert_interval)
        self.damping = Damping()
        self.pending: PendingBind | None = None
        self.health = Health.GOOD
        self.health_weight = 0
        """Taken off the configured priority while checks fail that are no must."""
        self.robbed = False
        """Somebody has removed the address here more often than may be repaired: others come first."""
        self.maintenance = False
        self.stopping = False
        self.twin: str | None = None
        """A clone of this node with a smaller MAC is about: we stay backup."""
        self.twin_holds_until = float("-inf")
        """A clone of this node was heard to be active, and counts as living until then."""
        self.conditions: dict[ConditionKind, str] = {}

    @property
    def priority(self) -> int:
        """Effective: what health leaves of the configured one."""
        if self.health is Health.BAD or self.robbed:
            return UNHEALTHY_PRIORITY
        return max(UNHEALTHY_PRIORITY, self.settings.priority - self.health_weight)

    @property
    def fit(self) -> bool:
        """Able to take over."""
        good = self.health is Health.GOOD and not self.robbed
        return good and not self.maintenance and not self.stopping and self.twin is None

    @property
    def barred(self) -> str | None:
        """Why we must not bind whatever the probes say, in words."""
        if self.maintenance:
            return "this node is in maintenance"
        if self.stopping:
            return "this daemon is stopping"
        if self.health is Health.BAD and self.settings.when_all_fail is WhenAllFail.RELEASE:
            return "the service here is not healthy (when_all_fail: release)"
        return self.twin

    @property
    def binds(self) -> bool:
        """Whether the address is ours to bind, announce and look for; else a hook moves it."""
        return self.settings.bind is BindMode.KERNEL

    @property
    def standing(self) -> tuple[int, bytes]:
        """What orders us among the backups."""
        return self.priority, self.around.address.packed if self.around.address else b""

    @property
    def rank(self) -> Rank:
        """What our adverts say."""
        return Rank(self.term, *self.standing)

    @property
    def term(self) -> int:
        """Of an active its own, else the greatest stored or heard."""
        return self.own_term if self.role is Role.ACTIVE else self.greatest_term

    def interval(self) -> float:
        """The pace our adverts state."""
        if self.role is Role.ACTIVE:
            return self.pace.advertised
        return self.settings.timing.backup_interval

    def become(self, role: Role, reason: Reason, detail: str, now: float) -> None:
        """Change the role; the only way to. Says why, and advertises at once."""
        if role not in TRANSITIONS[self.role]:
            raise AssertionError(f"{self.role.value} -> {role.value} is no transition ({reason.value})")
        self.out.append(Turned(self.settings.id, self.role, role, reason, detail))
        self.role, self.since, self.reason, self.detail = role, now, reason, detail
        self.speak()

    def speak(self, *messages: Message, to: NodeId | None = None, everywhere: bool = False) -> None:
        """Advertise, with these messages."""
        self.speech.append(Speak(messages, to, everywhere))

    def note(self, kind: ConditionKind, on: bool, detail: str = "") -> None:
        """Begin, refresh or end a condition; only its beginning and end are told."""
        if on and kind in self.conditions:
            self.conditions[kind] = detail
        if on == (kind in self.conditions):
            return
        if on:
            self.conditions[kind] = detail
        else:
            detail = detail or self.conditions.pop(kind)
            self.conditions.pop(kind, None)
        self.out.append(ConditionChanged(self.settings.id, kind, on, detail))

    def phase(self, name: str, seconds: float) -> None:
        """A phase of a takeover took this long."""
        self.out.append(PhaseMeasured(self.settings.id, name, max(0.0, seconds)))

    def others_hold(self, but: NodeId, now: float) -> bool:
        """Whether an active other than this one is heard, a clone of ours included."""
        return now < self.twin_holds_until or any(c.node != but for c in self.contenders.actives(now))

    def heard_term(self, term: int) -> None:
        """Somebody advertised this term: the next one is reserved, off the loop."""
        if term > self.greatest_term:
            self.greatest_term = term
            self._store_term()

    def ask_bind(self, pending: PendingBind, verdict: Verdict | None, right_until: float, now: float) -> bool:
        """Bind if the gate opens; Bound or BindFailed follows."""
        not_after = gate(self.lease, verdict, right_until, now)
        if not_after is None:
            return False
        self.pending = pending
        self.out.append(
            Bind(self.settings.id, self.settings.addresses, self.settings.timing.lease, not_after)
        )
        return True

    def ask_renew(self, now: float) -> bool:
        """Renew if the gate still opens for our own address; Bound or BindFailed follows."""
        not_after = gate(self.lease, None, float("-inf"), now)
        if not_after is None:
            return False
        self.out.append(
            Renew(self.settings.id, self.settings.addresses, self.settings.timing.lease, not_after)
        )
        return True

    def raise_term(self) -> None:
        """A bind is done: our term is one more than the greatest stored or heard."""
        self.own_term = self.greatest_term = self.greatest_term + 1
        self._store_term()

    def ask_for_signs(self, now: float) -> None:
        """Ask gateway, peers and recent ARP senders for a frame that proves that we hear."""
        around = self.around
        if around.address is not None and (targets := around.asks(now)):
            self.out.append(AskNeighbours(around.address, targets))

    def release(self) -> None:
        """Take the addresses off the interface; always safe."""
        self.lease.ended()
        self.out.append(Release(self.settings.id, self.settings.addresses))

    def entry(self, messages: tuple[Message, ...], now: float) -> Entry:
        """Our part of an advert."""
        return Entry(
            group=self.settings.id,
            role=self.role,
            priority=self.priority,
            term=self.term,
            interval=self.interval(),
            lease_left=self.lease.left(now) if self.role is Role.ACTIVE else 0.0,
            digest=self.digest,
            addresses=self.settings.addresses,
            fit=self.fit,
            messages=messages,
            maintenance=self.maintenance,
        )

    def _store_term(self) -> None:
        self.out.append(StoreTerm(self.settings.id, self.own_term, self.greatest_term + 1))
