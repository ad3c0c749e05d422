"""A host's kernel as far as the address goes: leases that end late and never early, and ARP answers."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from random import Random

from vipservice.core.values import Address

LATEST_LAPSE = 2.0
"""Seconds by which a real kernel was seen to free a lapsed address late."""


@dataclass(slots=True)
class _Held:
    lease_end: float
    gone_at: float


class Kernel:
    """The addresses of one interface."""

    def __init__(
        self,
        own: Address,
        dice: Random,
        latest_lapse: float = LATEST_LAPSE,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.own = own
        self.earliest_lapse = 0.0
        self.latest_lapse = latest_lapse
        self.proxy = False
        """It answers ARP for every address, as a gateway with proxy ARP does."""
        self._dice = dice
        self._changed = changed
        self._leased: dict[Address, _Held] = {}

    def bind(self, address: Address, lease: float, now: float) -> float:
        """Add or renew; returns when it will be freed if nobody renews it again."""
        gone_at = now + lease + self._dice.uniform(self.earliest_lapse, self.latest_lapse)
        if address not in self._leased:
            self._changed()
        self._leased[address] = _Held(now + lease, gone_at)
        return gone_at

    def add_permanent(self, address: Address) -> None:
        """Somebody's own configuration."""
        self._changed()
        self._leased[address] = _Held(inf, inf)

    def remove(self, address: Address) -> bool:
        """Take it off; True if it was there."""
        if self._leased.pop(address, None) is None:
            return False
        self._changed()
        return True

    def holds(self, address: Address) -> bool:
        """Whether the address is on the interface."""
        return address in self._leased

    def answers_for(self, address: Address) -> bool:
        """Whether an ARP request for it is answered."""
        return self.proxy or address == self.own or address in self._leased

    def lease_left(self, address: Address, now: float) -> float | None:
        """Seconds of lease; None when permanent or absent."""
        held = self._leased.get(address)
        return None if held is None or held.lease_end == inf else max(0.0, held.lease_end - now)

    def ends(self) -> list[float]:
        """When each leased address will be freed if nobody renews it."""
        return [held.gone_at for held in self._leased.values() if held.gone_at < inf]

    def lapse(self, now: float) -> list[Address]:
        """Free what is overdue."""
        gone = [address for address, held in self._leased.items() if held.gone_at <= now]
        for address in gone:
            self.remove(address)
        return gone

    def stood_still(self, seconds: float) -> list[float]:
        """Lifetimes do not count suspended time; returns when the leased ones will be freed now."""
        self._leased = {
            address: _Held(held.lease_end + seconds, held.gone_at + seconds)
            for address, held in self._leased.items()
        }
        return self.ends()

    def reboot(self) -> None:
        """Nothing that was leased survives a reboot."""
        self._leased.clear()
        self._changed()
