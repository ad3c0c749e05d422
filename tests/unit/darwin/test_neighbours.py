"""Frames by bpf(4): its filter, run as the kernel runs it, and its buffers, thinned out in a flood."""

from collections.abc import Iterator

import pytest

from tests.unit.adapters.conftest import run
from tests.unit.darwin.conftest import EN0, MAC, OWN, VIP, PlayedMac, is_open
from vipservice.adapters.classic_bpf import DROP, WHOLE
from vipservice.adapters.darwin.capture_filter import (
    ARP_SNAP,
    MAX_ADDRESSES,
    MAX_INSTRUCTIONS,
    advert_program,
    arp_program,
)
from vipservice.adapters.darwin.neighbours import DarwinNeighbours
from vipservice.core.values import Mac
from vipservice.runtime.ports import KEPT, HostError
from vipservice.wire import arp, ethernet

PEER, STRANGER = Mac(b"\x02\0\0\0\0\x0b"), Mac(b"\x02\0\0\0\0\x99")
ARP_WIRE, ADVERT_WIRE = 0, 1
FOR_ALL = arp.request(PEER, OWN + 1, VIP)


@pytest.fixture
def neighbours(mac: PlayedMac) -> Iterator[DarwinNeighbours]:
    opened = DarwinNeighbours(EN0, mac)
    yield opened
    opened.close()


def test_arp_passes_that_is_about_our_addresses_or_for_us() -> None:
    program = arp_program({VIP}, MAC)
    assert run(program, arp.request(PEER, OWN, VIP)) == ARP_SNAP
    assert run(program, arp.gratuitous_request(PEER, VIP)) == ARP_SNAP
    assert run(program, arp.request(PEER, OWN, OWN + 5)) == DROP
    assert run(program, MAC + arp.request(PEER, OWN, OWN + 5)[6:]) == ARP_SNAP
    assert run(program, FOR_ALL[:40]) == DROP
    assert run(program, ethernet.advert_frame(b"advert", PEER)) == DROP


@pytest.mark.parametrize("count", [0, 1, 239, MAX_ADDRESSES])
def test_as_many_addresses_fit_as_are_promised(count: int) -> None:
    addresses = [OWN + number for number in range(count)]
    program = arp_program(addresses, MAC)
    assert len(program) <= MAX_INSTRUCTIONS
    for address in addresses:
        assert run(program, arp.request(PEER, OWN - 1, address)) == ARP_SNAP
    assert run(program, arp.request(PEER, OWN - 1, OWN + count)) == DROP


def test_with_more_addresses_all_arp_passes() -> None:
    program = arp_program([OWN + number for number in range(MAX_ADDRESSES + 1)], MAC)
    assert run(program, arp.request(PEER, OWN - 1, OWN - 2)) == ARP_SNAP


def test_raw_adverts_pass_to_us_and_to_all() -> None:
    program = advert_program(MAC)
    to_all = ethernet.advert_frame(b"advert", PEER)
    assert run(program, to_all) == WHOLE
    assert run(program, MAC + to_all[6:]) == WHOLE
    assert run(program, STRANGER + to_all[6:]) == DROP
    assert run(program, FOR_ALL) == DROP


def test_frames_are_read_and_sent(neighbours: DarwinNeighbours, mac: PlayedMac) -> None:
    mac.put(ARP_WIRE, FOR_ALL, FOR_ALL)
    mac.put(ADVERT_WIRE, ethernet.advert_frame(b"advert", PEER))
    assert neighbours.receive_arp(10) == [FOR_ALL, FOR_ALL]
    assert neighbours.receive_adverts(10)[0].startswith(b"advert")
    assert neighbours.receive_arp(10) == []
    neighbours.send(FOR_ALL)
    assert mac.wires[ARP_WIRE].recv(200) == FOR_ALL


def test_a_round_reads_one_buffer_and_the_next_the_next(neighbours: DarwinNeighbours, mac: PlayedMac) -> None:
    for _ in range(2):
        mac.put(ARP_WIRE, *[FOR_ALL] * 64)  # as many of the least frames as the kernel puts into ours
    assert [len(neighbours.receive_arp(64)) for _ in range(3)] == [64, 64, 0]


def test_the_filter_follows_the_addresses_and_a_refusal_is_an_error(
    neighbours: DarwinNeighbours, mac: PlayedMac
) -> None:
    descriptor, _ = neighbours.filenos()
    neighbours.listen_for(frozenset({VIP}))
    assert mac.programs[descriptor] == arp_program({VIP}, MAC)
    mac.refuses = "Invalid argument"
    neighbours.listen_for(frozenset({VIP}))
    with pytest.raises(HostError, match="Invalid argument"):
        neighbours.listen_for(frozenset({OWN}))


def test_in_a_flood_peers_and_what_is_for_us_pass_and_few_of_the_rest(
    neighbours: DarwinNeighbours, mac: PlayedMac
) -> None:
    neighbours.thin_arp(frozenset({PEER}))
    strange = arp.request(STRANGER, OWN, VIP)
    for_us = MAC + strange[6:]
    passed: list[bytes] = []
    for _ in range(KEPT):
        mac.put(ARP_WIRE, FOR_ALL, *[strange] * 40, for_us)
        passed += neighbours.receive_arp(KEPT + 2)
    assert passed.count(FOR_ALL) == passed.count(for_us) == KEPT
    assert 0 < passed.count(strange) < 160, "40 are to be expected of 2560"
    neighbours.thin_arp(None)
    mac.put(ARP_WIRE, strange)
    assert neighbours.receive_arp(10) == [strange]


def test_an_interface_that_cannot_be_captured_leaves_no_descriptor(
    mac: PlayedMac, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = mac.capture
    opened: list[int] = []

    def once(interface: str, buffer: int, program: object) -> int:
        if opened:
            raise OSError(6, "Device not configured")
        opened.append(real(interface, buffer, ()))
        return opened[0]

    monkeypatch.setattr(mac, "capture", once)
    with pytest.raises(HostError, match="Device not configured"):
        DarwinNeighbours(EN0, mac)
    assert not is_open(opened[0])


def test_a_closed_one_has_closed_its_descriptors(mac: PlayedMac) -> None:
    opened = DarwinNeighbours(EN0, mac)
    descriptors = opened.filenos()
    opened.close()
    assert not any(map(is_open, descriptors))
