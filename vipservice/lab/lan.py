"""The lab's front door: a LAN that can be broken, a client that asks, and a count of the owners.

with Lan(("a", "b")) as lan:
    pings = lan.ping(vip)
    cut = lan.cut("a")
    pings.wait_for_answer(timeout=1)
    assert pings.outage(cut.began).longest_gap < 0.3
    assert lan.owned(vip, since=cut.began).several == 0
    assert lan.owners(vip) == {"b"}
"""

from vipservice.core.values import Address
from vipservice.lab.client import PERIOD, Pinger
from vipservice.lab.faults import Faults
from vipservice.lab.ownership import Ownership


class Lan(Faults):
    """Hosts on a private network of this machine; gone without a trace however this process ends."""

    def ping(self, address: Address, period: float = PERIOD) -> Pinger:
        """Let the client ask for `address` from now on, every `period` seconds."""
        return Pinger(self.client, address, period)

    def owners(self, address: Address) -> frozenset[str]:
        """Whose kernels have the address now, of those whom the client can reach."""
        return self.ownership.now(address)

    def owned(self, address: Address, since: float, until: float | None = None) -> Ownership:
        """How the address was owned from a moment of the lab's clock on."""
        return self.ownership.between(address, since, until)
