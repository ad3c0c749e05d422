"""One interface in the election, through what happens to the interface itself."""

from dataclasses import replace
from ipaddress import IPv4Address
from itertools import pairwise

import pytest

from tests.unit.runtime.conftest import SETTINGS, VIP, Machine, renumbered
from vipservice.config.settings import ResolvedGroup
from vipservice.runtime.link import Link
from vipservice.runtime.ports import StoredGroup


def test_sequences_only_grow_also_where_the_sockets_are_opened_anew(machine: Machine, link: Link) -> None:
    for _ in range(5):
        machine.now += 1.0
        link.tick(machine.now)
    machine.interface = renumbered(machine.interface, "192.168.3.11")
    link.look()
    sequences = [advert.sequence for advert in machine.sent]
    assert str(machine.sent[-1].address) == "192.168.3.11"
    assert all(later > sooner for sooner, later in pairwise(sequences))


def test_an_address_of_the_host_that_goes_and_comes_is_no_lost_interface(
    machine: Machine, link: Link
) -> None:
    before = machine.interface
    machine.interface = replace(before, addresses=())
    link.look()
    assert link.waiting_for == ""
    machine.now += link.segment.stall_threshold() / 2
    machine.interface = before
    link.look()
    machine.now += 10.0
    link.tick(machine.now)
    assert link.waiting_for == ""


def test_an_interface_that_stays_without_an_address_is_lost_in_the_down_interval(
    machine: Machine, link: Link
) -> None:
    machine.interface = replace(machine.interface, addresses=())
    began = machine.now
    link.look()
    while not link.waiting_for:
        machine.now = link.deadline(machine.now)
        link.tick(machine.now)
    assert link.waiting_for == "eth0 has no address of its own"
    assert machine.now - began == pytest.approx(link.segment.stall_threshold())


def test_an_address_that_a_reload_drops_is_taken_off_at_once(machine: Machine, link: Link) -> None:
    machine.held.add(VIP)
    other = replace(SETTINGS, addresses=(IPv4Address("192.168.3.235"),))
    link.replace(ResolvedGroup(other, "eth0", 32, (), None, 0), StoredGroup())
    assert VIP not in machine.held
