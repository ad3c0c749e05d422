"""A daemon that is played in place of the real one."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from vipservice.embedding import child
from vipservice.embedding.asking import ask

PLAYED = Path(__file__).with_name("played_daemon.py")


class Played:
    """What the test makes of the daemon."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.control = folder / "control.sock"
        self.goodbye = folder / "goodbye"
        self._monkeypatch = monkeypatch
        self.set("CONTROL", str(self.control))
        self.set("GOODBYE", str(self.goodbye))
        monkeypatch.setattr(child, "COMMAND", (sys.executable, "-I", str(PLAYED)))

    def set(self, name: str, value: str) -> None:
        """What its next lives find in their environment."""
        self._monkeypatch.setenv(f"PLAYED_{name}", value)

    async def become(self, role: str, **more: Any) -> None:
        """Let it take a role."""
        group = {"role": role, "serving": role == "active", "detail": f"played {role}", **more}
        await ask(self.control, {"command": "play", "group": group})

    async def die(self, status: int) -> None:
        """Let it end in the middle of its answer."""
        _, writer = await asyncio.open_unix_connection(str(self.control))
        writer.write(json.dumps({"command": "play", "die": status}).encode() + b"\n")
        await writer.drain()
        writer.close()

    @property
    def said_goodbye(self) -> bool:
        return self.goodbye.exists()


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    return Played(tmp_path, monkeypatch)
