"""What all groups on one link share: who we are, where we are, whom we know and whom we hear."""

from collections.abc import Callable
from dataclasses import dataclass, field

from vipservice.core.hearing import Hearing
from vipservice.core.messages import Capability
from vipservice.core.roster import Roster
from vipservice.core.values import Address, Mac, NodeId


@dataclass(slots=True)
class Surroundings:
    """Our place on a link."""

    node: NodeId
    name: str
    capabilities: Capability
    nonce: Callable[[], int]
    """64 random bits a call; the dice are the caller's."""
    roster: Roster
    hearing: Hearing
    address: Address | None = None
    macs: tuple[Mac, ...] = ()
    link_up: bool = False
    gateway: Address | None = None
    witnesses: tuple[Address, ...] = ()
    floating: frozenset[Address] = field(default_factory=frozenset)
    """Every group's addresses: never asked as witnesses."""

    def to_ask(self) -> tuple[Address, ...]:
        """Whom to ask for proof that we hear."""
        always = (*self.witnesses, *((self.gateway,) if self.gateway else ()))
        own = {self.address} if self.address else set()
        return self.hearing.to_ask(always, never=self.floating | own)

    def call(self, mac: Mac) -> str:
        """The name of the peer behind a MAC, else its own address where we know it, and the MAC."""
        peer = self.roster.owner_of(mac)
        known = peer.name if peer else self.hearing.address_of(mac)
        return f"{known} ({mac.hex(':')})" if known else mac.hex(":")
