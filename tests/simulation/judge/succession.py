"""Whoever takes over after a silence is the best of those who could have: the order of the queue is kept.

Judged only where nothing can have told two nodes different things: no frame blocked or lost between any two
that were awake, no stranger, the same pace, and the silence began for both at once.
"""

from itertools import permutations
from math import inf

from tests.simulation.judge.moves import ACQUAINTED, Moves
from tests.simulation.judge.record import NEVER, Record, Way
from vipservice.adapters.memory.watching import Watcher
from vipservice.core.actions import Turned
from vipservice.core.roles import Reason, Role
from vipservice.core.timing import WITNESS_PERIOD

WAITS = frozenset({Role.BACKUP, Role.PROBING})
"""The roles from which a node takes over; why it has another is for other judges."""


class Succession(Watcher):
    """Weighs each takeover against the nodes that it passed over."""

    def __init__(self, record: Record, moves: Moves, problems: list[str]) -> None:
        self._record = record
        self._moves = moves
        self._problems = problems
        self.judged = 0
        """How often whoever took over could be held against another."""

    def turned(self, name: str, turned: Turned) -> None:
        """A node changes its role."""
        if turned.new is not Role.ACTIVE or turned.reason is not Reason.SILENCE_PROVED:
            return
        for other in self._record.awake_since:
            if other == name or not self._comparable(name, other):
                continue
            self.judged += 1
            if self._standing(other) > self._standing(name):
                self._problems.append(
                    f"{self._record.lan.now:.4f} out of turn: {name} took over, and {other} is better"
                )

    def _comparable(self, name: str, other: str) -> bool:
        """Both could have taken it, at one pace, after the same last sign, and nothing came between them."""
        since = self._since(name, other)
        return (
            since is not None
            and self._able(name)
            and self._able(other)
            and other not in self._record.holders
            and self._record.node(name).groups[0].timing == self._record.node(other).groups[0].timing
            and self._heard_alike(name, other)
            and self._nothing_lost(since)
        )

    def _since(self, name: str, other: str) -> float | None:
        """From when on what happened may have a say: what the queue takes, or both have lived for.

        None where one has lived for less, and does not know all others yet.
        """
        record = self._record
        one, two = record.awake_since[name], record.awake_since[other]
        if max(one, two) <= record.lan.now - ACQUAINTED:
            return record.lan.now - self._queue() - WITNESS_PERIOD
        return one if one == two else None

    def _queue(self) -> float:
        """Seconds from the last advert until the last of all has had its turn."""
        record = self._record
        nodes = sum(bool(host.groups) for host in record.lan.hosts.values())
        return record.down() + nodes * record.longest_interval

    def _able(self, name: str) -> bool:
        moves, said = self._moves, self._record.said.get(name)
        if name in moves.drained | moves.stopping | moves.unwell or moves.robbed(name) or not said:
            return False
        return name in self._record.holders or said[0].role in WAITS

    def _nothing_lost(self, since: float) -> bool:
        """Every frame between those awake has passed from then on, and nobody unknown has spoken."""
        record, moves, weather = self._record, self._moves, self._record.lan.weather
        if moves.cloned or moves.strangers or weather.loss or weather.late:
            return False
        if any(loss.at >= since for loss in record.losses):
            return False
        names = [name for name in record.awake_since if record.node(name).groups]
        names += ["gateway"] * ("gateway" in record.lan.hosts)
        opened = (record.open_since[way].get(pair, NEVER) for way in Way for pair in permutations(names, 2))
        return all(at <= since for at in opened)

    def _heard_alike(self, name: str, other: str) -> bool:
        """Nobody else's last advert came to one of them only, and nobody's kernel answered either of late."""
        record = self._record
        before = record.lan.now - self._queue()
        if any(to in {name, other} and at >= before for (_, to), at in record.answers.items()):
            return False
        slack = record.lan.weather.longest_delay + record.longest_interval / 2
        return all(
            abs(record.adverts.get((one, name), -inf) - record.adverts.get((one, other), -inf)) <= slack
            or record.adverts.get((one, name), -inf) == record.adverts.get((one, other), -inf)
            for one in record.lan.hosts
            if one not in {name, other}
        )

    def _standing(self, name: str) -> tuple[int, bytes]:
        return self._record.node(name).groups[0].priority, self._record.said[name][1].address
