"""The process that checks: it may end and comes back without a verdict, and it pings without any power."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from vipservice.lab.clock import now, wait_until
from vipservice.lab.daemons import Daemon, Status
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.demo.services import TCP_CHECK, serve
from vipservice.lab.demo.steps import active

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

WITHIN = 10.0

PING = """\
checks:
  - {ping: 10.99.0.1, name: upstream, interval: 200ms, timeout: 200ms, rise: 1, fall: 3}
"""
"""The gateway of the LAN."""


@pytest.fixture(autouse=True)
def _as_it_was(pair: Cluster) -> Iterator[None]:
    yield
    pair.lan.heal()
    pair.configure("")
    while pair.services:
        pair.services.popitem()[1].close()
    pair.wait_until_whole()


def worker_of(daemon: Daemon) -> int:
    """The number of its process; 0 where there is none."""
    pid = daemon.process.pid
    words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(words[0]) if words else 0


def state(status: Status) -> str:
    found: str = status["groups"][0]["checks"][0]["state"]
    return found


def test_a_worker_that_is_killed_comes_back_and_neither_a_check_nor_the_address_notices(
    pair: Cluster,
) -> None:
    serve(pair, TCP_CHECK)
    owner = active(pair)
    daemon = pair.daemons[owner]
    before, began = worker_of(daemon), now()
    os.kill(before, signal.SIGKILL)
    daemon.wait_for(lambda status: bool(status["problems"]), WITHIN, "it is said")
    wait_until(lambda: worker_of(daemon) not in {0, before}, WITHIN, "another worker")
    passed = daemon.status()["groups"][0]["checks"][0]["passed"]
    daemon.wait_for(lambda status: status["groups"][0]["checks"][0]["passed"] > passed + 2, WITHIN, "tries")
    assert not daemon.status()["problems"]
    assert state(daemon.status()) == "passing"
    assert pair.owner == owner
    assert pair.pings.outage(began).nothing_lost
    said = [one.text for one in pair.sentences(began, now())]
    assert not [text for text in said if " is failing" in text or text.startswith("role ")], said


def test_a_service_that_dies_while_nobody_checks_is_found_by_the_next_worker(pair: Cluster) -> None:
    serve(pair, TCP_CHECK)
    owner = active(pair)
    os.kill(worker_of(pair.daemons[owner]), signal.SIGKILL)
    pair.services[owner].kill()
    assert pair.wait_for_owner(WITHIN, other_than=owner)


def test_a_ping_that_is_not_answered_moves_the_address(pair: Cluster) -> None:
    pair.configure(PING)
    for daemon in pair.daemons.values():
        daemon.wait_for(lambda status: state(status) == "passing", WITHIN, "an answer")
    owner = active(pair)
    pair.lan.drop_one_way(owner, "gateway")
    try:
        assert pair.wait_for_owner(WITHIN, other_than=owner)
        assert state(pair.daemons[owner].status()) == "failing"
    finally:
        pair.lan.restore_way(owner, "gateway")
    pair.daemons[owner].wait_for(lambda status: state(status) == "passing", WITHIN, "an answer again")
