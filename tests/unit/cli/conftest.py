import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vipservice.cli.main import main

Daemon = Callable[[dict[str, Any]], Path]
Run = Callable[..., "Result"]


class Result:
    """What a command printed, and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the command line as the shell would."""

    def run(*argv: object) -> Result:
        try:
            code = main([str(word) for word in argv])
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


@pytest.fixture
def requests() -> list[dict[str, Any]]:
    """What the pretended daemon was asked."""
    return []


@pytest.fixture
def daemon(tmp_path: Path, requests: list[dict[str, Any]]) -> Iterator[Daemon]:
    """A socket on which somebody gives one answer; its path."""
    threads: list[threading.Thread] = []

    def daemon(answer: dict[str, Any]) -> Path:
        path = tmp_path / "control.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(20)

        def serve() -> None:
            with listener:
                client, _ = listener.accept()
                with client, client.makefile("rb") as lines:
                    requests.append(json.loads(lines.readline()))
                    client.sendall(json.dumps(answer).encode() + b"\n")

        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()
        return path

    yield daemon
    for thread in threads:
        thread.join(20)
