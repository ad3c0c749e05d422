"""What becomes of an advert that does not fit into one datagram, and which sockets are read."""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from tests.unit.runtime.conftest import Machine
from vipservice.core.actions import SendAdvert
from vipservice.core.messages import Advert, Capability, Entry, Path
from vipservice.core.roles import Role
from vipservice.core.values import GroupId, Mac, NodeId
from vipservice.runtime.adverts import Adverts
from vipservice.wire.signing import Keyring

ENTRY = Entry(GroupId(1), Role.BACKUP, 100, 1, 1.0, 0.0, bytes(8), (IPv4Address("192.168.3.234"),), True)
ADVERT = Advert(
    node=NodeId(bytes(16)),
    name="us",
    incarnation=5,
    sequence=41,
    address=IPv4Address("192.168.3.10"),
    macs=(Mac(b"\x02\0\0\0\0\x0a"),),
    capabilities=Capability.NONE,
    heard=(),
    entries=(ENTRY,),
)


@pytest.fixture
def adverts(machine: Machine) -> Adverts:
    return Adverts(machine, machine, Keyring(), (), ADVERT.macs[0])


def test_what_fits_into_one_datagram_keeps_its_sequence(adverts: Adverts, machine: Machine) -> None:
    adverts.send(SendAdvert(ADVERT))
    assert machine.sent == [ADVERT]


def test_the_datagrams_of_one_advert_have_sequences_that_no_other_advert_gets(
    adverts: Adverts, machine: Machine
) -> None:
    entries = tuple(replace(ENTRY, group=GroupId(number)) for number in range(1, 101))
    adverts.send(SendAdvert(replace(ADVERT, entries=entries)))
    sequences = [advert.sequence for advert in machine.sent]
    assert len(sequences) > 1
    assert sequences == list(range(41, 41 + len(sequences)))
    assert sequences[-1] < 41 + len(entries)
    assert sum((advert.entries for advert in machine.sent), ()) == entries


def test_only_sockets_that_are_ready_are_read(
    adverts: Adverts, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def receive(path: Path) -> list[bytes]:
        read.append(path)
        return []

    monkeypatch.setattr(machine, "filenos", lambda: (7,))
    monkeypatch.setattr(machine, "receive", lambda _limit: receive(Path.MULTICAST))
    monkeypatch.setattr(machine, "receive_adverts", lambda _limit: receive(Path.RAW))
    adverts.receive(frozenset({3, 8}), lambda _reason, _detail: None)
    assert read == []
    adverts.receive(frozenset({7}), lambda _reason, _detail: None)
    assert read == [Path.MULTICAST, Path.RAW]
