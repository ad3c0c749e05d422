"""The worker's process: `python -m vipservice.adapters.worker`, with the daemon at the other end of stdin.

A line of JSON each way. From the daemon: {"secrets": [paths]}, {"checks": [...]}, {"hooks": {group: [...]}},
{"happened": context, "group": id, "matter": word}, {"goodbye": seconds}. To the daemon: {"results": [...]},
{"hook": name, ...}. The end of the stream without goodbye is the daemon's death: everything is killed, and we
go too.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vipservice.adapters.worker import powerless
from vipservice.adapters.worker.children import Programs
from vipservice.adapters.worker.environment import ECHOES
from vipservice.adapters.worker.errands import AllErrands
from vipservice.adapters.worker.rounds import Rounds

DAEMON = 0
LONGEST_LINE = 4 * 1024 * 1024
MOST_UNSENT = 1024 * 1024
"""Bytes that wait for a daemon that does not read; beyond them reports are thrown away."""

ORDINARY_OOM_SCORE = b"0"


class Worker:
    """One life."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._programs = Programs()
        self._rounds = Rounds(self._send, _inherited_echoes(), self._programs)
        self._errands = AllErrands(self._send, self._programs)

    async def live(self) -> None:
        """Do what the daemon says until it hangs up."""
        try:
            while line := await self._reader.readline():
                message = json.loads(line)
                if "goodbye" in message:
                    await self._errands.finish(message["goodbye"])
                    return
                self._take(message)
        except OSError:
            return  # the daemon has been killed
        finally:
            await self._rounds.close()
            await self._errands.close()
            with contextlib.suppress(OSError):
                await self._writer.drain()

    def _take(self, message: Mapping[str, Any]) -> None:
        if "secrets" in message:
            self._programs.secrets = tuple(message["secrets"])
        if "checks" in message:
            self._rounds.take(message["checks"])
        if "hooks" in message:
            self._errands.take(message["hooks"])
        if "happened" in message:
            self._errands.happened(message["group"], message["matter"], message["happened"])

    def _send(self, message: Mapping[str, Any]) -> None:
        if self._writer.transport.get_write_buffer_size() < MOST_UNSENT:
            self._writer.write(json.dumps(message).encode() + b"\n")


def _inherited_echoes() -> socket.socket | None:
    number = os.environ.pop(ECHOES, None)
    if number is None:
        return None
    inherited = socket.socket(fileno=int(number))
    inherited.set_inheritable(False)
    return inherited


def become_ordinary() -> None:
    """No real-time policy, no protection from the out-of-memory killer, a known directory and umask."""
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_bytes(ORDINARY_OOM_SCORE)
    os.chdir("/")
    os.umask(0o022)


async def _main() -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, lambda: None)  # the daemon decides, and says goodbye
    daemon = socket.socket(fileno=os.dup(DAEMON))
    os.dup2(os.open(os.devnull, os.O_RDONLY), DAEMON)
    reader, writer = await asyncio.open_unix_connection(sock=daemon, limit=LONGEST_LINE)
    await Worker(reader, writer).live()


def main() -> None:
    """Live and end; a thread that hangs in a resolver is not waited for."""
    if powers := powerless.left():
        sys.exit(f"checks and hooks do not run: their process has capabilities left, {powers:#x}")
    become_ordinary()
    asyncio.run(_main())
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
