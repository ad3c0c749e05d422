"""Promise 3: no role change while the owner's kernel answers and nothing better was asked for.

Each time a node leaves or enters the active role its own reason is held against what really happened: by the
record of the LAN, and by what operators, kernels and the network were told to do.
"""

from math import inf

from tests.simulation.judge.record import Record, Way
from vipservice.adapters.memory.watching import Watcher
from vipservice.core.actions import Turned
from vipservice.core.budgets import REPAIR_FAULT, REPAIRS_A_MINUTE, WINDOW
from vipservice.core.roles import Reason, Role
from vipservice.core.timing import PROBE_AFTER

ORDER_HOLDS = 1.2
"""Seconds after which an operator's order is carried out or given up (1 s, and the last answer)."""

ACQUAINTED = 3.0
"""Seconds after which nodes that talk have named each other's incarnations: three adverts of a backup."""

ROBBED_FOR = REPAIR_FAULT + WINDOW
"""Seconds: a minute of repairs, and one in fault for there having been too many."""

FEW_OTHERS = 1
"""Who has heard but one other host may take its silence for its death."""


class Moves(Watcher):
    """Weighs each entry into and each departure from the active role."""

    def __init__(self, record: Record, problems: list[str]) -> None:
        self._record = record
        self._problems = problems
        self._asked_at: dict[str, float] = {}
        self.unwell: set[str] = set()
        self.drained: set[str] = set()
        self.stopping: set[str] = set()
        self._removed: dict[str, list[float]] = {}
        """When somebody took the address off a node whose daemon had bound it."""
        self.strangers = False
        """Somebody unknown has probed, answered or replayed in this run."""
        self.cloned = False
        self.moved_at: list[float] = []

    def told(self, line: str) -> None:
        """A line of the incident is about to be carried out."""
        self._note_orders(line.split())
        match line.split():
            case ["remove", name] if self._record.leased(name):
                self._removed.setdefault(name, []).append(self._record.lan.now)
            case ["configure", *_]:
                self.strangers = True
            case ["start" | "boot" | "kill" | "die", *names]:
                self._begin_anew(names)
            case ["clone", *_]:
                self.cloned = True
            case [word, *_] if word in {"stranger", "prober", "replay"}:
                self.strangers = True

    def _note_orders(self, words: list[str]) -> None:
        match words:
            case ["stop", *names]:
                self.stopping.update(names)
            case ["handover", name, *_]:
                self._asked_at[name] = self._record.lan.now
            case ["maintenance", name, "on"]:
                self.drained.add(name)
            case ["maintenance", name, "off"]:
                self.drained.discard(name)
            case ["unhealthy", name]:
                self.unwell.add(name)
            case ["healthy", name]:
                self.unwell.discard(name)

    def robbed(self, name: str, within: float = ROBBED_FOR) -> bool:
        """The address was taken off this node more often than the budget of a minute allows to repair."""
        since = self._record.lan.now - within
        return sum(at >= since for at in self._removed.get(name, [])) > REPAIRS_A_MINUTE

    def turned(self, name: str, turned: Turned) -> None:
        """A node changes its role."""
        if turned.old is Role.ACTIVE and not self._may_leave(name, turned.reason):
            self._object(f"{name} was active and left it needlessly: {turned.detail} [{turned.reason.value}]")
        if turned.new is Role.ACTIVE and turned.reason is not Reason.ADOPTED:
            self.moved_at.append(self._record.lan.now)
        if turned.new is Role.ACTIVE and turned.reason is Reason.SILENCE_PROVED:
            self._judge_entry(name)

    def _begin_anew(self, names: list[str]) -> None:
        for name in names:
            self.stopping.discard(name)
            self.drained.discard(name)
            self.unwell.discard(name)

    def _object(self, text: str) -> None:
        self._problems.append(f"{self._record.lan.now:.4f} needless: {text}")

    # Leaving

    def _may_leave(self, name: str, reason: Reason) -> bool:
        match reason:
            case Reason.LEASE_LAPSED:
                return self._stood_still(name)
            case Reason.BETTER_ACTIVE:
                return self._has_greater_rival(name)
            case Reason.HANDOVER_GIVEN:
                return self._was_asked(name)
            case Reason.STOPPED:
                return name in self.stopping
            case Reason.LINK_LOST:
                return not self._record.node(name).link_up
            case Reason.ISOLATED:
                return not self._was_heard_by_somebody(name)
            case Reason.REPAIRS_EXHAUSTED:
                return self.robbed(name, WINDOW + ORDER_HOLDS)
            case Reason.DUPLICATE_NODE:
                return self.cloned
            case _:
                return False

    def _stood_still(self, name: str) -> bool:
        """The loop has not turned for a whole lease, or the machine slept: renewals were missed."""
        host = self._record.node(name)
        since = self._record.awake_since.get(name)
        return since is None or since > self._record.lan.now - host.groups[0].timing.lease

    def _has_greater_rival(self, name: str) -> bool:
        """Another kernel holds it, or held it when its advert left, and its node outranks us as sent.

        A daemon that stood still reads adverts that have waited for it: whoever held it meanwhile counts.
        """
        record = self._record
        since = record.lan.now - 2 * record.lan.weather.longest_delay
        if record.awake_since.get(name, inf) >= since:
            since = -inf
        rivals = [
            other
            for other in record.said
            if other != name and (other in record.held_since or record.held_until.get(other, -inf) >= since)
        ]
        return any(record.said[other][1] > record.said[name][1] for other in rivals)

    def _was_asked(self, name: str) -> bool:
        """An operator, an illness, maintenance, or a better node whose settings let it ask."""
        record = self._record
        if record.lan.now - self._asked_at.get(name, -inf) <= ORDER_HOLDS:
            return True
        if name in self.unwell | self.drained:
            return True
        own = record.node(name).groups[0].priority
        others = [host for host in record.lan.hosts.values() if host.groups and host.segment is not None]
        return any(host.groups[0].failback is not None and host.groups[0].priority > own for host in others)

    def _was_heard_by_somebody(self, name: str) -> bool:
        """An answer came in within the lease; or for a lease, and a second to ask, somebody could answer.

        Could: every frame between the two passed, and the weather took none of them.
        """
        record, lease = self._record, self._record.node(name).groups[0].timing.lease
        if record.lan.now - record.answered_at.get(name, -inf) < lease:
            return True
        long_ago = record.lan.now - lease - 1.1
        awake = [o for o in record.awake_since if o != name and record.awake_since[o] <= long_ago]
        told = [other for other in awake if record.adverts_since(other, name) <= long_ago]
        if record.both_ways_since(name, "gateway", Way.ARP) <= long_ago:
            told.append("gateway")
        return any(not record.lost_between(name, one, long_ago) for one in told)

    # Entering

    def _judge_entry(self, name: str) -> None:
        record, now = self._record, self._record.lan.now
        deaf_for = now - record.deaf_since.get(name, inf)
        if deaf_for > self._latest_sign(name) and record.others_heard(name) > FEW_OTHERS:
            self._object(f"{name} took over, and nothing could reach it since {now - deaf_for:.4f}")
        for holder in record.holders:
            if (
                holder != name
                and record.leased(holder)
                and not self.cloned
                and (teller := self._could_be_told(name, holder))
            ):
                self._object(f"{name} took over though {teller} heard {holder} and could tell it")

    def _latest_sign(self, name: str) -> float:
        """How old the latest sign may be: one that answers the first probe, 1.25 intervals into D.

        Whoever is not the first in the queue binds an interval later for each place, and asks nobody anew.
        """
        record = self._record
        settings = record.node(name).groups[0]
        standing = settings.priority, record.node(name).address
        before = record.lan.now - record.down() - record.longest_interval
        watched = {holder for holder, since in record.held_since.items() if since < before}
        others = [host for host in record.lan.hosts.values() if host.groups and host.name not in watched]
        place = sum((host.groups[0].priority, host.address) > standing for host in others)
        waits = settings.timing.misses + place - PROBE_AFTER
        return waits * record.longest_interval + record.lan.weather.longest_delay

    def _could_be_told(self, name: str, holder: str) -> str | None:
        """Somebody who has heard the holder first-hand all the while, and could be asked all the while.

        Everybody is asked once an interval: of a holder since then nobody can have told.
        """
        record = self._record
        if record.held_since[holder] > record.lan.now - record.longest_interval:
            return None
        before = record.lan.now - record.down() - 1.5

        def steady(one: str, other: str) -> bool:
            passes = record.adverts_since(one, other) <= before
            return passes and not record.lost_between(one, other, before, arp=False)

        def awake(one: str) -> bool:
            return record.awake_since.get(one, inf) <= min(before, record.lan.now - ACQUAINTED)

        tellers = [one for one in record.awake_since if one not in {name, holder} and record.node(one).groups]
        return next(
            (
                one
                for one in tellers
                if all(map(awake, (name, holder, one)))
                and steady(holder, one) and steady(one, name) and steady(name, one) and steady(one, holder)
            ),
            None,
        )  # fmt: skip
