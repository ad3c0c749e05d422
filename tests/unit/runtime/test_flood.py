"""When the kernel is asked to drop most of what strangers send, and when no longer."""

import pytest

from tests.unit.runtime.conftest import Machine
from vipservice.core.actions import Rejected
from vipservice.core.values import Mac
from vipservice.runtime.flood import CALM, LIMIT, WINDOW, Flood
from vipservice.runtime.ports import KEPT, HostError
from vipservice.runtime.strangers import Strangers

PEER, OTHER = Mac(b"\x02\0\0\0\0\x0b"), Mac(b"\x02\0\0\0\0\x0c")
PEERS, BOTH = frozenset({PEER}), frozenset({PEER, OTHER})


def rounds(flood: Flood, rate: float, seconds: float, begin: float, step: float = 0.01) -> list[float]:
    """Count strangers at a rate, a round each `step`; the moments at which the flood turned."""
    turns = []
    for number in range(round(seconds / step)):
        now = begin + number * step
        due = int(rate * step * (number + 1)) - int(rate * step * number)
        if flood.turned(due, now):
            turns.append(now)
    return turns


def test_as_many_strangers_as_can_be_read_are_no_flood() -> None:
    flood = Flood()
    assert rounds(flood, 0.9 * LIMIT, 30, begin=1000) == []
    assert not flood.on


def test_more_of_them_are_a_flood_within_the_first_window() -> None:
    flood = Flood()
    (began,) = rounds(flood, 25 * LIMIT, 1, begin=1000)
    assert began - 1000 <= WINDOW
    assert flood.on


def test_a_quiet_hour_before_does_not_count_against_the_flood_nor_for_it() -> None:
    flood = Flood()
    rounds(flood, 0.5 * LIMIT, 10, begin=1000)
    assert rounds(flood, 0.9 * LIMIT, 10, begin=4600) == []


def test_what_passes_by_chance_keeps_the_flood_on() -> None:
    flood = Flood()
    rounds(flood, 25 * LIMIT, 1, begin=1000)
    assert rounds(flood, 25 * LIMIT / KEPT, 60, begin=1001) == []
    assert flood.on


def test_it_is_over_after_a_calm_while() -> None:
    flood = Flood()
    rounds(flood, 25 * LIMIT, 1, begin=1000)
    (ended,) = rounds(flood, 0, 3 * CALM, begin=1001)
    assert CALM <= ended - 1000 <= 2 * CALM + 0.1
    assert not flood.on


def test_it_does_not_begin_and_end_in_turns_where_the_rate_is_near_the_limit() -> None:
    flood = Flood()
    rounds(flood, 1.1 * LIMIT, 1, begin=1000)
    assert flood.on
    assert rounds(flood, 1.1 * LIMIT / KEPT, 60, begin=1001) == []


@pytest.fixture
def strangers(machine: Machine) -> Strangers:
    def failed(error: HostError) -> None:
        raise error

    found = Strangers(machine, machine, failed)
    found.know(PEERS)
    return found


def test_a_flood_of_adverts_thins_out_adverts_alone_and_what_peers_send_passes(
    machine: Machine, strangers: Strangers
) -> None:
    strangers.count(adverts=10_000, arp=0, now=1000)
    assert machine.thinned == {"datagrams": PEERS, "raw adverts": PEERS}


def test_recordings_of_right_adverts_are_a_flood_and_a_peers_second_path_is_none(
    machine: Machine, strangers: Strangers
) -> None:
    for _ in range(10_000):
        strangers.disbelieved(Rejected("copy", "by another path"))
    strangers.count(adverts=0, arp=0, now=1000)
    assert machine.thinned == {}
    for _ in range(10_000):
        strangers.disbelieved(Rejected("replayed", "an old one"))
    strangers.count(adverts=0, arp=0, now=1001)
    assert machine.thinned == {"datagrams": PEERS, "raw adverts": PEERS}


def test_a_flood_of_arp_thins_out_arp_alone(machine: Machine, strangers: Strangers) -> None:
    strangers.count(adverts=0, arp=10_000, now=1000)
    assert machine.thinned == {"arp": PEERS}


def test_a_peer_that_is_learned_in_a_flood_passes_from_then_on(
    machine: Machine, strangers: Strangers
) -> None:
    strangers.count(adverts=10_000, arp=0, now=1000)
    strangers.know(BOTH)
    assert machine.thinned == {"datagrams": BOTH, "raw adverts": BOTH}


def test_when_the_flood_is_over_everything_passes(machine: Machine, strangers: Strangers) -> None:
    strangers.count(adverts=10_000, arp=10_000, now=1000)
    strangers.count(adverts=0, arp=0, now=1000 + CALM + 1)
    assert machine.thinned == {"datagrams": None, "raw adverts": None, "arp": None}


def test_a_kernel_that_refuses_the_filter_is_reported_and_nothing_breaks() -> None:
    class Refusing(Machine):
        def thin_arp(self, known: frozenset[Mac] | None) -> None:  # noqa: ARG002 - the port's signature
            raise HostError("setting the ARP filter", "eth0", 12, "Cannot allocate memory")

    said: list[HostError] = []
    machine = Refusing()
    Strangers(machine, machine, said.append).count(adverts=0, arp=10_000, now=1000)
    assert [error.operation for error in said] == ["setting the ARP filter"]
