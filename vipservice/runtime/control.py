r"""The control socket: how `vipservice status` and the other commands reach the daemon.

A UNIX stream socket; one JSON object a line in, one a line out, several in a row if you like:

    {"command": "status"}                                      -> the snapshot (`status.to_json`)
    {"command": "history", "group": "vip", "limit": 20}         -> {"history": [...]} (`History.to_json`)
    {"command": "handover", "group": 1, "to": "node-b", "force": true} -> {"ok": true, "detail": "..."}
    {"command": "maintenance", "group": 1, "on": true}         -> {"ok": true, "detail": "..."}
    {"command": "health", "group": 1, "healthy": false, "detail": "..."} -> {"ok": true, "detail": "..."}
    {"command": "forget", "node": "node-b"}                    -> {"ok": true, "detail": "..."}
    {"command": "paths"}                                       -> {"ok": true, "detail": "..."}
    {"command": "reload"}                                      -> {"ok": true, "detail": "..."}
    {"command": "upgrade"}                                     -> {"ok": false, "detail": "..."}

`paths` asks every peer by which paths it hears us; its answer is in the status some milliseconds later.
An upgrade is answered only where it is refused: else the connection ends, and the new code listens soon.
`group`, `to` and `limit` may be left out, but not by `health`, which is for the application that embeds the
daemon. What cannot be understood is answered with {"error": sentence}.
Who may connect is a matter of the file's permissions: root, and members of the group `vipservice`.
"""

import asyncio
import contextlib
import errno
import fcntl
import grp
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from vipservice.runtime.history import KEPT

GROUP = "vipservice"
DIRECTORY_MODE = 0o750
SOCKET_MODE = 0o660
MAX_LINE = 64 * 1024
MAX_CONNECTIONS = 16
IDLE_TIMEOUT = 10.0
CONNECT_TIMEOUT = 0.5

MAX_GROUP_ID = 255
MAX_NAME = 128
"""Characters of a node's name or id in a request."""


class Commands(Protocol):
    """What the daemon can be asked."""

    def status(self) -> dict[str, Any]:
        """The snapshot as JSON takes it."""

    def history(self, group: str | None, limit: int) -> str:
        """The latest entries of a group (None: of all), newest first, as a list in JSON."""

    async def handover(self, group: int | None, to: str | None, force: bool) -> tuple[bool, str]:
        """Move a group's addresses (None: of the only group) to a node or the best; done, and a sentence."""

    def maintenance(self, group: int | None, on: bool) -> tuple[bool, str]:
        """Stay out of a group (None: of all), also in later lives, or end that; done, and a sentence."""

    def health(self, group: int | None, healthy: bool, detail: str) -> tuple[bool, str]:
        """The application behind a group's addresses says how it is; done, and a sentence."""

    def forget(self, node: str) -> tuple[bool, str]:
        """Forget a node that will not come back, by name or id; done, and a sentence."""

    def check_paths(self) -> tuple[bool, str]:
        """Ask every peer by which paths it hears us; done, and a sentence."""

    async def reload(self) -> tuple[bool, str]:
        """Read the configuration again; done, and a sentence."""

    async def upgrade(self) -> tuple[bool, str]:
        """Become the code that is installed now; returns only where that is refused, with a sentence."""


class ControlError(Exception):
    """The socket cannot be had; the message is a sentence for the operator."""


class RequestError(Exception):
    """A request cannot be understood; the message is a sentence for whoever sent it."""


Answer = dict[str, Any]


