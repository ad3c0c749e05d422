"""Before the address changes hands: does a kernel still hold it whose daemon has fallen silent?

The node that took over from a silent active has looked for the address, and heard nobody. Where it alone
could not hear that kernel, a handover would pass the mistake on to a node that can. So the successor asks
those kernels itself, directly, before it says ready; nobody is without the address meanwhile.
"""

from math import inf

from vipservice.core.actions import Probe
from vipservice.core.group import Group
from vipservice.core.settings import ProbeMode
from vipservice.core.timing import FAST_PROBES_FOR_SILENCE, LAPSE_TAIL
from vipservice.core.values import Mac


class Inquiry:
    """Three unicast probes to each active that is not heard any more, at the pace of a lapsing lease."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._macs: frozenset[Mac] = frozenset()
        self._rounds = 0
        self._due_at = inf

    def begin(self, now: float) -> bool:
        """Start to ask; False where nobody may (`probe: off`) and a lease that was heard of still runs."""
        unheard = self._group.contenders.unheard_actives(now)
        if self._group.settings.probe is ProbeMode.OFF:
            tail = LAPSE_TAIL * self._group.binds
            self._macs = frozenset()
            return all(now >= one.heard_at + one.entry.lease_left + tail for one in unheard)
        self._macs = frozenset(mac for one in unheard for mac in one.macs[:1])
        self._rounds, self._due_at = 0, now
        return True

    def concerns(self, mac: Mac) -> bool:
        """Whether an answer from there is what we ask for."""
        return mac in self._macs

    def deadline(self) -> float:
        """When the next question is due, or the last one was waited for."""
        return self._due_at

    def tick(self, now: float) -> bool:
        """Ask if it is time; True once every question had its time, or there is none to ask."""
        if not self._macs:
            return True
        if now < self._due_at:
            return False
        if self._rounds == FAST_PROBES_FOR_SILENCE:
            return True
        group = self._group
        self._rounds += 1
        self._due_at = now + group.settings.timing.fast_spacing(group.settings.timing.advert_interval)
        for address in group.settings.addresses:
            group.out += [Probe(group.settings.id, address, mac) for mac in sorted(self._macs)]
        return False
