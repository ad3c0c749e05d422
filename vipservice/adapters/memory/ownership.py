"""Promise 1 and promise 4, measured in the kernels of a MemoryLan: overlaps of owners, and gaps without one.

Two hosts that hold the address count while frames pass between them both ways. What nobody can prevent is
allowed and still recorded: after a heal two may hold it until an advert has passed each way, 1 s at most.
"""

from __future__ import annotations

from dataclasses import field
from itertools import combinations
from typing import TYPE_CHECKING

from vipservice.adapters.memory.frames import AdvertFrame, Frame
from vipservice.adapters.memory.watching import Watcher
from vipservice.core.frozen import dataclass
from vipservice.core.values import Address

if TYPE_CHECKING:
    from vipservice.adapters.memory.lan import MemoryLan

Pair = tuple[str, str]

CLIENT = "client"
"""The host from whose side gaps are measured; where there is none, any owner serves."""

LONGEST_OVERLAP = 1.0
"""Seconds after a heal where only ARP and raw frames pass: the active's self-probe finds the rival.

Somebody's own configuration is never condemned: nobody here can make it release.
"""

ROUND_TRIPS = 2
"""After an advert each way: one more greeting there and back where one side has restarted."""


@dataclass(frozen=True, slots=True)
class TwoOwners:
    """At `at`, `binder` bound the address while `other`, which it can reach both ways, held it.

    With `seconds` above zero: the two have held it for that long, and nothing excuses it any more.
    """

    at: float
    binder: str
    other: str
    seconds: float = 0.0


@dataclass(slots=True)
class Overlap:
    """Two hosts in reach of each other that hold the address at the same time."""

    address: Address
    pair: Pair
    since: float
    until: float | None = None
    passed: set[Pair] = field(default_factory=set)
    """Directions in which an advert has come in since, at a daemon that was awake."""
    condemned: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Seconds without an owner that the client can reach."""

    address: Address
    since: float
    seconds: float


class Ownership(Watcher):
    """Watches every kernel on the LAN after every event."""

    def __init__(self, lan: MemoryLan) -> None:
        self._lan = lan
        self.violations: list[TwoOwners] = []
        self.overlaps: list[Overlap] = []
        self.gaps: list[Gap] = []
        self._open: dict[tuple[Address, Pair], Overlap] = {}
        self._unserved_since: dict[Address, float] = {}
        self._served: set[Address] = set()

    def changed(self) -> None:
        """Something may have changed: who holds what, and who reaches whom?"""
        for address in self._lan.floating:
            holders = sorted(self._lan.owners(address))
            self._observe_overlaps(address, holders)
            self._observe_gap(address, holders)

    def bound(self, name: str, address: Address) -> None:
        """`name` binds now: nobody in its reach may hold the address."""
        for other in sorted(self._lan.owners(address) - {name}):
            if self._lan.reach_each_other(name, other):
                self.violations.append(TwoOwners(self._lan.now, name, other))
                self._lan.note(name, f"TWO OWNERS: bound while {other} holds the address")

    def arrived(self, source: str, destination: str, frame: Frame) -> None:
        """An advert that comes in at a daemon that is awake may end an overlap."""
        if not self._open or not isinstance(frame, AdvertFrame) or not self._lan.hosts[destination].awake:
            return
        for overlap in self._open.values():
            one, other = overlap.pair
            if {source, destination} == {one, other}:
                overlap.passed.add((source, destination))
                if len(overlap.passed) == 2:
                    self._condemn_in(self._grace(), overlap)

    def longest_gap(self, since: float) -> float:
        """The longest gap that ended after `since` or lasts still, seconds."""
        now = self._lan.now
        ended = [gap.seconds for gap in self.gaps if gap.since + gap.seconds >= since]
        lasting = [now - start for start in self._unserved_since.values()]
        return max([*ended, *lasting], default=0.0)

    def _observe_overlaps(self, address: Address, holders: list[str]) -> None:
        together = {pair for pair in combinations(holders, 2) if self._lan.reach_each_other(*pair)}
        for pair in sorted(together):
            if (address, pair) not in self._open:
                overlap = Overlap(address, pair, self._lan.now)
                self._open[address, pair] = overlap
                self.overlaps.append(overlap)
                self._condemn_in(LONGEST_OVERLAP + self._grace(), overlap)
        for key in [key for key in self._open if key[0] == address and key[1] not in together]:
            overlap = self._open.pop(key)
            overlap.until = self._lan.now
            lasted = self._lan.now - overlap.since
            self._lan.note("lan", f"two owners for {lasted:.4f} s: {' and '.join(overlap.pair)}")

    def _observe_gap(self, address: Address, holders: list[str]) -> None:
        if any(self._serves(name) for name in holders):
            self._served.add(address)
            since = self._unserved_since.pop(address, None)
            if since is not None:
                self.gaps.append(Gap(address, since, self._lan.now - since))
        elif address in self._served:
            self._unserved_since.setdefault(address, self._lan.now)

    def _serves(self, name: str) -> bool:
        return CLIENT not in self._lan.hosts or self._lan.reach_each_other(name, CLIENT)

    def _leased(self, name: str, address: Address) -> bool:
        return self._lan.hosts[name].kernel.lease_left(address, self._lan.now) is not None

    def _grace(self) -> float:
        return 2 * ROUND_TRIPS * self._lan.weather.longest_delay

    def _condemn_in(self, seconds: float, overlap: Overlap) -> None:
        self._lan.at(self._lan.now + seconds, lambda: self._condemn(overlap))

    def _condemn(self, overlap: Overlap) -> None:
        leased = all(self._leased(name, overlap.address) for name in overlap.pair)
        if overlap.until is not None or overlap.condemned or not leased:
            return
        overlap.condemned = True
        lasted = self._lan.now - overlap.since
        self.violations.append(TwoOwners(self._lan.now, *overlap.pair, lasted))
        passed = len(overlap.passed)
        self._lan.note(
            "lan",
            f"TWO OWNERS: {' and '.join(overlap.pair)} for {lasted:.4f} s, adverts passed {passed} way(s)",
        )
