"""How other threads get the loop's snapshot; the loop is a list of calls here."""

import threading
from collections.abc import Callable

import pytest

from vipservice.runtime.snapshot import LoopSnapshot, SnapshotUnavailableError
from vipservice.runtime.status import NodeStatus

Node = Callable[..., NodeStatus]


class Counted:
    def __init__(self, status: NodeStatus) -> None:
        self.status = status
        self.built = 0

    def __call__(self) -> NodeStatus:
        self.built += 1
        return self.status


def at_once(call: Callable[[], None]) -> None:
    call()


def test_a_crowd_of_readers_costs_one_build(node: Node) -> None:
    build = Counted(node())
    now = [0.0]
    snapshot = LoopSnapshot(at_once, build, fresh_for=0.05, clock=lambda: now[0])
    assert snapshot() is snapshot() is build.status
    assert build.built == 1
    now[0] = 0.05
    snapshot()
    assert build.built == 2


def test_a_loop_that_stands_still_is_not_waited_for_and_asked_only_once(node: Node) -> None:
    queued: list[Callable[[], None]] = []
    build = Counted(node())
    snapshot = LoopSnapshot(queued.append, build, answer_within=0.0)
    for _ in range(3):
        with pytest.raises(SnapshotUnavailableError):
            snapshot()
    assert len(queued) == 1
    queued[0]()
    assert snapshot() is build.status


def test_a_closed_loop_is_unavailable(node: Node) -> None:
    def closed(call: Callable[[], None]) -> None:
        raise RuntimeError("Event loop is closed")

    with pytest.raises(SnapshotUnavailableError, match="ended"):
        LoopSnapshot(closed, Counted(node()))()


def test_what_fails_while_building_is_the_readers_not_the_loops() -> None:
    def broken() -> NodeStatus:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        LoopSnapshot(at_once, broken)()


def test_it_is_built_in_the_thread_it_is_submitted_to(node: Node) -> None:
    threads: list[int] = []

    def elsewhere(call: Callable[[], None]) -> None:
        runner = threading.Thread(target=call)
        threads.append(0)
        runner.start()
        runner.join()

    def build() -> NodeStatus:
        threads.append(threading.get_ident())
        return node()

    LoopSnapshot(elsewhere, build)()
    assert threads[-1] != threading.get_ident()