class ControlServer:
    """Answers commands until it is closed."""

    def __init__(self, path: Path, commands: Commands, *, idle_timeout: float = IDLE_TIMEOUT) -> None:
        self._path = path
        self._commands = commands
        self._idle_timeout = idle_timeout
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._lock: int | None = None

    async def start(self) -> None:
        """Take the socket and listen.

        Raises:
            ControlError: Another daemon answers on it, or the directory refuses.
        """
        try:
            _make_directory(self._path.parent)
            self._lock = _lock(self._path)
            listener = _listen(self._path)
        except OSError as error:
            self._unlock()
            raise ControlError(f"the control socket {self._path} cannot be made: {error.strerror}") from error
        except ControlError:
            self._unlock()
            raise
        self._server = await asyncio.start_unix_server(self._connected, sock=listener, limit=MAX_LINE)

    async def close(self) -> None:
        """Hang up on everybody and remove the socket."""
        if self._server is None:
            return
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        with contextlib.suppress(OSError):
            self._path.unlink()
        self._unlock()
        self._server = None

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, TimeoutError):
            pass  # it went away, or fell asleep
        except asyncio.CancelledError:
            pass  # we are closing; asyncio would log it as an error of ours
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) > MAX_CONNECTIONS:
            await self._send(writer, {"error": "too many connections; try again later"})
            return
        while line := await self._next_line(reader, writer):
            writer.write(await self._answer(line) + b"\n")
            await asyncio.wait_for(writer.drain(), self._idle_timeout)

    async def _next_line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """The next request; nothing at the end, or when the line is too long to go on."""
        try:
            line = await asyncio.wait_for(reader.readline(), self._idle_timeout)
        except ValueError:
            await self._send(writer, {"error": f"a line may have {MAX_LINE} bytes at most"})
            return b""
        return line if line.endswith(b"\n") else b""

    async def _send(self, writer: asyncio.StreamWriter, answer: Answer) -> None:
        writer.write(json.dumps(answer).encode() + b"\n")
        await asyncio.wait_for(writer.drain(), self._idle_timeout)

    async def _answer(self, line: bytes) -> bytes:
        try:
            answer = await self._carry_out(_read_request(line))
        except RequestError as error:
            answer = {"error": str(error)}
        # What is long comes written: the JSON writer would keep the loop from its sockets for milliseconds.
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    async def _carry_out(self, request: Mapping[str, Any]) -> Answer | bytes:
        command = request.get("command")
        known: dict[str, tuple[frozenset[str], Callable[[Mapping[str, Any]], Awaitable[Answer | bytes]]]] = {
            "status": (frozenset(), self._status),
            "history": (frozenset({"group", "limit"}), self._history),
            "handover": (frozenset({"group", "to", "force"}), self._handover),
            "maintenance": (frozenset({"group", "on"}), self._maintenance),
            "health": (frozenset({"group", "healthy", "detail"}), self._health),
            "forget": (frozenset({"node"}), self._forget),
            "paths": (frozenset(), self._paths),
            "reload": (frozenset(), self._reload),
            "upgrade": (frozenset(), self._upgrade),
        }
        if not isinstance(command, str) or command not in known:
            raise RequestError(f"'command' must be one of {', '.join(known)}")
        allowed, carry_out = known[command]
        if unknown := sorted(set(request) - allowed - {"command"}):
            raise RequestError(f"{command} takes no {unknown[0][:MAX_NAME]!r}")
        return await carry_out(request)

    async def _status(self, _request: Mapping[str, Any]) -> Answer:
        return self._commands.status()

    async def _history(self, request: Mapping[str, Any]) -> bytes:
        limit = request.get("limit", KEPT)
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= KEPT:
            raise RequestError(f"'limit' must be a whole number from 1 to {KEPT}")
        entries = self._commands.history(_name(request, "group"), limit)
        return b'{"history": ' + entries.encode() + b"}"

    async def _handover(self, request: Mapping[str, Any]) -> Answer:
        force = _flag(request, "force", False)
        return _outcome(await self._commands.handover(_group(request), _name(request, "to"), force))

    async def _maintenance(self, request: Mapping[str, Any]) -> Answer:
        return _outcome(self._commands.maintenance(_group(request), _flag(request, "on")))

    async def _health(self, request: Mapping[str, Any]) -> Answer:
        healthy, detail = _flag(request, "healthy"), _name(request, "detail")
        return _outcome(self._commands.health(_group(request), healthy, detail or ""))

    async def _forget(self, request: Mapping[str, Any]) -> Answer:
        node = _name(request, "node")
        if node is None:
            raise RequestError("forget needs 'node', a name or an id")
        return _outcome(self._commands.forget(node))

    async def _paths(self, _request: Mapping[str, Any]) -> Answer:
        return _outcome(self._commands.check_paths())

    async def _reload(self, _request: Mapping[str, Any]) -> Answer:
        return _outcome(await self._commands.reload())

    async def _upgrade(self, _request: Mapping[str, Any]) -> Answer:
        return _outcome(await self._commands.upgrade())


def _outcome(outcome: tuple[bool, str]) -> Answer:
    ok, detail = outcome
    return {"ok": ok, "detail": detail}


def _read_request(line: bytes) -> Mapping[str, Any]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RequestError("that is no JSON") from error
    if not isinstance(request, dict):
        raise RequestError("a request is a JSON object")
    return request


def _group(request: Mapping[str, Any]) -> int | None:
    group = request.get("group")
    if group is None:
        return None
    if isinstance(group, bool) or not isinstance(group, int) or not 1 <= group <= MAX_GROUP_ID:
        raise RequestError(f"'group' must be a whole number from 1 to {MAX_GROUP_ID}")
    return group


def _flag(request: Mapping[str, Any], key: str, default: bool | None = None) -> bool:
    value = request.get(key, default)
    if not isinstance(value, bool):
        raise RequestError(f"{request['command']} needs {key!r}, true or false")
    return value


def _name(request: Mapping[str, Any], key: str) -> str | None:
    name = request.get(key)
    if name is not None and not (isinstance(name, str) and 0 < len(name) <= MAX_NAME):
        raise RequestError(f"{key!r} must be a name of 1 to {MAX_NAME} characters")
    return name


# The file


def _make_directory(directory: Path) -> None:
    """Make the socket's directory where it is missing; one that is there belongs to somebody (systemd)."""
    if not directory.is_dir():
        directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        _give_to_group(directory)


def _lock(path: Path) -> int:
    """Be the only daemon on this socket until the end of the process.

    Asking whether somebody answers is not enough: two that start at once would both find nobody.
    """
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if error.errno == errno.EWOULDBLOCK:
            raise _taken(path) from error
        raise
    return lock


def _listen(path: Path) -> socket.socket:
    """Bind the socket, in the place of one that nobody answers on."""
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        # Nobody can connect before listen(2), so nobody gets in under the mode that bind gave it.
        path.chmod(SOCKET_MODE)
        _give_to_group(path)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ControlError(f"{path} is in the way of the control socket: it is no socket; move it")
    if _answers(path):
        raise _taken(path)
    path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(CONNECT_TIMEOUT)
        try:
            client.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except (TimeoutError, BlockingIOError):
            return True  # its queue is full: a daemon that hangs
    return True


def _taken(path: Path) -> ControlError:
    return ControlError(
        f"another vipservice runs with the control socket {path}; "
        "stop it, or give this one its own 'node.control_socket' and 'node.state_directory'"
    )


def _give_to_group(path: Path) -> None:
    """Let the service's group in where there is one and we may; else it stays with ours."""
    with contextlib.suppress(KeyError, PermissionError):
        os.chown(path, -1, grp.getgrnam(GROUP).gr_gid)
