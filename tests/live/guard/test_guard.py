"""The guard as a process of its own, with a real address: daemons die, hang and come back, and so does it."""

import os
import signal

import pytest

from tests.live.guard.conftest import LEASE, Machine

pytestmark = [pytest.mark.live, pytest.mark.quiet]

SLACK = 0.5
"""Seconds for a guard that must run `ip` on a busy machine."""


def test_the_address_of_a_killed_daemon_is_removed_when_its_lease_is_over(machine: Machine) -> None:
    daemon = machine.start()
    machine.says(daemon, "guard")
    assert machine.holds_throughout(1.5 * LEASE)
    daemon.kill()
    took = machine.wait(lambda: not machine.holds(), "the address is removed")
    assert LEASE - 0.2 <= took <= LEASE + SLACK
    machine.wait(lambda: not machine.processes(), "a guard with nothing to guard ends")


def test_a_stopped_daemon_loses_its_address_and_a_continued_one_gets_no_second_guard(
    machine: Machine,
) -> None:
    daemon = machine.start()
    (guard,) = machine.says(daemon, "guard")
    daemon.send_signal(signal.SIGSTOP)
    took = machine.wait(lambda: not machine.holds(), "the address is removed")
    assert LEASE - 0.2 <= took <= LEASE + SLACK
    daemon.send_signal(signal.SIGCONT)
    machine.bind()
    assert machine.holds_throughout(1.5), "what is renewed again stays"
    assert int(guard) in machine.processes()


def test_a_daemon_that_is_started_again_within_the_lease_keeps_the_address(machine: Machine) -> None:
    first = machine.start()
    (guard,) = machine.says(first, "guard")
    first.kill()
    second = machine.start()
    assert machine.says(second, "knows") == ["1"]
    assert machine.says(second, "guard") == [guard]
    assert machine.holds_throughout(2 * LEASE)


def test_a_second_daemon_that_was_started_by_mistake_costs_the_first_neither_guard_nor_address(
    machine: Machine,
) -> None:
    first = machine.start()
    (guard,) = machine.says(first, "guard")
    mistaken = machine.start()
    machine.says(mistaken, "guard")
    mistaken.kill()
    assert machine.says(first, "guard")[0] == guard
    assert machine.holds_throughout(2 * LEASE)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_guard_that_dies_or_hangs_is_replaced_and_the_new_one_guards(
    machine: Machine, how: signal.Signals
) -> None:
    daemon = machine.start()
    (old,) = machine.says(daemon, "guard")
    os.kill(int(old), how)
    new, *words = machine.says(daemon, "guard")
    assert new != old
    assert " ".join(words).endswith("another one is taken")
    assert machine.holds_throughout(1.5 * LEASE)
    assert int(old) not in machine.processes()
    daemon.kill()
    machine.wait(lambda: not machine.holds(), "the new guard removes the address")


def test_daemon_and_guard_killed_together_leave_nothing_once_a_daemon_starts_again(machine: Machine) -> None:
    daemon = machine.start()
    (guard,) = machine.says(daemon, "guard")
    os.kill(int(guard), signal.SIGKILL)
    daemon.kill()
    daemon.wait()
    assert machine.holds_throughout(1.5 * LEASE), "nobody is there to remove it"
    again = machine.start()
    assert machine.says(again, "knows") == ["1"]


def test_what_the_daemon_dropped_is_left_alone_and_the_guard_ends(machine: Machine) -> None:
    daemon = machine.start("drop")
    machine.says(daemon, "guard")
    machine.wait(lambda: not machine.processes(), "both end")
    assert machine.holds()
