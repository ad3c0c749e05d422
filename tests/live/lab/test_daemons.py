"""A stand-in for the daemon is started, heard, asked and ended as a service manager would do it."""

import sys
import time

import pytest

from vipservice.lab.daemons import CONFIG, CONTROL, NOTIFY, STATE, Daemon, node_section
from vipservice.lab.lan import Lan

pytestmark = pytest.mark.live

STAND_IN = f"""
import contextlib, json, os, pathlib, signal, socket, sys
def tell(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])
def stop(*_):
    print("role active -> stopped: SIGTERM", file=sys.stderr, flush=True)
    tell("STOPPING=1")
    raise SystemExit(0)
signal.signal(signal.SIGTERM, stop)
reloads = []
signal.signal(signal.SIGHUP, lambda *_: reloads.append(pathlib.Path({str(CONFIG)!r}).read_text()))
assert pathlib.Path({str(STATE)!r}).is_dir()
pathlib.Path({str(CONTROL)!r}).unlink(missing_ok=True)
control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
control.bind({str(CONTROL)!r})
control.listen()
print("role initialize -> active: nobody answered", file=sys.stderr, flush=True)
tell("READY=1\\nSTATUS=active")
asked = 0
while True:
    with contextlib.suppress(OSError), control.accept()[0] as peer, peer.makefile("rwb") as stream:
        request = json.loads(stream.readline())
        asked += 1
        answer = dict(request, asked=asked, reloads=reloads, host=socket.gethostname())
        stream.write(json.dumps(answer).encode() + b"\\n")
"""
CONFIGURATION = node_section("node-a") + "floating_ip: {enabled: true}\n"


@pytest.fixture
def daemon(lan: Lan) -> Daemon:
    made = Daemon(lan.node("a"), CONFIGURATION, command=(sys.executable, "-I", "-c", STAND_IN))
    made.start()
    return made


def test_readiness_is_its_own_word_with_the_time_since_exec(daemon: Daemon) -> None:
    took = daemon.wait_ready(5)
    assert 0 < took < 5
    assert daemon.notifications[0].at - daemon.started == took
    assert daemon.notifications[1].text == "STATUS=active"


def test_its_log_is_kept_line_by_line_and_can_be_waited_for(daemon: Daemon) -> None:
    line = daemon.wait_for_line(r"-> active", 5)
    assert line.text == "role initialize -> active: nobody answered"
    assert line.at > daemon.started


def test_its_status_is_asked_on_the_control_socket(daemon: Daemon) -> None:
    status = daemon.wait_for(lambda answer: answer["asked"] >= 3, 5)
    assert status["command"] == "status"
    assert status["host"] == "node-a"


def test_stopping_is_waited_for_and_its_last_words_are_heard(daemon: Daemon) -> None:
    daemon.wait_ready(5)
    stopped = daemon.stop()
    assert not daemon.running
    assert daemon.process.returncode == 0
    assert stopped.began < daemon.wait_for_line("SIGTERM", 2).at
    assert daemon.notifications[-1].text == "STOPPING=1"


def test_a_reload_reads_the_new_configuration(daemon: Daemon) -> None:
    daemon.wait_ready(5)
    daemon.write_config("changed: true\n")
    daemon.reload()
    assert daemon.wait_for(lambda answer: answer["reloads"], 5)["reloads"] == ["changed: true\n"]


def test_a_killed_daemon_can_be_started_again_and_its_lives_are_told_apart(daemon: Daemon) -> None:
    first = daemon.wait_for_line("-> active", 5)
    killed = daemon.kill()
    assert daemon.process.returncode == -9
    daemon.start()
    second = daemon.wait_for_line("-> active", 5)
    assert first.at < killed.began < second.at
    assert daemon.wait_ready(5) > 0
    with pytest.raises(RuntimeError, match="the daemon is running"):
        daemon.start()


def test_a_hung_daemon_answers_nobody_until_it_goes_on(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.wait_ready(5)
    monkeypatch.setattr("vipservice.lab.daemons.CONTROL_TIMEOUT", 0.2)
    daemon.hang()
    with pytest.raises(TimeoutError):
        daemon.status()
    assert daemon.running
    daemon.resume()
    assert daemon.wait_for(lambda _: True, 5)["asked"] >= 1


def test_waiting_in_vain_shows_the_log_and_the_exit_code(lan: Lan) -> None:
    command = ("sh", "-c", "echo broken here; exit 78")
    failing = Daemon(lan.node("b"), CONFIGURATION, command=command)
    failing.start()
    before = time.monotonic()
    with pytest.raises(TimeoutError, match=r"(?s)node-b: no 'READY=1', and it ended with 78.*broken here"):
        failing.wait_ready(30)
    assert time.monotonic() - before < 10


def test_two_hosts_keep_their_files_apart(lan: Lan) -> None:
    for name in ("a", "b"):
        Daemon(lan.node(name), node_section(f"node-{name}"))
    texts = [(lan.node(name).root / CONFIG.relative_to("/")).read_text() for name in ("a", "b")]
    assert "node-a" in texts[0]
    assert "node-b" in texts[1]
    assert not CONFIG.exists()
    assert not NOTIFY.exists()
