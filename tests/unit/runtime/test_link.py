"""One interface in the election, through what happens to the interface itself."""

from itertools import pairwise

from tests.unit.runtime.conftest import Machine, renumbered
from vipservice.runtime.link import Link


def test_sequences_only_grow_also_where_the_sockets_are_opened_anew(machine: Machine, link: Link) -> None:
    for _ in range(5):
        machine.now += 1.0
        link.tick(machine.now)
    machine.interface = renumbered(machine.interface, "192.168.3.11")
    link.look()
    sequences = [advert.sequence for advert in machine.sent]
    assert str(machine.sent[-1].address) == "192.168.3.11"
    assert all(later > sooner for sooner, later in pairwise(sequences))
