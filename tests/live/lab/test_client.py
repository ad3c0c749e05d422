"""The client measures what was really out, and says how much of a gap can be its own fault."""

import socket
import time
from ipaddress import IPv4Address

import pytest

from vipservice.lab.clock import now
from vipservice.lab.lan import Lan

pytestmark = pytest.mark.live

CLOSE = 0.005
"""A few milliseconds: what measuring may add to an outage beyond the client's own pause, seconds."""


def announcement(vip: IPv4Address, mac: bytes) -> bytes:
    """A gratuitous ARP request (RFC 5944, 4.6)."""
    ethernet = b"\xff" * 6 + mac + bytes.fromhex("0806")
    return ethernet + bytes.fromhex("0001080006040001") + mac + vip.packed + bytes(6) + vip.packed


def frame_socket() -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    opened.bind(("eth0", 0))
    return opened


@pytest.mark.parametrize("length", [0.02, 0.3])
def test_a_known_outage_is_measured_to_a_few_milliseconds(lan: Lan, vip: IPv4Address, length: float) -> None:
    lan.add_address("a", vip)
    pings = lan.ping(vip)
    pings.wait_for_answer(2)
    time.sleep(0.1)
    gone = lan.delete_address("a", vip)
    time.sleep(length)
    back = lan.add_address("a", vip)
    pings.wait_for_answer(2)
    time.sleep(0.2)

    outage = pings.outage(gone.began)

    real = back.began - gone.done
    assert real - 0.001 <= outage.longest_gap <= real + CLOSE + outage.pause
    assert outage.started <= gone.done
    assert outage.net_gap <= outage.longest_gap
    assert outage.lost * 0.0009 < outage.longest_gap + 0.003
    assert abs(outage.lost - real * 1000) <= 10 + outage.pause * 1000


def test_an_address_that_moves_is_out_until_its_new_host_has_announced_it(lan: Lan, vip: IPv4Address) -> None:
    lan.add_address("a", vip)
    pings = lan.ping(vip)
    pings.wait_for_answer(2)
    time.sleep(0.1)
    gone = lan.delete_address("a", vip)
    lan.add_address("b", vip)
    time.sleep(0.1)
    assert pings.first_answer(gone.done + 0.01) is None  # the client still believes a's MAC: a real ARP cache
    with lan.node("b").in_network(frame_socket) as wire:
        announced = now()
        wire.send(announcement(vip, bytes.fromhex(lan.node("b").plan.mac.replace(":", ""))))
    pings.wait_for_answer(2)
    time.sleep(0.1)

    outage = pings.outage(gone.began)

    real = announced - gone.done
    assert real - 0.001 <= outage.longest_gap <= real + CLOSE + outage.pause
    assert lan.owners(vip) == {"b"}


@pytest.mark.quiet
def test_with_nothing_happening_nothing_is_lost_and_the_gap_is_the_noise_floor(
    lan: Lan, vip: IPv4Address
) -> None:
    lan.add_address("a", vip)
    pings = lan.ping(vip)
    since = pings.wait_for_answer(2)
    time.sleep(1)

    quiet = pings.outage(since)

    assert quiet.lost == 0
    assert quiet.sent >= 900
    assert 0.0005 < quiet.net_gap <= quiet.longest_gap <= quiet.pause + CLOSE


def test_an_outage_that_has_not_ended_counts_as_far_as_it_is_known(lan: Lan, vip: IPv4Address) -> None:
    lan.add_address("a", vip)
    pings = lan.ping(vip)
    pings.wait_for_answer(2)
    gone = lan.delete_address("a", vip)
    time.sleep(0.3)
    until = now()
    assert until - gone.done <= pings.outage(gone.began, until).longest_gap <= until - gone.began + CLOSE


def test_a_client_that_was_stopped_shows_the_gap_as_its_own(lan: Lan, vip: IPv4Address) -> None:
    lan.add_address("a", vip)
    pings = lan.ping(vip)
    since = pings.wait_for_answer(2)
    pings.close()
    with pytest.raises(RuntimeError, match="the client sent nothing"):
        pings.outage(now(), now() + 1)
    assert pings.outage(since - 0.001, since + 0.5).pause > 0.4


def test_waiting_for_an_answer_that_does_not_come_ends(lan: Lan, vip: IPv4Address) -> None:
    with pytest.raises(TimeoutError, match=r"an answer from 10\.99\.0\.234"):
        lan.ping(vip).wait_for_answer(0.2)
