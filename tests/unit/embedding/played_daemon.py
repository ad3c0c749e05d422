"""A daemon that is played: starts, answers and ends as its environment and its control socket tell it.

`{"command": "play", ...}` on the socket changes what it says of itself; `{"die": STATUS}` ends it.
"""

import contextlib
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

CONTROL = Path(os.environ["PLAYED_CONTROL"])
REFUSAL = os.environ.get("PLAYED_REFUSAL", "")
"""An exit code and a sentence: how a rehearsal ends."""

GROUP: dict[str, Any] = {
    "id": 1,
    "name": "vip-1",
    "role": os.environ.get("PLAYED_ROLE", "backup"),
    "serving": os.environ.get("PLAYED_ROLE") == "active",
    "reason": "active_heard",
    "detail": "node-b is active",
    "owner": "node-b",
    "since": "2026-11-22T12:03:04.120Z",
    "lease": float(os.environ.get("PLAYED_LEASE", "5")),
    "addresses": [{"address": "127.0.0.1", "bound": False}],
}


def rehearse() -> None:
    config = Path(sys.argv[sys.argv.index("--config") + 1])
    config.read_text()
    if REFUSAL:
        code, _, sentence = REFUSAL.partition(" ")
        sys.stderr.write(f"{config}:3: {sentence}\n")
        sys.exit(int(code))
    described = {"version": "0", "state_directory": "/nowhere", "control_socket": str(CONTROL)}
    sys.stdout.write(json.dumps(described) + "\n")


def live() -> None:
    if os.environ.get("PLAYED_ENDS"):
        sys.exit(7)
    embedder = socket.socket(fileno=0)
    CONTROL.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(CONTROL))
        listener.listen()
        listener.settimeout(0.02)
        embedder.send(b".")
        while not gone(embedder):
            with contextlib.suppress(TimeoutError):
                converse(listener.accept()[0], embedder)
    Path(os.environ["PLAYED_GOODBYE"]).write_text("handed over")


def gone(embedder: socket.socket) -> bool:
    try:
        return embedder.recv(1, socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:  # it went with a byte of ours unread
        return True


def converse(connection: socket.socket, embedder: socket.socket) -> None:
    with connection, connection.makefile("rwb") as stream:
        connection.settimeout(5)
        line = stream.readline()
        if not line:
            return  # it thought better of it
        request = json.loads(line)
        stream.write(json.dumps(answer(request)).encode() + b"\n")
    if request["command"] == "play":
        embedder.send(b".")


def answer(request: dict[str, Any]) -> dict[str, Any]:
    match request:
        case {"command": "play", "die": int(status)}:
            os._exit(status)
        case {"command": "play", "group": dict(said)}:
            GROUP.update(said)
            return {"ok": True}
        case {"command": "status"}:
            return {"pid": os.getpid(), "groups": [GROUP], "waiting": []}
        case {"command": "health", "group": 1, "healthy": bool(healthy), **more}:
            GROUP["detail"] = "healthy" if healthy else more["detail"]
            return {"ok": True}
        case {"command": "handover"} if GROUP["serving"]:
            GROUP.update(role="backup", serving=False)
            return {"ok": True, "detail": f"handed over to {request.get('to', 'the best')}"}
        case {"command": "handover"}:
            return {"ok": False, "detail": "this node does not hold the address"}
        case _:
            return {"error": "unknown"}


if "--rehearse" in sys.argv:
    rehearse()
else:
    live()
