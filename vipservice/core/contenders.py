"""The other nodes of one group, as their adverts show them."""

from collections.abc import Iterator
from dataclasses import dataclass

from vipservice.core.messages import Advert, Entry
from vipservice.core.roles import Role
from vipservice.core.timing import LIVING_INTERVALS
from vipservice.core.values import Address, Mac, NodeId, Rank


@dataclass(slots=True)
class Contender:
    """A peer's latest entry for our group, heard first-hand."""

    node: NodeId
    name: str
    address: Address
    macs: tuple[Mac, ...]
    incarnation: int
    entry: Entry
    heard_at: float

    @property
    def rank(self) -> Rank:
        """As sent in its advert."""
        return Rank(self.entry.term, self.entry.priority, self.address.packed)

    @property
    def standing(self) -> tuple[int, bytes]:
        """What orders backups: (effective priority, address)."""
        return self.entry.priority, self.address.packed

    def living(self, now: float) -> bool:
        """Heard within three of its own intervals."""
        return now - self.heard_at <= LIVING_INTERVALS * self.entry.interval


class Contenders:
    """Everybody else in the group."""

    def __init__(self, digest: bytes) -> None:
        self._digest = digest
        self._all: dict[NodeId, Contender] = {}

    def hear(self, advert: Advert, entry: Entry, now: float) -> Contender:
        """Take in a peer's entry."""
        contender = Contender(
            advert.node, advert.name, advert.address, advert.macs, advert.incarnation, entry, now
        )
        self._all[advert.node] = contender
        return contender

    def __iter__(self) -> Iterator[Contender]:
        return iter(self._all.values())

    def get(self, node: NodeId) -> Contender | None:
        """The latest of `node`, or None."""
        return self._all.get(node)

    def forget(self, node: NodeId) -> None:
        """An operator says it will not come back."""
        self._all.pop(node, None)

    def actives(self, now: float) -> list[Contender]:
        """Living nodes that say they hold the address, the greatest rank first."""
        found = [c for c in self if c.entry.role is Role.ACTIVE and c.living(now)]
        if len(found) > 1:
            found.sort(key=lambda contender: contender.rank, reverse=True)
        return found

    def unheard_actives(self, now: float) -> list[Contender]:
        """Those whose last word was that they hold the address: their kernels may hold it still."""
        return [c for c in self if c.entry.role is Role.ACTIVE and not c.living(now)]

    def successors(self, now: float) -> list[Contender]:
        """Living backups of equal digest that are fit to take over, the best first."""
        found = [c for c in self if self._is_successor(c) and c.living(now)]
        return sorted(found, key=lambda contender: contender.standing, reverse=True)

    def position(self, standing: tuple[int, bytes], now: float) -> int:
        """How many of the living fit backups come before us."""
        return sum(contender.standing > standing for contender in self.successors(now))

    def _is_successor(self, contender: Contender) -> bool:
        entry = contender.entry
        return entry.role in {Role.BACKUP, Role.PROBING} and entry.fit and entry.digest == self._digest
