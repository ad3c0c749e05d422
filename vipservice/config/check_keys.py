"""The keys of a health check, one row each: exactly one says what is asked, the others how."""

import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

from vipservice.config.check_settings import (
    Asked,
    CheckSettings,
    CommandCheck,
    FileCheck,
    HttpCheck,
    InterfaceCheck,
    PingCheck,
    ProcessCheck,
    SystemdCheck,
    TcpCheck,
)
from vipservice.config.nodes import Listing, Node, refused
from vipservice.config.problems import Problem, RefusedError
from vipservice.config.scalars import (
    duration,
    read_absolute_path,
    read_bool,
    read_interface,
    read_name,
    text_of,
    whole_number,
)
from vipservice.config.schema import Key, Values, list_of, mapping_of, not_empty

DEFAULT_INTERVAL = 0.5
DEFAULT_TIMEOUT = 1.0
DEFAULT_RISE = 2
DEFAULT_FALL = 3
MOST_TRIES = 1000
MAX_WEIGHT = 253
MAX_HOST_BYTES = 253
HTTP_PORTS = {"http": 80, "https": 443}

_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?")
_UNIT = re.compile(r"[A-Za-z0-9:_.\\@-]{1,255}")
_RANGE = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")


def _host(node: Node, text: str) -> str:
    bare = text.removeprefix("[").removesuffix("]")
    if not _HOST.fullmatch(bare) or len(bare) > MAX_HOST_BYTES:
        raise refused(node, ", which has no usable host")
    return bare


def _read_endpoint(node: Node) -> TcpCheck:
    host, colon, port = text_of(node).rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise refused(node, ", which has no port from 1 to 65535")
    if ":" in host and not host.startswith("["):
        raise refused(node, ", which needs brackets around its IPv6 address")
    return TcpCheck(_host(node, host), int(port))


def _read_url(node: Node) -> SplitResult:
    text = text_of(node)
    if not text.isascii() or not text.isprintable() or " " in text:
        raise refused(node, ", which has characters that a URL cannot have")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise refused(node, ", which is no URL") from error
    if url.scheme not in HTTP_PORTS or not url.hostname or port == 0:
        raise refused(node, ", which is no http or https URL")
    if url.username is not None:
        raise refused(node, ", which has a user in it: secrets do not belong here")
    _host(node, url.hostname)
    return url


def read_argv(node: Node) -> tuple[str, ...]:
    """A program and its arguments: a list, never a line for a shell."""
    if not isinstance(node, Listing):
        raise refused(node, hint="write a list: the program's absolute path, then its arguments")
    argv = tuple(text_of(item) for item in node.items)
    if not argv or not argv[0].startswith("/"):
        raise refused(node, " that does not begin with an absolute path")
    if any("\0" in word for word in argv):
        raise refused(node, " with a zero byte in it")
    return argv


def _read_unit(node: Node) -> str:
    unit = text_of(node)
    if not _UNIT.fullmatch(unit):
        raise refused(node, ", which cannot be a unit's name")
    return unit if "." in unit else f"{unit}.service"


def _read_target(node: Node) -> str:
    return _host(node, text_of(node))


def _read_status(node: Node) -> tuple[int, int]:
    found = _RANGE.fullmatch(text_of(node).replace(" ", ""))
    if found is None:
        raise refused(node, ", which is no status")
    least, most = int(found[1]), int(found[2] or found[1])
    if most < least:
        raise refused(node, ", whose end comes before its beginning")
    return least, most


def _read_weight(node: Node) -> int | None:
    return None if text_of(node).lower() == "must" else whole_number(1, MAX_WEIGHT)(node)


def _read_path(node: Node) -> str:
    return str(read_absolute_path(node))


