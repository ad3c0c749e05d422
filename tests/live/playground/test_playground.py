"""The playground as a newcomer meets it: start it, look, break a node, see alert and reason, leave."""

import json
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vipservice.lab.clock import wait_until
from vipservice.lab.playground.orders import ORDERS, SOCKET
from vipservice.lab.prometheus import PROGRAM

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

COMMAND = (sys.executable, "-m", "vipservice.lab.playground")


@pytest.fixture(autouse=True, scope="session")
def _needs_prometheus() -> None:
    assert shutil.which(PROGRAM), "prometheus is missing: scripts/test installs it"


class Terminal:
    """A terminal in which the playground runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("wb") as output:
            self.process = subprocess.Popen(COMMAND, stdout=output, stderr=subprocess.STDOUT)
        self.wait_for(r"What happens", 60)

    def text(self) -> str:
        return self._path.read_text()

    def wait_for(self, pattern: str, timeout: float) -> re.Match[str]:
        def there() -> bool:
            assert self.process.poll() is None, self.text()
            return re.search(pattern, self.text()) is not None

        try:
            wait_until(there, timeout, pattern)
        except TimeoutError as error:
            pytest.fail(f"{error}; it said:\n{self.text()}")
        found = re.search(pattern, self.text())
        assert found
        return found


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path_factory.mktemp("playground") / "output")
    try:
        yield terminal
    finally:
        terminal.process.kill()
        terminal.process.wait(20)


def order(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run((*COMMAND, *words), capture_output=True, text=True, timeout=60, check=False)


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def asked(prometheus: str, query: str) -> list[Any]:
    return list(json.loads(get(f"{prometheus}/api/v1/query?query={query}"))["data"]["result"])


def children_of(parent: int) -> set[int]:
    """The processes whose parent it is."""
    stats = (Path("/proc") / entry.name / "stat" for entry in Path("/proc").glob("[0-9]*"))
    return {int(stat.parent.name) for stat in stats if _parent_of(stat) == parent}


def _parent_of(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_it_says_where_to_look_and_how_to_break_things(terminal: Terminal) -> None:
    assert len(re.findall(r"http://127\.0\.0\.1:\d+/ +node-[abc]'s page", terminal.text())) == 3
    for word in ORDERS:
        assert f"  {word} " in terminal.text()


def test_every_page_it_names_answers_on_this_machine(terminal: Terminal) -> None:
    for url, name in re.findall(r"(http://\S+/) +(node-[abc])'s page", terminal.text()):
        assert name in get(url)
    prometheus = terminal.wait_for(r"(http://\S+)/alerts", 1)[1]
    assert "Prometheus" in get(f"{prometheus}/graph")
    wait_until(lambda: len(asked(prometheus, "up==1")) == 3, 20, "three nodes scraped")


def test_a_newcomer_breaks_a_node_and_sees_the_alert_and_the_reason(terminal: Terminal) -> None:
    prometheus = terminal.wait_for(r"(http://\S+)/alerts", 1)[1]
    done = order("block")
    assert done.returncode == 0, done.stderr
    broken = done.stdout.strip().rpartition(" ")[2]
    terminal.wait_for(rf"node-\w +held by silent peer: {broken} ", 20)
    terminal.wait_for(r"ALERT +VipserviceHeldBySilentPeer \(warning\): The owner of \S+ answers", 40)
    fire = asked(prometheus, "ALERTS%7Balertstate=%22firing%22%7D")
    assert {one["metric"]["alertname"] for one in fire} >= {"VipserviceHeldBySilentPeer"}
    assert order("mend").stdout == "everything is mended\n"
    terminal.wait_for(r"ALERT +VipserviceHeldBySilentPeer is over", 40)


def test_an_order_that_cannot_be_is_refused_with_a_sentence(terminal: Terminal) -> None:
    done = order("cut", "z")
    assert (done.returncode, done.stdout) == (69, "")
    assert done.stderr == "playground: there is no node 'z'; there are a, b, c\n"


def test_there_is_only_one_at_a_time(terminal: Terminal) -> None:
    done = order()
    assert done.returncode == 69
    assert done.stderr.count("\n") == 1
    assert "runs already" in done.stderr


def test_it_leaves_nothing_behind(terminal: Terminal) -> None:
    gone: Callable[[int], bool] = lambda process: not Path(f"/proc/{process}/ns/net").exists()  # noqa: E731
    children = children_of(terminal.process.pid)
    assert len(children) > 6
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.process.wait(30) == 130
    wait_until(lambda: all(map(gone, children)), 10, "the end of its processes")
    assert not SOCKET.exists()
    assert "Traceback" not in terminal.text()


def test_without_a_playground_there_is_nobody_to_give_orders_to() -> None:
    done = order("mend")
    assert done.returncode == 69
    assert "sudo scripts/playground" in done.stderr
