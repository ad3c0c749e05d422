"""What operators and the service behind the address want: move it, stop, stay out, be well again."""

from vipservice.core.actions import CommandDone, ConditionKind, Stopped
from vipservice.core.duties import Duties
from vipservice.core.events import HandoverAsked, HealthChanged, MaintenanceSet
from vipservice.core.fitness import unfit_because
from vipservice.core.handover import Cause
from vipservice.core.messages import Resign
from vipservice.core.roles import Reason, Role
from vipservice.core.settings import GroupSettings
from vipservice.core.values import Health, NodeId

STAYS_OUT = "this node hands over, and stays out until `vipservice maintenance off`"


class Orders:
    """Orders to one group."""

    def __init__(self, duties: Duties) -> None:
        self._duties = duties
        self._group = duties.group
        self._stop_told = False

    @property
    def ready_to_stop(self) -> bool:
        """Whether SIGTERM's handover is over and nothing but the goodbye is left."""
        return self._group.stopping and not self._stop_told and self._duties.giving.move is None

    def handover(self, event: HandoverAsked, now: float) -> None:
        """An operator wants the address moved; damping never holds that back."""
        group = self._group
        if group.role is not Role.ACTIVE:
            self._refuse(event, f"this node is {group.role.value}, not active: ask the active node")
        elif self._duties.giving.move is not None:
            self._refuse(event, "a handover is under way already")
        elif problem := self._unfit(event.to, now) or (not event.force and self._comes_back(event.to, now)):
            self._refuse(event, problem)
        elif not self._duties.giving.start(Cause.OPERATOR, now, event.to, event.command):
            self._refuse(event, self._nobody(now))

    def stop(self, now: float) -> None:
        """The daemon ends, or this group: hand over within a second, else release and resign to nobody."""
        if self._group.stopping:
            return  # a handover that is under way must not lose its address to a second order
        self._group.stopping = True
        if not self._duties.active:
            self._group.speak()
            self._stopped()
        elif not self._duties.giving.start(Cause.STOP, now):
            self.leave_without_successor(now)

    def leave_without_successor(self, now: float) -> None:
        """Release and say so to nobody in particular, if we hold it still; then we are done."""
        if self._duties.active:
            self._group.release()
            detail = "this daemon is stopping and no backup is ready"
            self._duties.become(Role.BACKUP, Reason.STOPPED, detail, now)
            self._group.speak(Resign(None, self._group.own_term, 0), everywhere=True)
        self._stopped()

    def health_changed(self, event: HealthChanged, now: float) -> None:
        """The service behind the address is well, or not, or nobody knows yet."""
        bad = event.health is Health.BAD
        self._group.health, self._group.health_weight = event.health, event.weight
        self._group.note(ConditionKind.UNHEALTHY, bad, event.detail)
        self._group.speak()
        self._duties.reconsider(now)

    def maintenance(self, event: MaintenanceSet, now: float) -> None:
        """Stay out, or take part again."""
        self.stay_out(event.on, now)
        self._group.speak()

    def stay_out(self, on: bool, now: float) -> None:
        """Maintenance as it was in an earlier life, or shall be from now on."""
        self._group.maintenance = on
        self._group.note(ConditionKind.MAINTENANCE, on, STAYS_OUT if on else "")
        self._duties.reconsider(now)

    def settings_changed(self, settings: GroupSettings) -> None:
        """A reload changed our numbers; the addresses are the same."""
        self._group.settings = settings
        self._group.lease.timing = settings.timing
        self._group.pace.change(settings.timing.advert_interval)
        self._group.speak()

    def _unfit(self, node: NodeId | None, now: float) -> str | None:
        """Why `node` cannot take over, in a sentence; nothing where any may."""
        if node is None:
            return None
        contender = self._group.contenders.get(node)
        if contender is None:
            return "that node is not known in this group"
        why = unfit_because(self._group, contender, now)
        return f"{contender.name} {why}" if why else None

    def _comes_back(self, to: NodeId | None, now: float) -> str | None:
        """Why the address would be here again at once, in a sentence; an order that is undone is none."""
        group = self._group
        successors = [c for c in group.contenders.successors(now) if to in {None, c.node}]
        if group.settings.failback != 0 or not successors or successors[0].entry.priority >= group.priority:
            return None
        successor = successors[0]
        return (
            f"{successor.name} has priority {successor.entry.priority} and this node {group.priority}: with "
            "'failback: immediate' the address would be back at once; `vipservice maintenance on` keeps it "
            "away, `--force` moves it all the same"
        )

    def _nobody(self, now: float) -> str:
        """That there is no successor, and why none of the others is one."""
        reasons = [(c.name, unfit_because(self._group, c, now)) for c in self._group.contenders]
        told = "; ".join(f"{name} {why}" for name, why in reasons if why)
        return f"no other node is able to take over: {told or 'none is known'}"

    def _refuse(self, event: HandoverAsked, detail: str) -> None:
        self._group.out.append(CommandDone(event.command, False, detail))

    def _stopped(self) -> None:
        self._stop_told = True
        self._group.out.append(Stopped(self._group.settings.id))
