"""Adverts in and out: sealed, sent by the paths the election names, opened without trust."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace

from vipservice.core.actions import SendAdvert
from vipservice.core.events import AdvertReceived
from vipservice.core.messages import Advert, Path
from vipservice.core.values import Address, Mac
from vipservice.runtime.ports import AdvertSockets, HostError, Neighbours
from vipservice.wire import advert as wire_advert
from vipservice.wire import ethernet
from vipservice.wire.errors import DecodeError
from vipservice.wire.signing import Keyring, read, seal

BATCH = 64
"""Datagrams taken from one socket in one round: a flood must not keep the timers waiting."""


class Adverts:
    """The adverts of one interface."""

    def __init__(
        self,
        sockets: AdvertSockets,
        neighbours: Neighbours,
        keyring: Keyring,
        unicast_peers: tuple[Address, ...],
        own_mac: Mac,
    ) -> None:
        self._sockets = sockets
        self._neighbours = neighbours
        self.keyring = keyring
        self.unicast_peers = unicast_peers
        self._own_mac = own_mac
        self._ttl_seen = self._size_seen = 0
        self.refused = 0
        """How many datagrams of the last reading could not be believed."""

    def receive(self, ready: AbstractSet[int], rejected: Callable[[str, str], None]) -> list[AdvertReceived]:
        """What is there now (bounded) and can be believed; the rest is counted by reason.

        Args:
            ready: The descriptors that can be read: who sleeps an interval pays for each system call.
            rejected: Called with the reason and the details of what was refused.
        """
        datagrams: list[tuple[bytes, Path]] = []
        if not ready.isdisjoint(self._sockets.filenos()):
            datagrams += self._sockets.receive(BATCH)
        if not ready.isdisjoint(self._neighbours.filenos()):
            datagrams += [(payload, Path.RAW) for payload in self._neighbours.receive_adverts(BATCH)]
        received = []
        for payload, path in datagrams:
            try:
                received.append(AdvertReceived(read(payload, self.keyring), path))
            except DecodeError as error:
                rejected(error.reason, error.detail)
        self.refused = len(datagrams) - len(received) + self._count_refused(rejected)
        # One path may have overtaken another; within one reading the order of sending can be restored.
        received.sort(key=lambda event: event.advert.sequence)
        return received

    def send(self, action: SendAdvert) -> list[tuple[Path, HostError | None]]:
        """Send one advert by each of its paths; what each of them said.

        Groups that do not fit into one datagram leave in several, each with a sequence number of its own: the
        election counts as many for an advert as it has entries.
        """
        outcome = []
        for advert in _shares(action.advert):
            datagram = seal(wire_advert.encode(advert), self.keyring)
            outcome += [(path, self._try(path, datagram, action)) for path in action.paths]
        return outcome

    def _try(self, path: Path, datagram: bytes, action: SendAdvert) -> HostError | None:
        try:
            self._send(path, datagram, action)
        except HostError as error:
            return error
        return None

    def _send(self, path: Path, datagram: bytes, action: SendAdvert) -> None:
        match path:
            case Path.RAW:
                for mac in action.raw_to or (ethernet.BROADCAST,):
                    self._neighbours.send(ethernet.advert_frame(datagram, self._own_mac, mac))
            case Path.UNICAST:
                if action.peer_address is not None:
                    self._sockets.send_unicast(datagram, action.peer_address)
            case Path.MULTICAST if self.unicast_peers:
                for address in self.unicast_peers:
                    if address != action.advert.address:
                        self._sockets.send_unicast(datagram, address)
            case Path.MULTICAST:
                self._sockets.send_multicast(datagram)

    def _count_refused(self, rejected: Callable[[str, str], None]) -> int:
        """What the sockets did not even pass on; how many."""
        before = self._ttl_seen + self._size_seen
        for _ in range(self._sockets.rejected_ttl - self._ttl_seen):
            rejected("ttl", "a datagram that came through a router")
        for _ in range(self._sockets.rejected_size - self._size_seen):
            rejected("length", "a datagram longer than any advert")
        self._ttl_seen = self._sockets.rejected_ttl
        self._size_seen = self._sockets.rejected_size
        return self._ttl_seen + self._size_seen - before


def _shares(advert: Advert) -> list[Advert]:
    """Divide an advert into what fits into a datagram each; nearly always all of it fits into one."""
    shares = wire_advert.fit_entries(advert)
    if len(shares) == 1:
        return [advert]
    return [
        replace(advert, entries=entries, sequence=sequence)
        for sequence, entries in enumerate(shares, advert.sequence)
    ]
