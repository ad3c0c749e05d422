"""Health checks as frozen values: what is asked of the service behind the address, and how often."""

from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any

from vipservice.core.frozen import dataclass


@dataclass(frozen=True, slots=True)
class TcpCheck:
    """Somebody accepts a connection."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """A server answers as it should."""

    secure: bool
    host: str
    port: int
    target: str
    """Path and query, as the request line has them."""
    host_header: str
    """What the request asks for, and whose certificate it must be."""
    statuses: tuple[tuple[int, int], ...]
    """Ranges, both ends included."""
    contains: str
    """What the body must have in it; empty for anything."""
    verify: bool
    ca_file: str
    """Certificates to trust instead of the system's; empty for the system's."""


@dataclass(frozen=True, slots=True)
class ProcessCheck:
    """Enough processes of that name run, or the one that a file names."""

    name: str
    pidfile: str
    """Empty: by name."""
    count: int


@dataclass(frozen=True, slots=True)
class SystemdCheck:
    """A unit is active; systemd says so itself when that changes."""

    unit: str


@dataclass(frozen=True, slots=True)
class CommandCheck:
    """A program exits with 0."""

    argv: tuple[str, ...]
    user: str
    """Whose rights it has, through a transient unit of systemd; empty for the service's own user."""


@dataclass(frozen=True, slots=True)
class InterfaceCheck:
    """An interface is up and has a carrier."""

    interface: str


@dataclass(frozen=True, slots=True)
class FileCheck:
    """A file is there, or is not."""

    path: str
    absent: bool


@dataclass(frozen=True, slots=True)
class PingCheck:
    """A host answers ICMP echoes."""

    host: str


Asked = (
    TcpCheck | HttpCheck | ProcessCheck | SystemdCheck | CommandCheck | InterfaceCheck | FileCheck | PingCheck
)


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """One check of a group."""

    name: str
    kind: str
    """Its key in the file: `tcp`, `http` ..."""
    asked: Asked
    interval: float
    """Seconds from the beginning of one try to the next."""
    timeout: float
    """Seconds until a try without an answer counts as failed."""
    rise: int
    fall: int
    weight: int | None
    """Taken off the priority while it fails; None for a must."""


@dataclass(frozen=True, slots=True)
class HookSettings:
    """A program that is run when something turns."""

    name: str
    argv: tuple[str, ...]
    on: frozenset[str] = field(default_factory=frozenset)
    """`active`, `backup`, `fault`, `conflict`, `repair`, `handover`; empty for everything."""
    timeout: float = 30.0
    user: str = ""
    """Whose rights it has, through a transient unit of systemd; empty for the service's own user."""


ASKED: dict[str, type[Asked]] = {
    "tcp": TcpCheck,
    "http": HttpCheck,
    "process": ProcessCheck,
    "pidfile": ProcessCheck,
    "systemd": SystemdCheck,
    "command": CommandCheck,
    "interface": InterfaceCheck,
    "file": FileCheck,
    "ping": PingCheck,
}


def check_to_json(check: CheckSettings) -> dict[str, Any]:
    """A check as the worker is told it."""
    return asdict(check)


def check_from_json(told: Mapping[str, Any]) -> CheckSettings:
    """Read back what `check_to_json` wrote."""
    asked = {name: _frozen(value) for name, value in told["asked"].items()}
    return CheckSettings(**{**told, "asked": ASKED[told["kind"]](**asked)})


def hook_to_json(hook: HookSettings) -> dict[str, Any]:
    """A hook as the worker is told it."""
    return {**asdict(hook), "on": sorted(hook.on)}


def hook_from_json(told: Mapping[str, Any]) -> HookSettings:
    """Read back what `hook_to_json` wrote."""
    return HookSettings(**{**told, "argv": tuple(told["argv"]), "on": frozenset(told["on"])})


def _frozen(value: Any) -> Any:
    """JSON's lists as tuples, all the way down."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
