"""Carries out what a reload changes: all of it, or nothing where something can't be done under way."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from vipservice.config.keys import read_keys
from vipservice.config.load import load
from vipservice.config.problems import ConfigError
from vipservice.config.resolve import resolve_group
from vipservice.config.seen import SeenInterface
from vipservice.config.settings import ResolvedGroup, Settings
from vipservice.core.values import GroupId
from vipservice.runtime.node import Node
from vipservice.runtime.ports import Host, StateStore
from vipservice.runtime.reload import Changes, compare
from vipservice.wire.signing import Keyring

log = logging.getLogger("vipservice")

LEAVE_WITHIN = 1.5
"""Seconds that groups have to hand over before they are taken away; the election itself takes at most 1 s."""

LOOK_AGAIN = 0.01


class ReloadError(Exception):
    """Nothing has changed; the message says why."""


@dataclass(frozen=True, slots=True)
class Resolving:
    """Makes the groups of a file ready to run here."""

    host: Host
    store: StateStore
    detect: Callable[[], Sequence[SeenInterface]]

    def resolve(
        self, settings: Settings, skip: Collection[int] = ()
    ) -> tuple[list[ResolvedGroup], tuple[str, ...]]:
        """The groups that can run on the interfaces that are there, and sentences about the others.

        Raises:
            ConfigError: A group does not suit the machine, and waiting does not help.
        """
        interfaces, ours = self.detect(), self._ours(settings)
        resolved: list[ResolvedGroup] = []
        waiting: list[str] = []
        for group in settings.groups:
            if not group.enabled or group.id in skip:
                continue
            try:
                resolved.append(resolve_group(settings, group, interfaces, ours))
            except ConfigError as error:
                if not error.only_missing_interfaces:
                    raise
                waiting += error.sentences()
        return resolved, tuple(waiting)

    def _ours(self, settings: Settings) -> frozenset[IPv4Address]:
        """Floating addresses of our own earlier life: by protocol number, or remembered."""
        remembered = {
            address for group in settings.groups for address in self.store.group(GroupId(group.id)).addresses
        }
        return frozenset(
            one.address
            for interface in self.host.interfaces()
            for one in interface.addresses
            if isinstance(one.address, IPv4Address) and (one.ours or str(one.address) in remembered)
        )


@dataclass(frozen=True, slots=True)
class Reloading:
    """Makes the running node what the file says."""

    node: Node
    resolving: Resolving
    clock: Callable[[], float]

    def add_waiting(self) -> None:
        """Take part in every group that can be resolved now and is not running yet. Raises ConfigError."""
        resolved, waiting = self.resolving.resolve(self.node.settings, skip=tuple(self.node.groups))
        self.node.add(resolved)
        self.node.waiting = waiting

    async def reload(self) -> str:
        """Read the file again, and become what it says; what has changed, in a sentence.

        Raises:
            ReloadError: Nothing has changed.
        """
        try:
            new = load(self.node.settings.source)
            keyring = Keyring(dict(read_keys(new)))
            wanted, _ = self.resolving.resolve(new)
        except ConfigError as error:
            raise ReloadError(f"the file is refused: {'; '.join(error.sentences())}") from error
        changes = compare(self.node.settings, new, self.node.groups, wanted)
        if changes.impossible:
            raise ReloadError(changes.impossible)
        log.setLevel(new.log.level.upper())
        self.node.take(new, keyring)
        await self._carry_out(changes)
        self.add_waiting()
        self.node.wake()
        return changes.summary()

    async def _carry_out(self, changes: Changes) -> None:
        for group in changes.live:
            self.node.change(group)
        for group in changes.in_place:
            self.node.replace(group)
        await self._leave(changes.leaving)
        self.node.add(changes.joining)

    async def _leave(self, groups: Sequence[GroupId]) -> None:
        """Let these groups hand over, all at once, then take them away."""
        for group in groups:
            self.node.begin_to_leave(group)
        self.node.wake()
        until = self.clock() + LEAVE_WITHIN
        while not self.node.observer.stopped.issuperset(groups) and self.clock() < until:
            await asyncio.sleep(LOOK_AGAIN)
        for group in groups:
            self.node.leave(group)
