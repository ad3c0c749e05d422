"""The code on the disk as an upgrade needs it: tried in a process beside us, then executed in our place."""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import NoReturn

from vipservice.runtime.upgrade import Predecessor, Rehearsal, UpgradeError

REHEARSE = "--rehearse"
"""Makes `vipservice run` do everything short of touching the machine, and describe itself."""

PREDECESSOR = "VIPSERVICE_PREDECESSOR"
"""Environment: the version that ran in this process before, and when its loop went round last."""

REHEARSE_WITHIN = 15.0
LONGEST_SENTENCE = 400


def own_command() -> tuple[str, ...]:
    """How this process was executed; with the interpreter's whole path, whatever it was called by."""
    return (sys.executable, *sys.orig_argv[1:])


class InstalledCode:
    """What executing `command` would run now."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)

    async def rehearse(self) -> Rehearsal:
        """Run it as a child that ends before it touches anything. Raises UpgradeError."""
        began = time.monotonic()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                REHEARSE,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise UpgradeError(f"the new code cannot be executed: {error}") from error
        output, errors = await _outcome(process)
        if process.returncode != 0:
            why = errors.decode(errors="replace").strip() or f"it ended with {process.returncode}"
            raise UpgradeError(f"the new code does not start: {_sentence(why)}")
        return _read(output, time.monotonic() - began)

    def execute(self, predecessor: Predecessor) -> NoReturn:
        """Become it; the same process, the same environment. Raises OSError."""
        told = {PREDECESSOR: f"{predecessor.left_at!r} {predecessor.version}"}
        os.execve(self._command[0], self._command, {**os.environ, **told})  # noqa: S606 - that is the point


def take_predecessor(environment: MutableMapping[str, str] = os.environ) -> Predecessor | None:
    """Who ran in this process before us, if somebody did; told once, and not to our children."""
    left_at, _, version = environment.pop(PREDECESSOR, "").partition(" ")
    with contextlib.suppress(ValueError):
        return Predecessor(version, float(left_at))
    return None


def describe(version: str, state_directory: Path, control_socket: Path) -> str:
    """What a rehearsal prints."""
    places = {"state_directory": str(state_directory), "control_socket": str(control_socket)}
    return json.dumps({"version": version, **places})


async def _outcome(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
    try:
        return await asyncio.wait_for(process.communicate(), REHEARSE_WITHIN)
    except TimeoutError:
        raise UpgradeError(f"the new code did not start within {REHEARSE_WITHIN:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _read(output: bytes, seconds: float) -> Rehearsal:
    try:
        read = json.loads(output)
        version, *places = (str(read[key]) for key in ("version", "state_directory", "control_socket"))
    except (ValueError, TypeError, KeyError) as error:
        raise UpgradeError("what is installed now is no vipservice that can take over") from error
    return Rehearsal(version, Path(places[0]), Path(places[1]), seconds)


def _sentence(text: str) -> str:
    """Of a traceback the last line says what happened; of our own complaints every one."""
    lines = text.splitlines()
    said = lines[-1] if lines[0].startswith("Traceback") else "; ".join(line.strip() for line in lines)
    return said[:LONGEST_SENTENCE]
