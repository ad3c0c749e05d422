"""One group's election: every event goes to the duties of the role it finds, and every role is left by name.

How an address moves, in one breath: a *backup* watches the active's adverts; when they stop it asks everybody
and probes the address; when D is over and the probes prove silence (*probing*) the one gate lets it bind; the
kernel says yes and it is *active*: it advertises, renews, announces. It leaves that role for a better active,
a handover, a lapsed lease or a lost link, and whatever happens the lease takes the address with it.

Where to read on: `standby` (backup and probing), `holding` (active), `handover` (planned moves), `duties`
(who changes into what), and what makes them change: `hosting` (this host), `dialogue` (the others), `orders`.
"""

from vipservice.core.dialogue import Dialogue
from vipservice.core.duties import Duties
from vipservice.core.group import Group
from vipservice.core.hosting import Hosting
from vipservice.core.orders import Orders
from vipservice.core.report import report
from vipservice.core.roles import Role
from vipservice.core.settings import GroupSettings
from vipservice.core.status import GroupStatus
from vipservice.core.surroundings import Surroundings


class Election:
    """The state machine of one group on one link."""

    def __init__(
        self, settings: GroupSettings, around: Surroundings, own_term: int = 0, reserved_term: int = 1
    ) -> None:
        self.group = Group(settings, around, own_term, reserved_term)
        self.duties = Duties(self.group)
        self.hosting = Hosting(self.duties)
        self.dialogue = Dialogue(self.duties)
        self.orders = Orders(self.duties)

    def deadline(self, now: float) -> float:
        """When `tick` must be called."""
        return now if self.orders.ready_to_stop else self.duties.deadline(now)

    def tick(self, now: float) -> None:
        """Whatever is due."""
        self.duties.tick(now)
        if self.orders.ready_to_stop:
            self.orders.leave_without_successor(now)

    def turning(self, now: float) -> bool:
        """Whether a change of role is under way, here or by a promise we gave."""
        return (
            self.group.role is Role.PROBING
            or self.group.stopping
            or self.duties.giving.move is not None
            or self.duties.taking.promised(now)
        )

    def status(self, now: float) -> GroupStatus:
        """The snapshot that everybody shows."""
        return report(self.duties, now)
