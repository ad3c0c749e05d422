"""Two daemons on one Mac, on the two ends of a feth pair: the macOS adapter on a real kernel.

What it proves: ifconfig, bpf(4), route(4), kernel events and the guard do what the adapter takes them for,
and daemons hear each other's adverts. What it cannot: both ends belong to one kernel, which knows both
MACs as its own, so an ARP probe of the other end's address is answered by "this host" and proves nothing.
"""

import signal

from tests.macos.conftest import Node, wait


def test_one_holds_it_and_a_stop_leaves_it_to_the_other(nodes: list[Node]) -> None:
    for node in nodes:
        node.start()
    wait(lambda: any(node.holds() for node in nodes), "somebody holds the address")
    holder = next(node for node in nodes if node.holds())
    other = next(node for node in nodes if node is not holder)
    wait(lambda: bool(other.status()["peers"]), "the other hears the holder")
    assert [node.holds() for node in nodes].count(True) == 1
    assert holder.process is not None
    holder.process.send_signal(signal.SIGTERM)
    assert holder.process.wait(timeout=10) == 0
    assert not holder.holds()
    wait(other.holds, "the other takes over")


def test_the_guard_removes_the_address_of_a_killed_and_of_a_stopped_daemon(nodes: list[Node]) -> None:
    node = nodes[0]
    for how in (signal.SIGKILL, signal.SIGSTOP):
        node.start()
        wait(node.holds, "it holds the address")
        assert node.process is not None
        node.process.send_signal(how)
        took = wait(lambda: not node.holds(), "the guard removes it")
        assert 1.5 < took < 5.0
        node.end()
