"""What all groups on one link share: who we are, where we are, whom we know and whom we hear."""

from collections.abc import Callable
from dataclasses import dataclass, field

from vipservice.core.actions import AskNeighbours
from vipservice.core.events import NeighbourSeen
from vipservice.core.hearing import Hearing
from vipservice.core.messages import Capability
from vipservice.core.roster import Roster
from vipservice.core.values import Address, Mac, NodeId

ANSWERS_UNDER_WAY = 0.015
"""Seconds in which a switch has answered a broadcast; nobody asks for signs more often than each 20 ms."""


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
    arp_suppression: bool = False
    """Switches answer broadcast requests from memory: only who was asked by unicast has answered itself."""

    def to_ask(self) -> tuple[Address, ...]:
        """Whom to ask for proof that we hear."""
        always = (*self.witnesses, *((self.gateway,) if self.gateway else ()))
        own = {self.address} if self.address else set()
        return self.hearing.to_ask(always, never=self.floating | own)

    def asks(self, now: float) -> tuple[Address, ...]:
        """Ask them by broadcast now; nobody where under ARP suppression a switch's answers may be under way.

        A second broadcast would have it answer twice, and the later answer would pass for the host's own.
        """
        if self.arp_suppression and self.hearing.asked_within(ANSWERS_UNDER_WAY, now):
            return ()
        targets = self.to_ask()
        self.hearing.ask_anew(targets, now)
        return targets

    def hear(self, event: NeighbourSeen, now: float) -> bool:
        """Remember whose frame this is; False where perhaps a switch has sent it in somebody's name."""
        own = event.sender if event.sender not in self.floating else None
        doubtful = self.arp_suppression and event.answer and event.to_us
        # Of answers for a floating address whoever looks for it asks again, and decides.
        if doubtful and (own is None or not self.hearing.answered_itself(event.mac, own)):
            return False
        self.hearing.heard(event.mac, own, now)
        return True

    def ask_itself(self, event: NeighbourSeen) -> list[AskNeighbours]:
        """The question to the host itself in whose name perhaps a switch answered, unless it was asked."""
        sender = event.sender
        if self.address is None or sender is None or sender in self.floating:
            return []
        doubts = self.hearing.doubts(event.mac, sender)
        return [AskNeighbours(self.address, (sender,), event.mac)] if doubts else []

    def call(self, mac: Mac) -> str:
        """The name of the peer behind a MAC, else its own address where we know it, and the MAC."""
        peer = self.roster.owner_of(mac)
        known = peer.name if peer else self.hearing.address_of(mac)
        return f"{known} ({mac.hex(':')})" if known else mac.hex(":")