TCP: Key[TcpCheck | None] = Key(
    "tcp",
    _read_endpoint,
    None,
    "a host and port such as 127.0.0.1:8080",
    "Somebody accepts a connection there.",
    "none",
)
HTTP: Key[SplitResult | None] = Key(
    "http",
    _read_url,
    None,
    "a URL such as http://127.0.0.1:8080/health",
    "The server there answers with a good status; redirections are not followed.",
    "none",
)
PROCESS: Key[str | None] = Key(
    "process", read_name, None, "the name of a process", "So many processes of that name run.", "none"
)
PIDFILE: Key[str] = Key(
    "pidfile", _read_path, "", "an absolute path", "The process whose number this file has runs.", "none"
)
SYSTEMD: Key[str] = Key(
    "systemd",
    _read_unit,
    "",
    "the name of a unit",
    "The unit is active; systemd says by D-Bus when that changes, so that nothing waits for an interval.",
    "none",
)
COMMAND: Key[tuple[str, ...]] = Key(
    "command",
    read_argv,
    (),
    "a list: the program's absolute path, then its arguments",
    "The program exits with 0. No shell; a process group of its own, which a timeout kills.",
    "none",
)
INTERFACE: Key[str] = Key(
    "interface", read_interface, "", "an interface's name", "The interface is up and has a carrier.", "none"
)
FILE: Key[str] = Key(
    "file", _read_path, "", "an absolute path", "The file is there; with absent, it is not.", "none"
)
PING: Key[str] = Key(
    "ping", _read_target, "", "a host's name or address", "The host answers an ICMP echo.", "none"
)
KINDS: tuple[Key[Any], ...] = (TCP, HTTP, PROCESS, PIDFILE, SYSTEMD, COMMAND, INTERFACE, FILE, PING)

NAME: Key[str | None] = Key(
    "name",
    read_name,
    None,
    "1 to 63 printable bytes",
    "What status and metrics call it; different for each check of the group.",
    "what is asked, such as tcp 127.0.0.1:8080",
)
INTERVAL: Key[float] = Key(
    "interval",
    duration(0.05, 86400),
    DEFAULT_INTERVAL,
    "a duration between 50ms and 24h",
    "Time from the beginning of one try to the next; a try is over before the next begins.",
    "500ms",
)
TIMEOUT: Key[float] = Key(
    "timeout",
    duration(0.01, 3600),
    DEFAULT_TIMEOUT,
    "a duration between 10ms and 1h",
    "A try without an answer until then has failed, and is ended.",
    "1s",
)
RISE: Key[int] = Key(
    "rise",
    whole_number(1, MOST_TRIES),
    DEFAULT_RISE,
    f"a whole number from 1 to {MOST_TRIES}",
    "Good tries in a row after which a failing check passes.",
)
FALL: Key[int] = Key(
    "fall",
    whole_number(1, MOST_TRIES),
    DEFAULT_FALL,
    f"a whole number from 1 to {MOST_TRIES}",
    "Bad tries in a row after which the check fails.",
)
WEIGHT: Key[int | None] = Key(
    "weight",
    _read_weight,
    None,
    f"must, or a whole number from 1 to {MAX_WEIGHT}",
    "What a failing check takes off the priority, which moves the address as failback allows. A failing must "
    "hands it over.",
    "must",
)
HOST: Key[str] = Key(
    "host",
    _read_target,
    "",
    "a host's name",
    "For http: the Host header, and the name that the certificate must have.",
    "the URL's",
)
STATUS: Key[tuple[tuple[int, int], ...]] = Key(
    "status",
    not_empty(list_of(_read_status)),
    ((200, 399),),
    "a status or a range such as 200-399, or a list of them",
    "For http: the good ones.",
    "200-399",
)
CONTAINS: Key[str] = Key(
    "contains",
    text_of,
    "",
    "a text",
    "For http: what the first 256 KiB of the body must have in them.",
    "none",
)
VERIFY: Key[bool] = Key(
    "verify", read_bool, True, "true or false", "For https: whether the certificate must be a good one."
)
CA_FILE: Key[str] = Key(
    "ca_file", _read_path, "", "an absolute path", "For https: the certificates to trust.", "the system's"
)
COUNT: Key[int] = Key(
    "count",
    whole_number(1, 1_000_000),
    1,
    "a whole number from 1 on",
    "For process: how many must run at least.",
)
USER: Key[str] = Key(
    "user",
    read_name,
    "",
    "a user's name",
    "For command: who runs it, through a transient unit of systemd.",
    "the service's user, without its capabilities",
)
ABSENT: Key[bool] = Key(
    "absent", read_bool, False, "true or false", "For file: whether it must be missing instead."
)
OPTIONS: dict[str, tuple[Key[Any], ...]] = {
    HTTP.name: (HOST, STATUS, CONTAINS, VERIFY, CA_FILE),
    PROCESS.name: (COUNT,),
    COMMAND.name: (USER,),
    FILE.name: (ABSENT,),
}
"""Keys that mean something beside one kind only."""

