"""Binding: the few system calls that add, renew and remove the address, with the clock read around each."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from vipservice.core.actions import Bind, Release, Renew
from vipservice.core.events import BindFailed, Bound
from vipservice.core.values import Address, GroupId
from vipservice.runtime.ports import Host, HostError

LATE = "the right to bind had run out"


@dataclass(slots=True)
class Binder:
    """The addresses of all groups on one interface."""

    host: Host
    index: int
    prefix_lengths: dict[GroupId, int]
    """Of the groups that are bound; another is moved by a hook, and there is nothing to do for it."""
    clock: Callable[[], float]

    def bind(self, action: Bind | Renew) -> Bound | BindFailed:
        """All addresses or none, and none where the clock says that our right is over.

        A renewal that the kernel refuses takes nothing away: what is there serves on to the end of its lease.
        The clock is read before *and after* the system calls: a stall between verdict and bind, or inside
        the bind, must not leave an address behind.
        """
        if self.clock() > action.not_after:
            return BindFailed(action.group, LATE, late=True)
        try:
            for address in self._ours(action):
                self.host.ensure_bound(self.index, address, self.prefix_lengths[action.group], action.lease)
        except HostError as error:
            if isinstance(action, Bind):
                self._undo(action)
            return BindFailed(action.group, str(error))
        if self.clock() > action.not_after:
            self._undo(action)
            return BindFailed(action.group, LATE, late=True)
        return Bound(action.group)

    def release(self, action: Release) -> HostError | None:
        """Take every address off, verified; one more try for each that resists."""
        resisting = [one for one in self._ours(action) if self._remove(action.group, one)]
        problems = [self._remove(action.group, address) for address in resisting]
        return next((problem for problem in problems if problem), None)

    def holds(self, address: Address) -> bool:
        """What the kernel says now."""
        try:
            return self.host.holds(self.index, address)
        except HostError:
            return False

    def held(self) -> dict[Address, float]:
        """What the kernel has on the interface now, and how many seconds it will keep it; inf: for ever."""
        try:
            found = self.host.addresses(self.index)
        except HostError:
            return {}
        return {one.address: inf if one.lease_left is None else one.lease_left for one in found}

    def _remove(self, group: GroupId, address: Address) -> HostError | None:
        try:
            self.host.ensure_absent(self.index, address, self.prefix_lengths[group])
        except HostError as error:
            return error
        return None

    def _undo(self, action: Bind | Renew) -> None:
        for address in self._ours(action):
            self._remove(action.group, address)

    def _ours(self, action: Bind | Renew | Release) -> tuple[Address, ...]:
        """What of it is on the interface by our hand."""
        return action.addresses if action.group in self.prefix_lengths else ()
