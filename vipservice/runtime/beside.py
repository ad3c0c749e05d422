"""What runs beside the loop: the checks and hooks of all groups, through one worker."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from vipservice.config.settings import ResolvedGroup
from vipservice.core.actions import Action
from vipservice.core.events import HealthChanged
from vipservice.core.values import GroupId
from vipservice.runtime.checks import Checks
from vipservice.runtime.history import History
from vipservice.runtime.hooks import Hooks
from vipservice.runtime.metrics import Metrics
from vipservice.runtime.worker import Message, Worker

log = logging.getLogger("vipservice")

LAST_HOOKS = 3.0
"""Seconds that a daemon which stops gives to the hooks of its last turn; nobody waits for it any more."""


class Beside:
    """One for the daemon.

    Args:
        tell: Takes what an election must know.
        secrets: Files that no program of an operator's needs to read.
    """

    def __init__(
        self,
        node: str,
        worker: Worker,
        tell: Callable[[HealthChanged], None],
        clock: Callable[[], float],
        metrics: Metrics,
        history: History,
        secrets: Callable[[], Iterable[Path]],
    ) -> None:
        self._secrets = secrets
        self.checks = Checks(tell, self._send, clock, metrics)
        self.hooks = Hooks(node, self._send, metrics, history)
        self._worker = worker
        self._begun = False

    @property
    def problem(self) -> str | None:
        """Why nothing is checked or run, in words."""
        return self._worker.problem

    def take(self, groups: Iterable[ResolvedGroup]) -> None:
        """The groups' checks and hooks from now on."""
        changed = set()
        for group in groups:
            self.checks.take(group.core.id, group.core.name, group.checks)
            if self.hooks.take(group):
                changed.add(group.core.id)
        if self._begun:
            self.begin()
            self._say_all()
            self.hooks.replay(changed)

    def take_anew(self, group: ResolvedGroup) -> None:
        """The group's election has begun anew, and knows nothing of what was told the old one."""
        self.checks.forget_told(group.core.id)
        self.take([group])

    def drop(self, group: GroupId) -> None:
        """We take no part in the group any more."""
        self.checks.drop(group)
        self.hooks.drop(group)

    def begin(self) -> None:
        """The loop turns: start the worker, where there is work."""
        self._begun = True
        if self.checks.any or self.hooks.any:
            self._worker.begin(self._started, self._heard, echoes=self.checks.pings)

    def happened(self, action: Action, transition: str) -> None:
        """The loop has done something."""
        self.hooks.happened(action, transition)

    async def close(self) -> None:
        """Run the last hooks, and end."""
        await self._worker.close(LAST_HOOKS)

    def _send(self, message: Message) -> None:
        self._worker.send(message)

    def _started(self) -> None:
        self._say_all()
        self.hooks.replay()

    def _say_all(self) -> None:
        self._send({"secrets": [str(path) for path in self._secrets()]})  # first: no program before it
        self.checks.say_all()
        self.hooks.say_all()

    def _heard(self, message: Message) -> None:
        try:
            self._take_in(message)
        except (KeyError, TypeError, ValueError) as error:
            log.error("the worker said something that makes no sense: %s", error)

    def _take_in(self, message: dict[str, Any] | Message) -> None:
        if "results" in message:
            self.checks.reported(message["results"])
        elif "hook" in message:
            self.hooks.ran(message)