CHECK_KEYS: tuple[Key[Any], ...] = (
    *KINDS,
    NAME,
    INTERVAL,
    TIMEOUT,
    RISE,
    FALL,
    WEIGHT,
    *(key for keys in OPTIONS.values() for key in keys),
)


def _make(values: Values) -> CheckSettings:
    kinds = [key for key in KINDS if key.name in values.lines]
    names = ", ".join(key.name for key in KINDS)
    if len(kinds) != 1:
        found = " and ".join(f"'{key.name}'" for key in kinds) or "nothing to ask"
        line = max(values.lines.values(), default=0)
        raise RefusedError(Problem(line, "", f"found {found}", f"write exactly one of {names}"))
    kind = kinds[0]
    _refuse_foreign(values, kind)
    asked = _asked(values, kind)
    written = values.nodes[kind.name]
    target = " ".join(asked.argv) if isinstance(asked, CommandCheck) else text_of(written)
    default_name = f"{kind.name} {target}".encode()[:63].decode(errors="ignore").strip()
    return CheckSettings(
        name=values[NAME] or default_name,
        kind=kind.name,
        asked=asked,
        interval=values[INTERVAL],
        timeout=values[TIMEOUT],
        rise=values[RISE],
        fall=values[FALL],
        weight=values[WEIGHT],
    )


def _refuse_foreign(values: Values, kind: Key[Any]) -> None:
    problems = [
        Problem(values.lines[key.name], key.name, f"found beside '{kind.name}'", f"it belongs to '{owner}'")
        for owner, keys in OPTIONS.items()
        for key in keys
        if owner != kind.name and key.name in values.lines
    ]
    if problems:
        raise RefusedError(*problems)


def _asked(values: Values, kind: Key[Any]) -> Asked:
    tcp, url = values[TCP], values[HTTP]
    if tcp is not None:
        return tcp
    if url is not None:
        return _http(values, url)
    match kind.name:
        case "process" | "pidfile":
            return ProcessCheck(values[PROCESS] or "", values[PIDFILE], values[COUNT])
        case "systemd":
            return SystemdCheck(values[SYSTEMD])
        case "command":
            return CommandCheck(values[COMMAND], values[USER])
        case "interface":
            return InterfaceCheck(values[INTERFACE])
        case "file":
            return FileCheck(values[FILE], values[ABSENT])
        case _:
            return PingCheck(values[PING])


def _http(values: Values, url: SplitResult) -> HttpCheck:
    host = url.hostname or ""
    return HttpCheck(
        secure=url.scheme == "https",
        host=host,
        port=url.port or HTTP_PORTS[url.scheme],
        target=(url.path or "/") + (f"?{url.query}" if url.query else ""),
        host_header=values[HOST] or host,
        statuses=values[STATUS],
        contains=values[CONTAINS],
        verify=values[VERIFY],
        ca_file=values[CA_FILE],
    )


read_check = mapping_of(CHECK_KEYS, _make)
"""One check of the list."""
