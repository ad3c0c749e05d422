"""Who has which duty now: one group's standby, holding and handover, and the changes between them.

Every change of role passes `become` (or was made by `Holding` and is settled by `left_active`), so that the
duties of the old role end and those of the new begin in one place.
"""

from math import inf

from vipservice.core.actions import ConditionKind
from vipservice.core.budgets import REPAIR_FAULT
from vipservice.core.group import Group
from vipservice.core.handover import Cause, Giving, Taking, reason_for
from vipservice.core.holding import Holding
from vipservice.core.messages import Resign
from vipservice.core.roles import Reason, Role
from vipservice.core.standby import Standby
from vipservice.core.timing import WITNESS_PERIOD
from vipservice.core.values import Health

UNHEALTHY = ConditionKind.UNHEALTHY

RETRY_OUT = 1.0
"""How often an active that wants out (health, maintenance, repairs) looks for a successor, seconds."""


class Duties:
    """The duties of one group on one link."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.standby = Standby(group)
        self.holding = Holding(group)
        self.giving = Giving(group)
        self.taking = Taking(group)
        self.faults: dict[Reason, float] = {}
        """Why we are in fault, and until when; inf until something happens."""
        self._out_at = inf
        self._sign_at = inf

    @property
    def active(self) -> bool:
        """Whether we hold the address."""
        return self.group.role is Role.ACTIVE

    @property
    def standing_by(self) -> bool:
        """Whether we watch, or probe."""
        role = self.group.role
        return role is Role.BACKUP or role is Role.PROBING

    def become(self, role: Role, reason: Reason, detail: str, now: float, not_before: float = -inf) -> None:
        """Leave the duties of the old role, change, take up those of the new."""
        old = self.group.role
        self.group.become(role, reason, detail, now)
        self._settle(old, now, not_before)

    def left_active(self, now: float) -> None:
        """Holding may have given the address up; then its successor role begins."""
        if self.active:
            if self.holding.wants_out and self._out_at == inf:
                self._out_at = now
            return
        self.group.robbed = self.holding.repairs.exhausted(now)
        if self.group.role is Role.FAULT:
            self.faults[self.group.reason] = inf
            if self.group.reason is Reason.ISOLATED:
                self._sign_at = now + WITNESS_PERIOD  # nobody speaks to a host that asks nobody
        self._settle(Role.ACTIVE, now)

    def fault(
        self, reason: Reason, detail: str, now: float, until: float = inf, release: bool = True
    ) -> None:
        """A cause why we cannot take part."""
        self.faults[reason] = until
        if release:
            self.group.release()
        if self.group.role is not Role.FAULT:
            self.become(Role.FAULT, reason, detail, now)

    def over(self, reason: Reason, now: float) -> None:
        """That cause is gone, if it was one."""
        if self.faults.pop(reason, None) is not None:
            self.recover(now)

    def recover(self, now: float) -> None:
        """With the last cause gone we are a backup, with a fresh full wait."""
        if not self.faults and self.group.role is Role.FAULT:
            detail = f"recovered: {self.group.reason.value} is over"
            self.become(Role.BACKUP, Reason.RECOVERED, detail, now)

    def let_go(self, now: float) -> None:
        """The successor is ready and the address released: leave the role, resign."""
        move = self.giving.move
        assert move is not None
        reason = reason_for(move.cause)
        if move.cause is Cause.REPAIRS:
            self.faults[reason] = now + REPAIR_FAULT
            self.become(Role.FAULT, reason, self.giving.why(), now)
        else:
            self.become(Role.BACKUP, reason, self.giving.why(), now, not_before=move.resigned_until)
        self.giving.say_resign()

    def reconsider(self, now: float) -> None:
        """Health or maintenance has changed: an active may want out."""
        self._out_at = now if self._cause_to_leave() else inf

    # The clock

    def deadline(self, now: float) -> float:
        """When `tick` must be called."""
        due = [self.giving.deadline(), self.taking.deadline(), self._sign_at, *self.faults.values()]
        role = self.group.role
        if role is Role.ACTIVE:
            due += [self.holding.deadline(), self._out_at]
        elif role is Role.BACKUP or role is Role.PROBING:
            due.append(self.standby.deadline(now))
        return min(due)

    def tick(self, now: float) -> None:
        """Whatever is due."""
        self.giving.tick(now)
        self.taking.tick(now)
        self.group.robbed = self.group.robbed and not self.active and self.holding.repairs.exhausted(now)
        if self.faults:
            for reason in [reason for reason, until in self.faults.items() if now >= until]:
                self.over(reason, now)
        role = self.group.role
        if role is Role.ACTIVE:
            self.holding.tick(now)
            self.left_active(now)
            self._look_for_successor(now)
        elif role is Role.BACKUP or role is Role.PROBING:
            self.standby.tick(now)
        if now >= self._sign_at:
            self._sign_at = now + WITNESS_PERIOD if Reason.ISOLATED in self.faults else inf
            self.group.ask_for_signs(now)

    # Inside

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

    def _look_for_successor(self, now: float) -> None:
        """Unhealthy, in maintenance or robbed too often: hand over as soon as somebody fit is there."""
        if now < self._out_at or not self.active:
            return
        cause = self._cause_to_leave()
        self._out_at = now + RETRY_OUT if cause else inf
        if not cause or self.giving.start(cause, now) or self.giving.move is not None:
            return
        if cause is Cause.HEALTH and self.group.barred and not self.group.contenders.successors(now):
            self._release_unhealthy(now)

    def _release_unhealthy(self, now: float) -> None:
        """Nobody is healthy, and the operator would rather have no owner than a bad one."""
        detail = f"no node is healthy (when_all_fail: release): {self.group.conditions[UNHEALTHY]}"
        self.group.release()
        self.become(Role.BACKUP, Reason.UNHEALTHY, detail, now)
        self.group.speak(Resign(None, self.group.own_term, 0), everywhere=True)

    def _cause_to_leave(self) -> Cause | None:
        if self.holding.wants_out:
            return Cause.REPAIRS
        if self.group.maintenance:
            return Cause.MAINTENANCE
        return Cause.HEALTH if self.group.health is Health.BAD else None
