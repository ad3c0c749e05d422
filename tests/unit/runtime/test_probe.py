"""What goes out as ARP, read back from the frames."""

from ipaddress import IPv4Address

import pytest

from tests.unit.runtime.conftest import GROUP, OWN, VIP, Machine
from vipservice.core.actions import Announce, AskNeighbours, Probe
from vipservice.core.values import Mac
from vipservice.runtime.probe import Looking
from vipservice.wire import arp
from vipservice.wire.arp import ArpPacket, Operation
from vipservice.wire.ethernet import BROADCAST

MAC, HOLDER = Mac(b"\x02\0\0\0\0\x0a"), Mac(b"\x02\0\0\0\0\x0b")
SECOND = IPv4Address("192.168.3.235")


@pytest.fixture
def frames(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Everything that was sent."""
    sent: list[bytes] = []
    monkeypatch.setattr(machine, "send", sent.append)
    return sent


@pytest.fixture
def looking(machine: Machine) -> Looking:
    return Looking(machine, (MAC,), lambda _mac: False)


def read(frames: list[bytes]) -> list[ArpPacket]:
    return [arp.decode(frame) for frame in frames]


def test_each_address_is_announced_as_a_request_and_as_a_reply_to_all(
    looking: Looking, frames: list[bytes]
) -> None:
    assert looking.announce(Announce(GROUP, (VIP, SECOND))) is None
    told = {(one.operation, one.sender_address, one.sender_mac, one.destination) for one in read(frames)}
    forms = (Operation.REQUEST, Operation.REPLY)
    assert told == {(form, address, MAC, BROADCAST) for form in forms for address in (VIP, SECOND)}


@pytest.mark.parametrize("to", [None, HOLDER])
def test_a_probe_claims_nothing_and_goes_to_the_holder_where_one_is_known(
    to: Mac | None, looking: Looking, frames: list[bytes]
) -> None:
    assert looking.probe(Probe(GROUP, VIP, to)) is None
    (sent,) = read(frames)
    assert (sent.sender_address, sent.target_address) == (arp.NO_ADDRESS, VIP)
    assert sent.destination == (to or BROADCAST)


@pytest.mark.parametrize("to", [None, HOLDER])
def test_neighbours_are_asked_as_who_is_asking(to: Mac | None, looking: Looking, frames: list[bytes]) -> None:
    assert looking.ask(AskNeighbours(OWN, (SECOND,), to)) is None
    (sent,) = read(frames)
    assert (sent.sender_address, sent.target_address) == (OWN, SECOND)
    assert sent.destination == (to or BROADCAST)
