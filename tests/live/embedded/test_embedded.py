"""The example application on two hosts: killed, stopped, standing still; and its daemon killed."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from vipservice.lab.clock import now, wait_until
from vipservice.lab.daemons import CONFIG, Daemon, node_section
from vipservice.lab.lan import Lan

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

VIP = IPv4Address("10.99.0.234")
PORT = 8080
EXAMPLE = Path("examples/embedded/hello.py").absolute()
COMMAND = (sys.executable, "-I", str(EXAMPLE), str(CONFIG), str(PORT))
SETTINGS = f"floating_ip:\n  enabled: true\n  ip: {VIP}\n  advert_interval: 100ms\nmetrics:\n  listen: off\n"

TAKEN_OVER_WITHIN = 0.5
STANDS_FOR = 4.0
"""Seconds, more than a lease."""


class Applications:
    """The example on two nodes, and a client."""

    def __init__(self, lan: Lan) -> None:
        self.lan = lan
        self.nodes = {
            name: Daemon(lan.node(name), SETTINGS + node_section(name), command=COMMAND) for name in lan.nodes
        }

    def start(self) -> None:
        """Start who is not running, and wait until both take part."""
        for application in self.nodes.values():
            if not application.running:
                application.start()
        for application in self.nodes.values():
            try:
                application.wait_for(lambda status: status["groups"][0]["standbys"] > 0, 20, "a standby")
            except TimeoutError as error:
                raise AssertionError(self.report()) from error
        wait_until(lambda: self.serving() is not None, 10, "a service")

    def serving(self) -> str | None:
        """Which node answers the client."""
        return self.lan.client.in_network(ask)

    def children(self, name: str) -> list[int]:
        """The processes that an application has started."""
        pid = self.nodes[name].process.pid
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(word) for task in tasks for word in task.read_text().split()]

    def child(self, name: str) -> int:
        """The daemon of an application."""
        (child,) = self.children(name)
        return child

    def report(self) -> str:
        return "\n".join(f"{name}:\n{one.log_text()}" for name, one in self.nodes.items())


def lives(pid: int) -> bool:
    """Whether a process runs; the lab's box reaps nobody."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ask() -> str | None:
    try:
        with socket.create_connection((str(VIP), PORT), 0.1) as connection:
            connection.settimeout(0.1)
            connection.sendall(b"GET / HTTP/1.0\r\n")
            text = connection.makefile("rb").read().decode()
    except OSError:
        return None
    return text.strip().rpartition("node-")[2] or None


@pytest.fixture(scope="module")
def applications() -> Iterator[Applications]:
    with Lan(("a", "b"), gateway=True) as lan:
        yield Applications(lan)


@pytest.fixture
def pair(applications: Applications) -> Applications:
    applications.start()
    return applications


def both(pair: Applications) -> tuple[str, str]:
    """Who serves, and who does not."""
    owner = pair.serving()
    assert owner is not None, pair.report()
    (other,) = set(pair.nodes) - {owner}
    return owner, other


def test_when_the_application_is_killed_the_other_serves_at_once_and_no_daemon_is_left(
    pair: Applications,
) -> None:
    owner, other = both(pair)
    child = pair.child(owner)
    began = now()
    pair.nodes[owner].kill()
    wait_until(lambda: pair.serving() == other, 10, "the other serves")
    took = now() - began
    wait_until(lambda: not lives(child), 5, "the daemon has ended")
    assert took < TAKEN_OVER_WITHIN, pair.report()


def test_an_application_that_is_stopped_hands_over(pair: Applications) -> None:
    owner, other = both(pair)
    child = pair.child(owner)
    began = now()
    pair.nodes[owner].stop()
    assert not lives(child)
    wait_until(lambda: pair.serving() == other, 5, "the other serves")
    turn = pair.nodes[other].wait_for_line(r"role \w+ -> active", 1, since=began)
    assert "handed over" in turn.text, pair.report()
    assert pair.nodes[owner].process.returncode == 0


def test_an_application_that_stands_still_keeps_the_address_and_its_clients_wait(pair: Applications) -> None:
    owner, _ = both(pair)
    began = now()
    pair.nodes[owner].hang()
    wait_until(lambda: now() - began > STANDS_FOR, STANDS_FOR + 1, "time")
    assert pair.serving() is None
    assert pair.lan.owners(VIP) == {owner}
    pair.nodes[owner].resume()
    wait_until(lambda: pair.serving() == owner, 2, "it goes on")
    turns = [line.text for one in pair.nodes.values() for line in one.log if line.at > began]
    assert not [text for text in turns if "role " in text or "serving" in text], pair.report()


def test_a_daemon_that_is_killed_is_started_again_and_the_application_notices_nothing(
    pair: Applications,
) -> None:
    owner, _ = both(pair)
    began, before = now(), pair.child(owner)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: before not in pair.children(owner), 5, "it is dead")
    pair.nodes[owner].wait_for(lambda status: bool(status["groups"][0]["serving"]), 5, "adopted")
    assert pair.serving() == owner
    assert pair.child(owner) != before
    assert not [line for line in pair.nodes[owner].log if line.at > began and "serving" in line.text]


def test_an_application_that_says_it_is_unwell_has_the_other_serve_until_it_is_well_again(
    pair: Applications,
) -> None:
    owner, other = both(pair)

    def declare(healthy: bool, **more: str) -> None:
        group = pair.nodes[owner].status()["groups"][0]["id"]
        pair.nodes[owner].ask({"command": "health", "group": group, "healthy": healthy, **more})

    began = now()
    declare(False, detail="the queue is full")
    wait_until(lambda: pair.serving() == other, 5, "the other serves")
    turn = pair.nodes[other].wait_for_line(r"role \w+ -> active", 1, since=began)
    assert "the service here is not healthy" in turn.text or "handed over" in turn.text, pair.report()
    assert "the queue is full" in pair.report()
    declare(True)
    pair.nodes[owner].wait_for(lambda status: bool(status["groups"][0]["healthy"]), 5, "well again")
    assert pair.serving() == other
