"""Promise 1: within one broadcast domain at most one host holds the address.

Two things are physics and nothing else is excused: who could not ask, or whose every question or answer the
weather took, may bind; and who bound so may hold it until adverts have passed after the heal.
"""

from tests.simulation.judge.record import NEVER, Record, Way
from vipservice.adapters.memory.ownership import Pair
from vipservice.adapters.memory.watching import Watcher
from vipservice.core.roles import Role
from vipservice.core.settings import ProbeMode
from vipservice.core.timing import HANDOVER_MIN_HOLD
from vipservice.core.values import Address

ARP_HEAL = 1.0
"""Seconds in which an active looks for rivals once, where only ARP and raw frames pass."""

FEWEST_PROBES = 3


class OneOwner(Watcher):
    """Looks at each bind, and at every two that hold it together."""

    def __init__(self, record: Record, problems: list[str]) -> None:
        self._record = record
        self._problems = problems
        self._talking_since: dict[Pair, tuple[Way, float]] = {}

    def bound(self, name: str, _address: Address) -> None:
        """Nobody in reach may hold the address, if the binder could know."""
        record, now = self._record, self._record.lan.now
        for other in record.holders:
            met = record.both_ways_since(name, other, Way.ARP)
            known = met < NEVER and not self._could_not_know(name, other, met)
            if other != name and known and not self._there_were_two(name, other):
                self._problems.append(
                    f"{now:.4f} two owners: {name} bound while {other}, in reach since {met:.4f}, held it"
                )

    def changed(self) -> None:
        """Two that hold it and can talk have a bounded time to find out."""
        record, now = self._record, self._record.lan.now
        holders = [name for name in record.holders if record.node(name).groups and record.leased(name)]
        talking = {}
        for index, one in enumerate(holders):
            for other in holders[index + 1 :]:
                if (found := self._can_talk(one, other)) is not None:
                    talking[one, other] = found, self._since(one, other, found)
        for pair, (way, since) in talking.items():
            if self._talking_since.get(pair) != (way, since):
                self._expect_end(pair, way, since, now)
        self._talking_since = talking

    # Binds

    def _could_not_know(self, name: str, other: str, met: float) -> bool:
        """Met since the last look (a sixth of D ago at most, and the way there and back), or no luck at all.

        A last look is a third of D old at most: the verdict is void when two spacings of D/6 have gone by.
        """
        record, now = self._record, self._record.lan.now
        if record.node(name).groups[0].probe is ProbeMode.OFF:
            return self._unheard_for_a_lease(name, other)
        look = record.down() / 3 + 2 * record.lan.weather.longest_delay
        if now - met <= look:
            return True
        if now - record.held_since.get(other, now) <= look and self._claimed_in_vain(name, other):
            return True
        return record.questions_in_vain(name, other, FEWEST_PROBES, since=met)

    def _claimed_in_vain(self, name: str, other: str) -> bool:
        """Both looked before either bound: the lesser could only have known by the better one's probes."""
        record = self._record
        nodes = [record.node(name), record.node(other)]
        if not all(node.groups for node in nodes):
            return False
        nodes.sort(key=lambda node: (node.groups[0].priority, node.address))
        lesser, better = (node.name for node in nodes)
        return record.claims_in_vain(better, lesser, record.lan.now - record.down())

    def _unheard_for_a_lease(self, name: str, other: str) -> bool:
        """With `probe: off` nobody looks: what adverts that come in do not say, nobody can know."""
        record = self._record
        groups = record.node(other).groups
        silence = record.lan.now - record.adverts.get((other, name), -NEVER)
        return not groups or silence >= groups[0].timing.lease

    def _there_were_two(self, name: str, other: str) -> bool:
        """What is bound was held beside the other one before; how that came about is weighed elsewhere."""
        return self._passed_on(name, other) or self._put_back(name, other)

    def _put_back(self, name: str, other: str) -> bool:
        """An active repairs what it held beside the other, which it cannot have heard since, or outranks.

        Whoever took the address once it was gone here is no such other.
        """
        record = self._record
        since = record.held_since.get(other, NEVER)
        unheard = record.adverts.get((other, name), -NEVER) < since
        if name not in record.said or record.said[name][0].role is not Role.ACTIVE:
            return False
        lesser = other in record.said and record.said[other][1] < record.said[name][1]
        return (unheard or lesser) and since < record.held_until.get(name, -NEVER)

    def _passed_on(self, name: str, other: str) -> bool:
        """By a handover, beside somebody's own configuration: there were two, and there are two.

        No word of ours makes that let go, and the successor asks nobody by design. Another node that
        holds it is no excuse: those two would settle it.
        """
        record = self._record
        giver, at = record.resigned.get(name, (name, -NEVER))
        handed = record.lan.now - at <= max(record.down(), HANDOVER_MIN_HOLD) / 2 and giver != name
        return handed and not record.leased(other) and record.held_since.get(other, NEVER) <= at

    # Overlaps

    def _can_talk(self, one: str, other: str) -> Way | None:
        record = self._record
        if one not in record.awake_since or other not in record.awake_since:
            return None
        if record.both_ways_since(one, other, Way.ARP) == NEVER:
            return None
        ways = (way for way in (Way.UDP, Way.RAW) if record.both_ways_since(one, other, way) < NEVER)
        return next(ways, None)

    def _since(self, one: str, other: str, way: Way) -> float:
        record = self._record
        return max(
            record.both_ways_since(one, other, way),
            record.both_ways_since(one, other, Way.ARP),
            record.awake_since[one], record.awake_since[other],
            record.held_since.get(one, 0.0), record.held_since.get(other, 0.0),
        )  # fmt: skip

    def _expect_end(self, pair: Pair, way: Way, since: float, now: float) -> None:
        self._record.lan.at(now + self._allowed(pair, way, since), lambda: self._check(pair, way, since))

    def _allowed(self, pair: Pair, way: Way, since: float) -> float:
        """One advert interval, or a second where UDP does not pass; each advert lost may cost one more."""
        record = self._record
        interval = max(record.interval_of(name) for name in pair)
        lost = record.lost_between(*pair, since, arp=False) + record.lost_between(*pair, since, arp=True)
        patience = interval if way is Way.UDP else ARP_HEAL + interval
        return patience * (1 + lost) + 6 * record.lan.weather.longest_delay

    def _check(self, pair: Pair, way: Way, since: float) -> None:
        if self._talking_since.get(pair) != (way, since):
            return
        now = self._record.lan.now
        ends = since + self._allowed(pair, way, since)
        if now < ends:
            self._record.lan.at(ends, lambda: self._check(pair, way, since))
            return
        self._problems.append(
            f"{now:.4f} two owners: {pair[0]} and {pair[1]} talk by {way.name} since {since:.4f}, and hold it"
        )
