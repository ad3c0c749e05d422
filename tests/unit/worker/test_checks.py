"""Each kind of check against something real on this machine's loopback."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from vipservice.adapters.worker import local, tcp
from vipservice.adapters.worker.children import Programs
from vipservice.adapters.worker.http import HttpAsker
from vipservice.adapters.worker.local import LocalAsker, count_processes, look_at_file, look_at_pidfile
from vipservice.adapters.worker.rounds import CommandAsker
from vipservice.config.check_settings import (
    CommandCheck,
    FileCheck,
    HttpCheck,
    InterfaceCheck,
    ProcessCheck,
    TcpCheck,
)
from vipservice.runtime.health import Tried

GOOD = ((200, 399),)


def ask(make: Callable[[], "Awaitable[Tried]"], within: float = 5.0) -> Tried:
    async def once() -> Tried:
        async with asyncio.timeout(within):
            return await make()

    return asyncio.run(once())


class Answers(BaseHTTPRequestHandler):
    """/fine, /broken, /who (the Host header), /drip (never an end)."""

    def do_GET(self) -> None:
        if self.path == "/drip":
            self._drip()
            return
        self.send_response(503 if self.path == "/broken" else 200)
        self.end_headers()
        self.wfile.write(f"I am fine, {self.headers['Host']}".encode())

    def _drip(self) -> None:
        ended = threading.Event()
        try:
            while not ended.wait(0.02):
                self.wfile.write(b"H")
        except OSError:
            return

    def log_message(self, *_said: object) -> None:
        pass


class Calm(ThreadingHTTPServer):
    """Says nothing about clients that leave in the middle of a handshake."""

    def handle_error(self, *_about: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,))
        thread.start()
        yield made.server_port
        made.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, str]:
    ca = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return ca, str(path)


@pytest.fixture(scope="module")
def secure_server(authority: tuple[trustme.CA, str]) -> Iterator[int]:
    import ssl  # noqa: PLC0415 - beside its only use

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority[0].issue_cert("www.example.org").configure_cert(context)
    with Calm(("127.0.0.1", 0), Answers) as made:
        made.socket = context.wrap_socket(made.socket, server_side=True)
        thread = threading.Thread(target=made.serve_forever, args=(0.02,))
        thread.start()
        yield made.server_port
        made.shutdown()
        thread.join()


def http(port: int, target: str = "/fine", **changed: Any) -> Tried:
    fields: dict[str, Any] = {
        "secure": False, "host": "127.0.0.1", "port": port, "target": target, "host_header": "127.0.0.1",
        "statuses": GOOD, "contains": "", "verify": True, "ca_file": "", **changed,
    }  # fmt: skip
    return ask(lambda: HttpAsker(HttpCheck(**fields), 5.0).ask())


# tcp


def test_a_listener_accepts(server: int) -> None:
    assert ask(tcp.TcpAsker(TcpCheck("127.0.0.1", server)).ask) == Tried(True, "accepted a connection")


def test_a_closed_port_refuses_with_the_systems_words() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        assert ask(tcp.TcpAsker(TcpCheck("127.0.0.1", port)).ask) == Tried(False, "Connection refused")


def test_a_resolver_that_never_answers_costs_one_thread_however_often_it_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    released, begun = threading.Event(), []

    def hang(*_arguments: object) -> list[object]:
        begun.append(threading.current_thread())
        released.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    asker = tcp.TcpAsker(TcpCheck("nobody.example.org", 80))

    async def ask_often() -> list[Tried]:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asker.ask(), 0.05)
        return [await asker.ask() for _ in range(50)]

    said = asyncio.run(ask_often())
    released.set()
    begun[0].join()
    assert len(begun) == 1
    assert set(said) == {Tried(False, tcp.RESOLVER_HANGS)}


# http


def test_a_good_status_is_good_and_another_is_not(server: int) -> None:
    assert http(server) == Tried(True, "status 200")
    assert http(server, "/broken") == Tried(False, "answered with status 503")
    assert http(server, "/broken", statuses=((503, 503),)).good


def test_the_body_is_looked_at_where_that_is_asked(server: int) -> None:
    assert http(server, contains="fine").good
    assert not http(server, contains="well").good


def test_the_host_header_is_what_was_written(server: int) -> None:
    assert http(server, host_header="www.example.org", contains="I am fine, www.example.org").good
    assert http(server, contains=f"127.0.0.1:{server}").good


def test_nobody_there_and_no_http_are_failures() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert http(closed.getsockname()[1]) == Tried(False, "Connection refused")


def test_a_server_that_drips_is_cut_off_and_its_thread_ends(server: int) -> None:
    before = threading.active_count()
    check = HttpCheck(False, "127.0.0.1", server, "/drip", "127.0.0.1", GOOD, "", True, "")
    asker = HttpAsker(check, 5.0)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asker.ask(), 0.2)

    asyncio.run(give_up())
    for thread in threading.enumerate():
        if thread.daemon and "work" in thread.name:
            thread.join(2)
    assert threading.active_count() <= before + 1  # the server's own


def test_a_certificate_must_be_good_and_of_that_name(
    secure_server: int, authority: tuple[trustme.CA, str]
) -> None:
    def secure(host_header: str, **changed: Any) -> Tried:
        return http(
            secure_server, secure=True, host_header=host_header, **{"ca_file": authority[1], **changed}
        )

    assert secure("www.example.org").good
    assert "certificate is not good" in secure("other.example.org").detail
    assert "certificate is not good" in secure("www.example.org", ca_file="").detail
    assert secure("other.example.org", verify=False).good


def test_plain_http_where_tls_is_wanted_is_said(server: int) -> None:
    assert http(server, secure=True).detail.startswith("no TLS")


# command


def command(*argv: str, timeout: float = 5.0) -> Tried:
    return ask(CommandAsker(CommandCheck(argv, ""), timeout, Programs()).ask)


def test_the_exit_status_decides_and_the_last_line_says_why() -> None:
    assert command("/bin/sh", "-c", "exit 0") == Tried(True, "exit status 0")
    said = command("/bin/sh", "-c", "echo first; echo 'no disk' >&2; exit 3")
    assert said == Tried(False, "exit status 3: no disk")


def test_a_program_that_is_not_there_fails() -> None:
    found = command("/nonexistent/check")
    assert found.good is False
    assert "cannot be started" in found.detail


def test_a_timeout_fails_and_kills_the_whole_group(tmp_path: Path) -> None:
    child = tmp_path / "child"
    found = command("/bin/sh", "-c", f"sleep 60 & echo $! > {child}; echo waiting; wait", timeout=0.3)
    assert found == Tried(False, "killed after 0.3 s: waiting")
    number = int(child.read_text())
    assert wait_until(lambda: not runs(number)), "the program's own child lives on"


def test_a_grandchild_that_keeps_the_pipe_holds_nobody_up() -> None:
    began = time.monotonic()
    assert command("/bin/sh", "-c", "setsid sleep 3 & exit 0").good
    assert time.monotonic() - began < 2.0


def test_a_program_that_never_stops_talking_is_no_burden() -> None:
    assert command("/bin/sh", "-c", "yes", timeout=0.3).detail == "killed after 0.3 s: y"


def test_a_child_gets_no_secrets_and_no_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials")
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    try:
        said = command(
            "/bin/sh", "-c", 'echo "${CREDENTIALS_DIRECTORY:-none} $PWD $(ls /proc/self/fd | wc -l)"'
        )
    finally:
        os.close(reader)
        os.close(writer)
    assert said.detail in {"exit status 0: none / 3", "exit status 0: none / 4"}  # ls has its own descriptor


# What this host knows


def test_processes_are_counted_by_name() -> None:
    own = Path("/proc/self/comm").read_text().strip()
    assert count_processes(own, 1).good
    assert not count_processes("no-such-process", 1).good
    assert not count_processes(own, 100_000).good


def test_a_pidfile_names_a_process_that_runs(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    assert not look_at_pidfile(file).good
    file.write_text(f"{os.getpid()}\n")
    assert look_at_pidfile(file).good
    file.write_text("999999999\n")
    assert look_at_pidfile(file) == Tried(False, "no process 999999999")
    file.write_text("nginx\n")
    assert look_at_pidfile(file).detail == f"{file} has no number in it"


def test_where_others_are_hidden_a_missing_process_is_no_verdict(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(local, "INIT", tmp_path / "hidden")
    own = Path("/proc/self/comm").read_text().strip()
    assert count_processes("no-such-process", 1).good is None
    assert count_processes(own, 1).good


def test_of_a_process_that_is_not_shown_the_kernel_still_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(number: int, _signal: int) -> None:
        raise PermissionError(number)

    assert local.unseen(999999999) == Tried(False, "no process 999999999")
    monkeypatch.setattr(os, "kill", refuse)
    assert local.unseen(999999999) == Tried(True, "process 999999999 runs")


def test_a_file_is_there_or_is_not(tmp_path: Path) -> None:
    assert look_at_file(tmp_path, absent=False).good
    assert not look_at_file(tmp_path, absent=True).good
    assert look_at_file(tmp_path / "missing", absent=True).good
    assert ask(LocalAsker(FileCheck(str(tmp_path / "missing"), False)).ask).good is False


def test_an_interface_that_is_not_there_fails() -> None:
    assert ask(LocalAsker(InterfaceCheck("nosuch0")).ask) == Tried(False, "there is no interface nosuch0")


def test_a_process_check_looks_in_a_thread() -> None:
    assert ask(LocalAsker(ProcessCheck("no-such-process", "", 1)).ask).good is False


def runs(number: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def wait_until(true: Callable[[], bool], within: float = 3.0) -> bool:
    deadline = time.monotonic() + within
    pause = threading.Event()
    while not true():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.01)
    return True
