"""`status --watch` of a real daemon, on a real terminal and in a pipe, while its address moves."""

import os
import pty
import re
import selectors
import signal
import sys
import termios
from collections.abc import Iterator

import pytest

from vipservice.lab.clock import now
from vipservice.lab.daemons import CONTROL
from vipservice.lab.demo.cluster import Cluster

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]

WITHIN = 5.0
WATCH = (sys.executable, "-I", "-m", "vipservice", "status", "--watch", "200ms", "--socket", str(CONTROL))
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(("a", "b"), gateway=True) as made:
        made.start("a", "b")
        made.wait_until_whole()
        yield made


class Watcher:
    """The command on node a, and everything that it has written."""

    def __init__(self, cluster: Cluster, reads: int, writes: int, term: str) -> None:
        env = {**os.environ, "TERM": term, "COLUMNS": "120", "LINES": "30"}
        self.process = cluster.lan.node("a").spawn(WATCH, env=env, stdout=writes)
        self.written = ""
        self._reads = reads
        os.close(writes)

    def wait_for(self, pattern: str, since: int = 0) -> int:
        """Read on until the pattern comes; where it ended."""
        deadline = now() + WITHIN
        with selectors.DefaultSelector() as selector:
            selector.register(self._reads, selectors.EVENT_READ)
            while not (found := re.search(pattern, self.written[since:])):
                assert selector.select(deadline - now()), f"no {pattern!r} in {self.written[since:]}"
                self.written += os.read(self._reads, 65536).decode()
        return since + found.end()

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(WITHIN)

    def close(self) -> None:
        os.close(self._reads)


def hand_over(cluster: Cluster) -> None:
    owner = cluster.wait_for_owner(5)
    cluster.daemons[owner].ask({"command": "handover"})
    cluster.wait_for_owner(5, other_than=owner)


@pytest.fixture
def terminal(cluster: Cluster) -> Iterator[Watcher]:
    reads, writes = pty.openpty()
    termios.tcsetwinsize(writes, (30, 120))
    watcher = Watcher(cluster, reads, writes, "xterm-256color")
    yield watcher
    watcher.close()


@pytest.fixture
def pipe(cluster: Cluster) -> Iterator[Watcher]:
    watcher = Watcher(cluster, *os.pipe(), "xterm-256color")
    yield watcher
    watcher.close()


def test_on_a_terminal_the_screen_follows_the_address_and_is_given_back(
    cluster: Cluster, terminal: Watcher
) -> None:
    role = cluster.daemons["a"].status()["groups"][0]["role"]
    other = "backup" if role == "active" else "active"
    seen = terminal.wait_for(f"vip-1 .*[●○] {role}")
    hand_over(cluster)
    terminal.wait_for(f"vip-1 .*[●○] {other}", seen)
    assert terminal.interrupt() == 0
    terminal.wait_for(r"\x1b\[\?1049l")


def test_in_a_pipe_a_line_tells_that_the_address_moved(cluster: Cluster, pipe: Watcher) -> None:
    owner = cluster.wait_for_owner(5)
    (heir,) = set(cluster.daemons) - {owner}
    seen = pipe.wait_for(rf"vip-1: (active|backup); node-{owner} has 10\.99\.0\.234; standbys 1; .*\n")
    hand_over(cluster)
    pipe.wait_for(rf"vip-1: (active|backup); node-{heir} has 10\.99\.0\.234", seen)
    assert pipe.interrupt() == 0
    assert not CODES.search(pipe.written)
    assert "Traceback" not in pipe.written


def test_a_daemon_that_is_started_again_is_found_again(cluster: Cluster, pipe: Watcher) -> None:
    pipe.wait_for(r"vip-1: ")
    cluster.daemons["a"].stop()
    seen = pipe.wait_for("! the daemon is not running")
    cluster.start("a")
    pipe.wait_for("over: the daemon is not running", seen)
    pipe.wait_for(r"vip-1: backup; node-b has", seen)
