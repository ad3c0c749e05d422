"""What daemon and guard say to each other: one JSON object a line. Pure: bytes to values and back."""

import json
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any, NamedTuple

LONGEST_NAME = 15
"""Characters of an interface's name (IFNAMSIZ, without the zero byte)."""

LONGEST_LINE = 64 * 1024
"""Bytes: a list of a thousand leases has 60 000."""


class Held(NamedTuple):
    """An address on an interface."""

    interface: str
    address: str


class Keep(NamedTuple):
    """Let `held` be until `until`, then remove it; the latest word for an address counts."""

    number: int
    held: Held
    until: float


class Drop(NamedTuple):
    """Forget `held`: the daemon has removed it itself."""

    number: int
    held: Held


class Tell(NamedTuple):
    """Say what you guard."""

    number: int


class Answer(NamedTuple):
    """The guard has done `number`; to `Tell` also what it guards, and its process."""

    number: int
    leases: Mapping[Held, float]
    process: int


Request = Keep | Drop | Tell


class GuardMessageError(Exception):
    """A line that makes no sense; one side is not what the other takes it for."""


def write_request(request: Request) -> bytes:
    """One line."""
    match request:
        case Keep(number, held, until):
            return _line({"n": number, "keep": held, "until": until})
        case Drop(number, held):
            return _line({"n": number, "drop": held})
        case Tell(number):
            return _line({"n": number, "tell": True})


def read_request(line: bytes) -> Request:
    """Read a line of the daemon.

    Raises:
        GuardMessageError: It is none.
    """
    said = _object(line)
    number = _number(said)
    if "keep" in said:
        return Keep(number, _held(said["keep"]), _seconds(said.get("until")))
    if "drop" in said:
        return Drop(number, _held(said["drop"]))
    if said.get("tell") is True:
        return Tell(number)
    raise GuardMessageError("neither keep nor drop nor tell")


def write_answer(answer: Answer) -> bytes:
    """One line."""
    leases = [[*held, until] for held, until in answer.leases.items()]
    return _line({"n": answer.number, "leases": leases, "process": answer.process})


def read_answer(line: bytes) -> Answer:
    """Read a line of the guard.

    Raises:
        GuardMessageError: It is none.
    """
    said = _object(line)
    leases, process = said.get("leases"), said.get("process")
    if not isinstance(leases, list) or not isinstance(process, int):
        raise GuardMessageError("an answer has leases and a process")
    return Answer(_number(said), dict(_leases(leases)), process)


def lines(buffer: bytearray) -> Iterator[bytes]:
    """Take the whole lines out of what has been received so far.

    Raises:
        GuardMessageError: A line has no end.
    """
    while (end := buffer.find(b"\n")) >= 0:
        line = bytes(buffer[:end])
        del buffer[: end + 1]
        yield line
    if len(buffer) > LONGEST_LINE:
        raise GuardMessageError("a line without end")


def _line(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode() + b"\n"


def _object(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise GuardMessageError("no JSON") from error
    if not isinstance(said, dict):
        raise GuardMessageError("no object")
    return said


def _number(said: Mapping[str, Any]) -> int:
    number = said.get("n")
    if not isinstance(number, int):
        raise GuardMessageError("no number")
    return number


def _leases(listed: Iterable[Any]) -> Iterator[tuple[Held, float]]:
    for one in listed:
        if not (isinstance(one, list) and len(one) == 3):
            raise GuardMessageError("a lease is an interface, an address and a time")
        yield _held(one[:2]), _seconds(one[2])


def _held(said: Any) -> Held:
    """These become words of a command: nothing but a name and an address."""
    if not (isinstance(said, list) and len(said) == 2 and all(isinstance(one, str) for one in said)):
        raise GuardMessageError("an interface and an address are wanted")
    interface, address = said
    if not (0 < len(interface) <= LONGEST_NAME and interface.isascii() and interface[0].isalnum()):
        raise GuardMessageError("no name of an interface")
    if not interface.isprintable() or set(interface) & set("/ "):
        raise GuardMessageError("no name of an interface")
    try:
        return Held(interface, str(ip_address(address)))
    except ValueError as error:
        raise GuardMessageError("no address") from error


def _seconds(said: Any) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not abs(said) < 1e12:
        raise GuardMessageError("no time")
    return float(said)
