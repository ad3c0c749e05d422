"""What a node knows of the others across its lives, and what it says when somebody is missing."""

from ipaddress import IPv4Address
from pathlib import Path as FilePath
from time import time

import pytest

from tests.unit.runtime.conftest import GROUP, SETTINGS, VIP, Machine, Memory, nobody_asks, quiet_history
from vipservice.config.settings import (
    AdvertSettings,
    LogSettings,
    MetricsSettings,
    NodeSettings,
    ResolvedGroup,
    Settings,
)
from vipservice.core.actions import Stopped
from vipservice.core.events import AdvertReceived, PeerForgotten
from vipservice.core.group import digest_of
from vipservice.core.messages import Advert, Capability, Entry, Path, PeerHeard
from vipservice.core.roles import Role
from vipservice.core.values import Mac, NodeId
from vipservice.runtime.history import Forgetful, History
from vipservice.runtime.metrics import Metrics
from vipservice.runtime.node import Node
from vipservice.runtime.ports import StoredPeer
from vipservice.wire.signing import Keyring

OLD = StoredPeer(
    NodeId(bytes(15) + b"\x05"), "old", (Mac(b"\x02\0\0\0\0\x05"),), IPv4Address("192.168.3.5"), "eth0", 77.0
)
NEW = NodeId(bytes(15) + b"\x06")


def start(machine: Machine, memory: Memory, nodes: int | None = None) -> Node:
    settings = Settings(
        FilePath("x"), (), NodeSettings("us"), AdvertSettings(), MetricsSettings(), LogSettings()
    )
    node = Node(settings, machine, machine, memory, Keyring())
    node.watch(Metrics({}, nobody_asks), quiet_history())
    node.add([ResolvedGroup(SETTINGS, "eth0", 32, (), nodes, 0)])
    return node


def hear(node: Node, sequence: int, knows_us: bool = True) -> None:
    """An advert of the node NEW, a backup."""
    roster = node.links[0].segment.around.roster
    heard = (PeerHeard(roster.node, roster.incarnation, 0.0),) if knows_us else ()
    entry = Entry(GROUP, Role.BACKUP, 100, 0, 1.0, 0.0, digest_of((VIP,)), (VIP,), True)
    address, mac = IPv4Address("192.168.3.6"), Mac(b"\x02\0\0\0\0\x06")
    advert = Advert(NEW, "new", 9, sequence, address, (mac,), Capability.KERNEL_LEASE, heard, (entry,))
    node.links[0].tell(AdvertReceived(advert, Path.MULTICAST))
    node.observer.tell()


def test_who_is_remembered_and_has_not_come_back_is_remembered_again(
    machine: Machine, memory: Memory
) -> None:
    memory.stored = (OLD,)
    hear(start(machine, memory), 1)
    assert {peer.name for peer in memory.stored} == {"old", "new"}
    assert OLD in memory.stored, "with the moment at which it was seen last"


def test_who_never_named_our_present_life_is_not_remembered(machine: Machine, memory: Memory) -> None:
    node = start(machine, memory)
    hear(node, 1, knows_us=False)
    assert list(node.observer.peers()) == []


def test_a_history_that_cannot_be_written_is_told_like_any_state(machine: Machine, memory: Memory) -> None:
    node = start(machine, memory)
    assert node.status().stored
    journal = Forgetful()
    journal.problem = "history.jsonl can't be written (No space left on device)"
    node.watch(Metrics({}, nobody_asks), History(5, journal))
    assert not node.status().stored
    assert any("No space left" in problem for problem in node.status().problems)


def test_who_was_forgotten_is_remembered_no_more(machine: Machine, memory: Memory) -> None:
    memory.stored = (OLD,)
    node = start(machine, memory)
    node.links[0].tell(PeerForgotten(OLD.node))
    node.observer.tell()
    assert not memory.stored


def test_lost_redundancy_is_known_after_our_own_restart(machine: Machine, memory: Memory) -> None:
    memory.stored = (OLD,)
    node = start(machine, memory)
    hear(node, 1)
    status = node.status()
    assert status.groups[0].expected_nodes == 3
    assert status.problems == ("vip: redundancy is lost, 2 of 3 nodes are there; silent: old",)


def test_without_a_word_of_the_operator_those_known_before_are_expected(
    machine: Machine, memory: Memory
) -> None:
    node = start(machine, memory)
    hear(node, 1)
    assert node.status().problems == ()
    machine.now += 3.5
    assert node.status().problems == ("vip: redundancy is lost, 1 of 2 nodes are there; silent: new",)


def test_nodes_says_how_many_are_expected(machine: Machine, memory: Memory) -> None:
    node = start(machine, memory, nodes=3)
    hear(node, 1)
    assert node.status().problems == ("vip: redundancy is lost, 2 of 3 nodes are there",)


def test_when_the_others_were_heard_last_is_stored_at_the_end(machine: Machine, memory: Memory) -> None:
    node = start(machine, memory)
    hear(node, 1)
    machine.now += 1000.0
    node.observer.observe(Stopped(GROUP))
    node.observer.tell()
    assert time() - memory.stored[0].last_seen == pytest.approx(1000.0, abs=5)


def test_a_term_that_cannot_be_stored_is_said_once_in_the_log_and_in_the_status_while_it_lasts(
    machine: Machine, memory: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    node = start(machine, memory)
    node.observer.tell()
    memory.problem = "No space left on device"
    with caplog.at_level("INFO", "vipservice"):
        node.observer.tell()
        node.observer.tell()
        assert caplog.messages == ["the state directory cannot be written: No space left on device"]
        memory.problem = None
        node.observer.tell()
        assert caplog.messages[1:] == ["the state directory can be written again"]
    memory.problem = "No space left on device"
    assert node.status().problems == ("the state directory cannot be written: No space left on device",)


def test_an_active_may_stand_still_only_as_long_as_its_lease(machine: Machine, memory: Memory) -> None:
    node = start(machine, memory)
    (link,) = node.links
    for _ in range(100):
        machine.now = min(link.deadline(machine.now), machine.now + 0.1)
        link.tick(machine.now)
    assert link.segment.holds(GROUP)
    assert node.in_the_way(0.5) is None
    assert "of the lease are left and 10.0 s are needed" in (node.in_the_way(10.0) or "")
