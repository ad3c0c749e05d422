"""Looking: probes, questions and announcements go out as frames; what neighbours say comes in as events."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from ipaddress import IPv4Address

from vipservice.core.actions import Announce, AskNeighbours, Probe
from vipservice.core.events import NeighbourSeen, SendFailed
from vipservice.core.values import Address, Mac
from vipservice.runtime.ports import HostError, Neighbours
from vipservice.wire import arp
from vipservice.wire.errors import DecodeError
from vipservice.wire.neighbour import neighbour_seen

BATCH = 64
"""Frames taken in one round: a flood must not keep the timers waiting."""


class Looking:
    """ARP on one interface. Neighbour discovery will stand beside it."""

    def __init__(
        self, neighbours: Neighbours, own_macs: tuple[Mac, ...], is_stranger: Callable[[bytes], bool]
    ) -> None:
        self._neighbours = neighbours
        self._own_macs = own_macs
        self._is_stranger = is_stranger
        self.strange = 0
        """How many frames of the last reading came from MACs that no peer has."""

    def listen_for(self, addresses: frozenset[Address]) -> None:
        """Whose packets matter."""
        self._neighbours.listen_for(addresses)

    def receive(self, ready: AbstractSet[int], rejected: Callable[[str, str], None]) -> list[NeighbourSeen]:
        """What is there now (bounded), where one of `ready` is ours; what is no ARP is counted by reason."""
        if ready.isdisjoint(self._neighbours.filenos()):
            self.strange = 0
            return []
        seen = []
        frames = self._neighbours.receive_arp(BATCH)
        self.strange = sum(self._is_stranger(frame[6:12]) for frame in frames)
        for frame in frames:
            try:
                seen.append(neighbour_seen(frame, self._own_macs))
            except DecodeError as error:
                rejected(error.reason, error.detail)
        return seen

    def probe(self, action: Probe) -> SendFailed | None:
        """Ask for an address with sender 0.0.0.0 (RFC 5227)."""
        try:
            self._neighbours.send(arp.probe(self._own_macs[0], _ipv4(action.address), action.to))
        except HostError as error:
            return SendFailed(action.group, str(error))
        return None

    def announce(self, action: Announce) -> HostError | None:
        """Gratuitous ARP in request form and reply form: some gear honours only one of them."""
        mac = self._own_macs[0]
        frames = [
            build(mac, _ipv4(address))
            for address in action.addresses
            for build in (arp.gratuitous_request, arp.gratuitous_reply)
        ]
        return self._send_all(frames)

    def ask(self, action: AskNeighbours) -> HostError | None:
        """Ask each target for its MAC, everybody or the one who has it."""
        mac, sender = self._own_macs[0], _ipv4(action.sender)
        return self._send_all(
            [arp.request(mac, sender, _ipv4(target), action.to) for target in action.targets]
        )

    def _send_all(self, frames: list[bytes]) -> HostError | None:
        try:
            for frame in frames:
                self._neighbours.send(frame)
        except HostError as error:
            return error
        return None


def _ipv4(address: Address) -> IPv4Address:
    """ARP speaks for IPv4 only; the configuration lets nothing else through so far."""
    if not isinstance(address, IPv4Address):
        raise TypeError(f"{address} is no IPv4 address")
    return address
