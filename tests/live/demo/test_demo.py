"""`vipservice demo` as a user meets it: what it says, how it ends, and what it leaves behind."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from vipservice.lab.clock import now, wait_until
from vipservice.lab.demo.steps import DEMO

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

COMMAND = (sys.executable, "-m", "vipservice", "demo")
POWERLESS = ("setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=-all")


def children_of(parent: int) -> set[int]:
    """Every process that descends from this one."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(folder.name)] = int(fields[1])
    found, new = set[int](), {parent}
    while new:
        new = {process for process, above in parents.items() if above in new} - found
        found |= new
    return found


def alive(processes: set[int]) -> set[int]:
    """Those that are still there and no zombies."""
    return {process for process in processes if Path(f"/proc/{process}/ns/net").exists()}


@pytest.fixture
def running() -> Iterator[subprocess.Popen[bytes]]:
    """A demo under way, its output piped, with three daemons at work."""
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if b"> handover" in line:
                    break
            yield process
        finally:
            process.kill()


@pytest.mark.quiet
def test_it_shows_the_main_job_and_ends_with_a_table(tmp_path: Path) -> None:
    began = now()
    done = subprocess.run(
        (*COMMAND, "--json", tmp_path / "result.json", "--svg", tmp_path / "table.svg"),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert now() - began < 60
    report = json.loads((tmp_path / "result.json").read_text())
    assert report["safe"]
    assert report["owned_twice"] == 0
    assert [event["event"] for event in report["events"]] == [step.event for step in DEMO]
    for event in report["events"]:
        assert event["fate_held"], event
        assert event["most"] <= 1
        assert event["event"] in done.stdout
        if event["event"] != "nothing happens":
            # The reason is a sentence that a node gave while it happened, not one of ours.
            parts = event["reason"].partition(": ")[2].split("; ")
            assert [part for part in parts if part not in done.stdout] == [], done.stdout
    assert "is owned by node-" in done.stdout
    assert "Nobody ever owned it twice" in done.stdout
    root = ElementTree.fromstring((tmp_path / "table.svg").read_text())
    drawn = " ".join("".join(root.itertext()).replace("\xa0", " ").split())
    assert "kill -9, not restarted" in drawn
    assert "http" not in drawn


def test_in_a_terminal_it_draws_who_owns_the_address() -> None:
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    with subprocess.Popen(
        COMMAND, stdin=follower, stdout=follower, stderr=follower, env=environment, start_new_session=True
    ) as process:
        os.close(follower)
        try:
            drawn = read_until(leader, b"\xe2\x97\x8f", 20)
            assert b"node-a" in drawn
            processes = children_of(process.pid)
            os.write(leader, b"")
            process.send_signal(signal.SIGINT)
            drawn += read_until(leader, b"\x1b[?25h", 20)
            assert process.wait(20) == 130
        finally:
            process.kill()
            os.close(leader)
    assert b"Traceback" not in drawn
    wait_until(lambda: not alive(processes), 10, "the end of its processes")


def read_until(terminal: int, wanted: bytes, timeout: float) -> bytes:
    drawn, deadline = b"", now() + timeout
    while wanted not in drawn:
        left = deadline - now()
        assert left > 0, f"no {wanted!r} in {drawn[-2000:]!r}"
        if select.select([terminal], [], [], left)[0]:
            drawn += os.read(terminal, 65536)
    return drawn


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)],
)
def test_it_leaves_nothing_behind_when_it_is_interrupted(
    running: subprocess.Popen[bytes], number: signal.Signals, code: int
) -> None:
    processes = children_of(running.pid)
    assert len(processes) > 8, "five boxes with their keepers, three daemons, a client"
    running.send_signal(number)
    assert running.wait(20) == code
    wait_until(lambda: not alive(processes), 10, "the end of its processes")
    assert running.stderr is not None
    assert b"Traceback" not in running.stderr.read()


def test_it_ends_when_nobody_reads_it_any_more(running: subprocess.Popen[bytes]) -> None:
    processes = children_of(running.pid)
    assert running.stdout is not None
    running.stdout.close()
    assert running.wait(30) == 128 + signal.SIGPIPE
    wait_until(lambda: not alive(processes), 10, "the end of its processes")
    assert running.stderr is not None
    assert running.stderr.read() == b""


def test_without_root_it_says_one_sentence_and_ends_with_77() -> None:
    unprivileged = (*POWERLESS, *COMMAND)
    done = subprocess.run(unprivileged, capture_output=True, text=True, timeout=20, check=False)
    if "Permission denied" in done.stderr:
        pytest.skip("the checkout is not readable for nobody")
    assert (done.returncode, done.stdout) == (77, "")
    assert done.stderr.count("\n") == 1
    assert "root" in done.stderr


def test_without_namespaces_it_says_one_sentence_and_ends_with_77() -> None:
    command = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all", *COMMAND)
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (77, "")
    assert done.stderr.count("\n") == 1
    assert "namespaces" in done.stderr


def test_its_help_says_what_happens_and_what_the_exit_codes_mean() -> None:
    done = subprocess.run((*COMMAND, "--help"), capture_output=True, text=True, timeout=20, check=True)
    for word in ("hands the address over", "-9", "-STOP", "firewall", "host", "Exit code 0", "77", "--svg"):
        assert word in done.stdout
