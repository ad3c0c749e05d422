"""Targets that are conversations: the control socket, and the HTTP server from its first byte to its last."""

import base64
import json
import socket
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter

from vipservice.adapters.exporter import passwords, server
from vipservice.adapters.exporter.routes import Handler, routes
from vipservice.runtime.control import ControlServer
from vipservice.runtime.history import Forgetful, History
from vipservice.runtime.shown import Shown
from vipservice.runtime.snapshot import SnapshotUnavailableError
from vipservice.runtime.status import NodeStatus

Result = TypeVar("Result")

READ_WITHIN = 0.5
"""Seconds; the whole request is there at once, so none is waited for."""


class Commands:
    """A daemon that does whatever it is told."""

    def status(self) -> dict[str, Any]:
        return {"name": "node-a"}

    def history(self, group: str | None, limit: int) -> str:
        return json.dumps([group, limit])

    async def handover(self, group: int | None, to: str | None, force: bool) -> tuple[bool, str]:
        return True, f"{group} to {to} {force}"

    def maintenance(self, group: int | None, on: bool) -> tuple[bool, str]:
        return True, f"{group} {on}"

    def health(self, group: int | None, healthy: bool, detail: str) -> tuple[bool, str]:
        return True, f"{group} {healthy} {detail}"

    def forget(self, node: str) -> tuple[bool, str]:
        return True, node

    def check_paths(self) -> tuple[bool, str]:
        return True, "asked"

    async def reload(self) -> tuple[bool, str]:
        return True, "read again"

    async def upgrade(self) -> tuple[bool, str]:
        return False, "refused"


CONTROLLED = ControlServer(Path("control.sock"), Commands())


def control(data: bytes) -> None:
    """A line is answered by a line of JSON."""
    line = data.partition(b"\n")[0] + b"\n"
    answer = _finished(CONTROLLED._answer(line))
    assert b"\n" not in answer
    assert isinstance(json.loads(answer), dict)


def web(data: bytes) -> None:
    """Whatever is sent is answered, in HTTP, by nothing worse than a refusal."""
    client, served = socket.socketpair()
    with client, served:
        client.settimeout(READ_WITHIN)
        client.sendall(data[: server.MAX_REQUEST])
        client.shutdown(socket.SHUT_WR)
        server._Handler(served, ("192.0.2.1", 1), SERVER)  # type: ignore[arg-type] # as much of it as is used
        served.close()
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    first = answer.partition(b"\r\n")[0]
    # HTTP/0.9 has no status line; no request at all has no answer.
    assert not first.startswith(b"HTTP/") or first.split()[1][:1] in {b"2", b"4", b"5"}, first
    assert b"Traceback" not in answer


def authorization(data: bytes) -> None:
    """A header of whoever asks to be let in: a name and a password that can be checked, or nothing."""
    found = passwords._read(data.decode("latin-1"))
    if found is not None:
        _name, password = found
        assert b"\0" not in password
        assert len(password) <= passwords.MAX_PASSWORD


class Served:
    """What a request needs of the server."""

    def __init__(self, table: dict[str, Handler]) -> None:
        self.table = table
        self.guard = None
        self.read_within = READ_WITHIN


def _finished(asked: Coroutine[Any, Any, Result]) -> Result:
    """Drive to its end what waits for nothing."""
    try:
        asked.send(None)
    except StopIteration as end:
        value: Result = end.value
        return value
    raise AssertionError("it waits")


def _no_snapshot() -> NodeStatus:
    raise SnapshotUnavailableError("the loop stands still")


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("fuzz_things", "Anything.", ("kind",), registry=registry).labels("one").inc()
    return registry


SERVER = Served(routes(Shown(_registry(), _no_snapshot, History(7, Forgetful()), lambda: True), 10234))

CONTROL = (
    b'{"command": "status"}',
    b'{"command": "history", "group": "vip", "limit": 5}',
    b'{"command": "handover", "group": 1, "to": "node-b"}',
    b'{"command": "maintenance", "group": 1, "on": true}',
    b'{"command": "forget", "node": "node-b"}',
)
AUTHORIZATIONS = (b"Basic " + base64.b64encode(b"anna:secret"), b"basic " + base64.b64encode("ä:\0".encode()))
WEB = (
    b"GET /metrics?name[]=fuzz_things_total HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
    b"HEAD /api/v1/history?group=1&limit=5 HTTP/1.0\r\nAccept: application/openmetrics-text\r\n\r\n",
    b"GET /active?group=vip HTTP/1.1\r\n\r\n",
)
WEB_WORDS = (
    b"GET ", b"HEAD ", b"POST ", b" HTTP/1.1\r\n", b" HTTP/0.9\r\n", b" HTTP/2.0\r\n", b"\r\n\r\n",
    b"http://[", b"//", b"/metrics", b"/active", b"/api/v1/history", b"?limit=", b"&name[]=", b"%00",
    b"Accept: ", b"q=0.5", b"; version=", b"Accept-Encoding: gzip\r\n", b"Expect: 100-continue\r\n",
    b"Connection: keep-alive\r\n", b"1" + b"0" * 310,
)  # fmt: skip
