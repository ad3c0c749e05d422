"""Proof that we hear: whose frames came in, and when. A host that hears nobody serves nobody."""

from collections.abc import Iterable
from math import inf

from vipservice.core.roster import Roster
from vipservice.core.timing import ANSWERED_WINDOW
from vipservice.core.values import Address, Mac

MAX_HOSTS = 256
MAX_RECENT_SENDERS = 8


class Hearing:
    """Frames from other hosts on one link: adverts, and ARP/ND to us or about our addresses and witnesses."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._last: dict[Mac, float] = {}
        self._addresses: dict[Mac, Address] = {}
        self._asked: dict[Address, Mac | None] = {}
        """Whom we asked by broadcast last, and which MAC by unicast thereafter."""
        self._asked_at = -inf
        self.last = -inf
        """When any other host was heard last."""

    def heard(self, mac: Mac, address: Address | None, now: float) -> None:
        """A frame from `mac` came in; `address` is what it speaks for, where it says so."""
        if mac not in self._last and len(self._last) >= MAX_HOSTS:
            self._drop_oldest()
        self._last[mac] = self.last = now
        if address is not None:
            self._addresses[mac] = address

    def ask_anew(self, targets: Iterable[Address], now: float) -> None:
        """They are asked by broadcast: under ARP suppression a switch may answer for them."""
        self._asked, self._asked_at = dict.fromkeys(targets), now

    def asked_within(self, seconds: float, now: float) -> bool:
        """Whether somebody was asked by broadcast so short a time ago."""
        return now - self._asked_at < seconds

    def doubts(self, mac: Mac, address: Address) -> bool:
        """Whether this MAC is to be asked by unicast now: once for each question by broadcast."""
        if self._asked.get(address, mac) is not None:
            return False
        self._asked[address] = mac
        return True

    def answered_itself(self, mac: Mac, address: Address) -> bool:
        """Whether this MAC has been asked by unicast."""
        return self._asked.get(address) == mac

    def address_of(self, mac: Mac) -> Address | None:
        """The address of its own that this MAC has spoken for."""
        return self._addresses.get(mac)

    def proved_since(self, then: float) -> bool:
        """Whether any other host was heard after `then`."""
        return self.last > then

    def others_before(self, then: float) -> int:
        """How many other hosts had been heard in the minute that ended at `then`."""
        macs = [mac for mac, last in self._last.items() if then - ANSWERED_WINDOW <= last <= then]
        return len({self._host(mac) for mac in macs})

    def to_ask(self, always: Iterable[Address], never: Iterable[Address]) -> tuple[Address, ...]:
        """Whom to ask for a sign: witnesses (gateway, configured), peers, and recent ARP senders."""
        recent = sorted(self._addresses, key=lambda mac: self._last.get(mac, -inf), reverse=True)
        wanted = [*always, *(peer.address for peer in self._roster.peers.values())]
        wanted += [self._addresses[mac] for mac in recent[:MAX_RECENT_SENDERS]]
        excluded = set(never)
        return tuple(dict.fromkeys(address for address in wanted if address not in excluded))

    def _host(self, mac: Mac) -> bytes:
        peer = self._roster.owner_of(mac)
        return mac if peer is None else peer.node

    def _drop_oldest(self) -> None:
        oldest = min(self._last, key=lambda mac: self._last[mac])
        del self._last[oldest]
        self._addresses.pop(oldest, None)
