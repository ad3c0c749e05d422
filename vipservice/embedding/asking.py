"""Asking the daemon on its control socket, for asyncio: one line of JSON each way."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vipservice.embedding.errors import DaemonGoneError, RefusedError

TIMEOUT = 5.0
HANDOVER_TIMEOUT = 30.0
MAX_ANSWER = 16 * 1024 * 1024

Answer = dict[str, Any]


async def ask(path: Path, request: Mapping[str, object], timeout: float = TIMEOUT) -> Answer:
    """Put one request; the answer.

    Raises:
        DaemonGoneError: Nobody answers within `timeout` seconds.
        RefusedError: The daemon says no.
    """
    try:
        async with asyncio.timeout(timeout):
            line = await _converse(path, json.dumps(request).encode() + b"\n")
        answer = json.loads(line)
    except (OSError, ValueError, TimeoutError) as error:
        why = str(error) or "it hung up, or took too long"
        raise DaemonGoneError(f"the daemon does not answer on {path}: {why}") from error
    if not isinstance(answer, dict):
        raise DaemonGoneError(f"what answers on {path} is no daemon of vipservice")
    if "error" in answer or answer.get("ok") is False:
        raise RefusedError(str(answer.get("error") or answer.get("detail") or "refused"))
    return answer


async def _converse(path: Path, request: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(path), limit=MAX_ANSWER)
    try:
        writer.write(request)
        return await reader.readline()
    finally:
        writer.close()
