"""Asking the daemon on its control socket: one line of JSON each way."""

import argparse
import contextlib
import json
import socket
from pathlib import Path
from typing import Any

from vipservice.cli import exit_codes
from vipservice.cli.exit_codes import CommandError
from vipservice.config.settings import DEFAULT_CONTROL_SOCKET

TIMEOUT = 5.0
HANDOVER_TIMEOUT = 30.0
MAX_ANSWER = 16 * 1024 * 1024

Answer = dict[str, Any]


class HungUpError(CommandError):
    """The daemon ended, or became another, before it had answered."""

    def __init__(self) -> None:
        super().__init__(exit_codes.UNAVAILABLE, "the daemon hung up in the middle of its answer")


def add_socket(parser: argparse.ArgumentParser) -> None:
    """The option `--socket`."""
    parser.add_argument(
        "--socket",
        metavar="PATH",
        type=Path,
        default=DEFAULT_CONTROL_SOCKET,
        help="the daemon's control socket (default: %(default)s)",
    )


def ask(path: Path, request: Answer, timeout: float = TIMEOUT) -> Answer:
    """Put one request; the answer.

    Raises:
        CommandError: Nobody answers, or the daemon says no.
    """
    try:
        line = _converse(path, json.dumps(request).encode() + b"\n", timeout)
    except ConnectionResetError as error:
        raise HungUpError from error
    except (OSError, ValueError) as error:
        raise _no_answer(path, error) from error
    answer = _read(line)
    if "error" in answer:
        raise CommandError(exit_codes.UNAVAILABLE, f"the daemon does not understand: {answer['error']}")
    return answer


def command(path: Path, request: Answer, timeout: float = TIMEOUT) -> int:
    """Put a request that is answered with a yes or no and a sentence; print it; the exit code."""
    answer = ask(path, request, timeout)
    if not answer.get("ok"):
        raise CommandError(exit_codes.UNAVAILABLE, str(answer.get("detail", "refused")))
    print(answer.get("detail", "done"))
    return exit_codes.OK


def _converse(path: Path, request: bytes, timeout: float) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.settimeout(timeout)
        control.connect(str(path))
        with contextlib.suppress(BrokenPipeError):  # it may have answered and hung up: too many connections
            control.sendall(request)
        with control.makefile("rb") as answer:
            return answer.readline(MAX_ANSWER)


def _read(line: bytes) -> Answer:
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise HungUpError
    return answer


def _no_answer(path: Path, error: OSError | ValueError) -> CommandError:
    match error:
        case FileNotFoundError() | ConnectionRefusedError():
            sentence = f"the daemon is not running: nobody listens on {path}"
            hint = "start it with 'systemctl start vipservice', or name its socket with --socket"
        case PermissionError():
            sentence = f"you may not use {path}"
            hint = "use sudo, or join the group vipservice"
        case TimeoutError():
            sentence, hint = f"the daemon does not answer on {path}", "see its log: journalctl -u vipservice"
        case _:
            sentence, hint = f"the daemon cannot be asked on {path}: {error}", ""
    return CommandError(exit_codes.UNAVAILABLE, sentence, hint)
