"""The control socket, over a real one."""

import asyncio
import contextlib
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from vipservice.runtime.control import MAX_CONNECTIONS, MAX_LINE, ControlError, ControlServer
from vipservice.runtime.history import KEPT


class Recorded:
    """A daemon that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def status(self) -> dict[str, Any]:
        return {"name": "node-a"}

    def history(self, group: str | None, limit: int) -> str:
        self.asked.append(("history", group, limit))
        return '[{"id": "7-1"}]'

    async def handover(self, group: int | None, to: str | None, force: bool) -> tuple[bool, str]:
        self.asked.append(("handover", group, to, force))
        return True, "node-b is active"

    def maintenance(self, group: int | None, on: bool) -> tuple[bool, str]:
        self.asked.append(("maintenance", group, on))
        return True, "vip: in maintenance, handing over to node-b"

    def health(self, group: int | None, healthy: bool, detail: str) -> tuple[bool, str]:
        self.asked.append(("health", group, healthy, detail))
        return True, "the application is not healthy"

    def check_paths(self) -> tuple[bool, str]:
        self.asked.append(("paths",))
        return True, "asked 2 nodes"

    def forget(self, node: str) -> tuple[bool, str]:
        self.asked.append(("forget", node))
        return False, "no such node"

    async def reload(self) -> tuple[bool, str]:
        self.asked.append(("reload",))
        return True, "nothing has changed"

    async def upgrade(self) -> tuple[bool, str]:
        self.asked.append(("upgrade",))
        return False, "refused"


Scenario = Callable[[Path, Recorded], Awaitable[None]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "control.sock"


def serving(path: Path, scenario: Scenario, *, idle_timeout: float = 10.0) -> Recorded:
    """Run a scenario against a server, which is gone afterwards."""
    commands = Recorded()

    async def main() -> None:
        server = ControlServer(path, commands, idle_timeout=idle_timeout)
        await server.start()
        try:
            await asyncio.wait_for(scenario(path, commands), 20)
        finally:
            await server.close()

    asyncio.run(main())
    return commands


async def say(path: Path, *lines: bytes) -> list[dict[str, Any]]:
    """Send lines, one after the answer to the other, until the server hangs up or all are answered."""
    reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 20)
    answers = []
    with contextlib.suppress(ConnectionError):
        for line in lines:
            writer.write(line)
            if not (answer := await reader.readline()):
                break
            answers.append(json.loads(answer))
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return answers


def answers_to(path: Path, *lines: bytes) -> tuple[list[dict[str, Any]], Recorded]:
    answers: list[dict[str, Any]] = []

    async def scenario(where: Path, _: Recorded) -> None:
        answers.extend(await say(where, *lines))

    commands = serving(path, scenario)
    return answers, commands


def test_every_command_reaches_the_daemon_and_its_word_comes_back(path: Path) -> None:
    answers, commands = answers_to(
        path,
        b'{"command": "status"}\n',
        b'{"command": "history", "group": "vip", "limit": 5}\n',
        b'{"command": "history"}\n',
        b'{"command": "handover", "group": 2, "to": "node-b"}\n',
        b'{"command": "handover", "force": true}\n',
        b'{"command": "maintenance", "group": 1, "on": true}\n',
        b'{"command": "maintenance", "on": false}\n',
        b'{"command": "forget", "node": "node-c"}\n',
        b'{"command": "paths"}\n',
        b'{"command": "reload"}\n',
        b'{"command": "upgrade"}\n',
    )
    assert answers == [
        {"name": "node-a"},
        {"history": [{"id": "7-1"}]},
        {"history": [{"id": "7-1"}]},
        {"ok": True, "detail": "node-b is active"},
        {"ok": True, "detail": "node-b is active"},
        {"ok": True, "detail": "vip: in maintenance, handing over to node-b"},
        {"ok": True, "detail": "vip: in maintenance, handing over to node-b"},
        {"ok": False, "detail": "no such node"},
        {"ok": True, "detail": "asked 2 nodes"},
        {"ok": True, "detail": "nothing has changed"},
        {"ok": False, "detail": "refused"},
    ]
    assert commands.asked == [
        ("history", "vip", 5),
        ("history", None, KEPT),
        ("handover", 2, "node-b", False),
        ("handover", None, None, True),
        ("maintenance", 1, True),
        ("maintenance", None, False),
        ("forget", "node-c"),
        ("paths",),
        ("reload",),
        ("upgrade",),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"\n", "no JSON"),
        (b"status\n", "no JSON"),
        (b"\xff\xfe\n", "no JSON"),
        (b"[" * 60000 + b"\n", "no JSON"),
        (b"[]\n", "a JSON object"),
        (
            b"{}\n",
            "must be one of status, history, handover, maintenance, health, forget, paths, reload, upgrade",
        ),
        (b'{"command": ["status"]}\n', "must be one of"),
        (b'{"command": "status", "colour": 1}\n', "status takes no 'colour'"),
        (b'{"command": "handover", "group": 0}\n', "from 1 to 255"),
        (b'{"command": "handover", "group": true}\n', "from 1 to 255"),
        (b'{"command": "handover", "group": "1"}\n', "from 1 to 255"),
        (b'{"command": "handover", "force": 1}\n', "true or false"),
        (b'{"command": "handover", "to": ""}\n', "1 to 128 characters"),
        (b'{"command": "handover", "to": 5}\n', "1 to 128 characters"),
        (b'{"command": "history", "limit": 0}\n', "from 1 to 256"),
        (b'{"command": "history", "limit": 1e9}\n', "from 1 to 256"),
        (b'{"command": "history", "group": 1}\n', "1 to 128 characters"),
        (b'{"command": "forget"}\n', "needs 'node'"),
        (b'{"command": "maintenance"}\n', "needs 'on', true or false"),
        (b'{"command": "maintenance", "on": 1}\n', "needs 'on', true or false"),
    ],
)
def test_what_cannot_be_understood_gets_a_sentence_and_the_next_request_an_answer(
    path: Path, line: bytes, said: str
) -> None:
    [error, after], commands = answers_to(path, line, b'{"command": "status"}\n')
    assert set(error) == {"error"}
    assert said in error["error"]
    assert after == {"name": "node-a"}
    assert not commands.asked


def test_a_line_without_end_is_refused_and_the_connection_closed(path: Path) -> None:
    answers, _ = answers_to(path, b"x" * (MAX_LINE + 2), b'{"command": "status"}\n')
    assert answers == [{"error": f"a line may have {MAX_LINE} bytes at most"}]


def test_half_a_line_is_no_request(path: Path) -> None:
    async def scenario(where: Path, commands: Recorded) -> None:
        reader, writer = await asyncio.open_unix_connection(str(where))
        writer.write(b'{"command": "reload"}')
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()

    assert serving(path, scenario).asked == []


def test_who_says_nothing_is_hung_up_on(path: Path) -> None:
    async def scenario(where: Path, _: Recorded) -> None:
        reader, writer = await asyncio.open_unix_connection(str(where))
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()

    serving(path, scenario, idle_timeout=0.01)


def test_one_connection_too_many_is_told_so_and_the_others_go_on(path: Path) -> None:
    async def scenario(where: Path, _: Recorded) -> None:
        open_ones = [await asyncio.open_unix_connection(str(where)) for _ in range(MAX_CONNECTIONS)]
        for reader, writer in open_ones:
            writer.write(b'{"command": "status"}\n')
            assert json.loads(await reader.readline()) == {"name": "node-a"}
        reader, writer = await asyncio.open_unix_connection(str(where))
        assert json.loads(await reader.readline()) == {"error": "too many connections; try again later"}
        assert await reader.read() == b""
        for _reader, one in (*open_ones, (reader, writer)):
            one.close()
            await one.wait_closed()
        assert await say(where, b'{"command": "status"}\n') == [{"name": "node-a"}]

    serving(path, scenario)


def test_only_the_owner_and_the_group_may_connect(path: Path) -> None:
    async def scenario(where: Path, _: Recorded) -> None:
        assert stat.S_IMODE(where.stat().st_mode) == 0o660
        assert stat.S_IMODE(where.parent.stat().st_mode) & 0o027 == 0

    serving(path, scenario)


def test_the_socket_is_gone_with_the_server(path: Path) -> None:
    async def scenario(where: Path, _: Recorded) -> None:
        assert where.is_socket()

    serving(path, scenario)
    assert not path.exists()


def test_a_socket_that_a_killed_daemon_left_is_replaced(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
        killed.listen()
    answers, _ = answers_to(path, b'{"command": "status"}\n')
    assert answers == [{"name": "node-a"}]


def test_a_socket_on_which_somebody_answers_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(ControlError, match="another vipservice runs with the control socket"):
            asyncio.run(ControlServer(path, Recorded()).start())
        assert path.is_socket()


def test_two_daemons_that_start_at_once_cannot_both_have_it(path: Path) -> None:
    async def scenario(where: Path, _: Recorded) -> None:
        where.unlink()  # as if the first had looked and not bound yet
        with pytest.raises(ControlError, match="another vipservice"):
            await ControlServer(where, Recorded()).start()

    serving(path, scenario)


def test_a_file_in_the_way_is_not_removed(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("somebody's")
    with pytest.raises(ControlError, match="it is no socket"):
        asyncio.run(ControlServer(path, Recorded()).start())
    assert path.read_text() == "somebody's"


def test_a_directory_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ControlError, match="cannot be made: Not a directory"):
        asyncio.run(ControlServer(tmp_path / "file" / "run" / "control.sock", Recorded()).start())


def test_a_refused_start_keeps_no_file_open(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("somebody's")
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ControlError):
        asyncio.run(ControlServer(path, Recorded()).start())
    assert len(os.listdir("/proc/self/fd")) == before
