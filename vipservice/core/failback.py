"""What a better node does when it is back: it asks the active for the address, and never just takes it."""

from math import inf

from vipservice.core.contenders import Contender
from vipservice.core.group import Group
from vipservice.core.messages import Request
from vipservice.core.values import NodeId

REQUEST_PERIOD = 1.0
"""How often a better node repeats its request for the address, seconds."""


class Failback:
    """Our requests to a lesser active."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self.due_at = inf
        self._better_since: float | None = None

    def end(self) -> None:
        """There is nothing to ask for."""
        self.due_at, self._better_since = inf, None

    def consider(self, active: Contender, now: float) -> None:
        """We heard the active: are we the better one, and allowed to ask?"""
        group = self._group
        better = group.fit and group.priority > active.entry.priority and active.entry.digest == group.digest
        if group.settings.failback is None or not better:
            self.end()
        elif self._better_since is None:
            self._better_since = now
            self.due_at = now + group.settings.failback

    def waits(self, now: float) -> float | None:
        """Seconds until we ask; None where we are not the better one, or never ask."""
        return None if self.due_at == inf else max(0.0, self.due_at - now)

    def ask(self, active: NodeId, now: float) -> None:
        """Ask if it is time."""
        if now >= self.due_at:
            self.due_at = now + REQUEST_PERIOD
            self._group.speak(Request(), to=active)
