"""The HTTP server for Prometheus, load balancers and people: threads of its own, few and bounded.

Clients that are slow, endless or many cannot grow memory or threads: at most eight requests at once, sixteen
waiting, each read within five seconds and 32 KiB. The loop is asked for one snapshot, which serves everybody
for a moment.
"""

import contextlib
import errno
import gzip
import html
import io
import logging
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, gzip_accepted

from vipservice.config.settings import MetricsSettings
from vipservice.runtime.snapshot import SnapshotUnavailableError
from vipservice.runtime.status import LinkGroupStatus, NodeStatus

MAX_REQUESTS = 8
BACKLOG = 16
READ_WITHIN = 5.0
"""Seconds for the whole request to come, and as many for each piece of the answer to leave."""

CLOSE_WITHIN = 1.0
MAX_REQUEST = 32 * 1024
"""Bytes of request line and headers."""

PLAIN = "text/plain; charset=utf-8"
BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nbusy\n"
)

log = logging.getLogger("vipservice")


class ExporterError(Exception):
    """The server cannot listen; the message is a sentence for the operator."""


class Exporter:
    """Serves `/metrics`, `/healthz`, `/active` and a page, from `start` to `close`.

    Args:
        settings: Where to listen; `port` 0 takes any that is free.
        registry: What `/metrics` shows.
        snapshot: What `/` and `/active` show; called from this server's threads.
        alive: Whether the loop has gone round lately; called from this server's threads.
    """

    def __init__(
        self,
        settings: MetricsSettings,
        registry: CollectorRegistry,
        snapshot: Callable[[], NodeStatus],
        alive: Callable[[], bool],
        *,
        read_within: float = READ_WITHIN,
    ) -> None:
        self._settings = settings
        self._pages = Pages(registry, snapshot, alive)
        self._read_within = read_within
        self._server: _Server | None = None
        self._accepting: threading.Thread | None = None

    @property
    def port(self) -> int | None:
        """Where it listens; None where it doesn't."""
        return int(self._server.server_address[1]) if self._server else None

    def start(self) -> None:
        """Listen, and answer from now on; nothing where the configuration says `listen: off`.

        Raises:
            ExporterError: The address cannot be had.
        """
        if self._settings.port is None:
            return
        self._server = _listen(self._settings.host, self._settings.port, self._pages, self._read_within)
        self._accepting = threading.Thread(target=self._server.serve, name="exporter", daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Stop listening; requests under way end by themselves."""
        if self._server is None:
            return
        self._server.stop()
        if self._accepting is not None:
            self._accepting.join(CLOSE_WITHIN)
        self._server.server_close()
        self._server = None


class Pages:
    """What each path answers: status, content type, body."""

    def __init__(
        self,
        registry: CollectorRegistry,
        snapshot: Callable[[], NodeStatus],
        alive: Callable[[], bool],
    ) -> None:
        self._registry = registry
        self._snapshot = snapshot
        self._alive = alive

    def answer(self, target: str, headers: dict[str, str]) -> tuple[HTTPStatus, dict[str, str], bytes]:
        """Answer a GET for `target`, path and query; header names are in small letters."""
        url = urlsplit(target)
        query = parse_qs(url.query)
        match url.path:
            case "/metrics":
                return self._metrics(query, headers)
            case "/healthz" | "/-/healthy" | "/-/ready":
                return self._healthy()
            case "/active":
                return self._active(query.get("group", []))
            case "/":
                return self._page()
        return _text(HTTPStatus.NOT_FOUND, "there is nothing here; see /")

    def _metrics(
        self, query: dict[str, list[str]], headers: dict[str, str]
    ) -> tuple[HTTPStatus, dict[str, str], bytes]:
        registry: Any = self._registry
        if names := query.get("name[]"):
            registry = self._registry.restricted_registry(names)
        encode, content_type = choose_encoder(headers.get("accept", ""))
        body = encode(registry)
        answered = {"Content-Type": content_type}
        if gzip_accepted(headers.get("accept-encoding", "")):
            # Level 1: a scrape shares the interpreter with the loop.
            body, answered["Content-Encoding"] = gzip.compress(body, 1), "gzip"
        return HTTPStatus.OK, answered, body

    def _healthy(self) -> tuple[HTTPStatus, dict[str, str], bytes]:
        if self._alive():
            return _text(HTTPStatus.OK, "ok")
        return _text(HTTPStatus.SERVICE_UNAVAILABLE, "the loop has not gone round lately")

    def _active(self, names: list[str]) -> tuple[HTTPStatus, dict[str, str], bytes]:
        try:
            status = self._snapshot()
        except SnapshotUnavailableError as error:
            return _text(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        groups = [status.group(name) for name in names] if names else list(status.groups)
        if None in groups:
            return _text(HTTPStatus.NOT_FOUND, "there is no such group")
        lines = [f"{group.core.name} {group.core.role.value}" for group in groups if group]
        active = bool(groups) and all(group and group.serving for group in groups)
        code = HTTPStatus.OK if active else HTTPStatus.SERVICE_UNAVAILABLE
        return _text(code, "\n".join(lines) or "no group is enabled")

    def _page(self) -> tuple[HTTPStatus, dict[str, str], bytes]:
        try:
            status = self._snapshot()
        except SnapshotUnavailableError as error:
            return _text(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return HTTPStatus.OK, {"Content-Type": "text/html; charset=utf-8"}, _draw(status).encode()


def _text(code: HTTPStatus, said: str) -> tuple[HTTPStatus, dict[str, str], bytes]:
    return code, {"Content-Type": PLAIN}, f"{said}\n".encode()


def _draw(status: NodeStatus) -> str:
    """The page; whatever comes from elsewhere is escaped."""
    name, version = html.escape(status.name), html.escape(status.version)
    rows = "".join(_row(group) for group in status.groups)
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in (*status.waiting, *status.problems))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}: vipservice</title>'
        f"<h1>{name}</h1><p>vipservice {version}</p>"
        f"<table><tr><th>group<th>addresses<th>interface<th>role<th>owner<th>why</tr>{rows}</table>{notes}"
        '<p><a href="/metrics">metrics</a> <a href="/healthz">health</a> <a href="/active">active</a></p>\n'
    )


def _row(group: LinkGroupStatus) -> str:
    core = group.core
    addresses = ", ".join(str(one) for one in core.addresses)
    cells = (core.name, addresses, group.interface, core.role.value, core.owner or "nobody", core.detail)
    return "<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in cells) + "</tr>"


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A thread a request, few of them; not http.server's, which asks the DNS for our name when it starts."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = BACKLOG

    def __init__(self, listener: socket.socket, pages: Pages, read_within: float) -> None:
        self.pages = pages
        self.read_within = read_within
        self._free = threading.BoundedSemaphore(MAX_REQUESTS)
        self._stopping = False
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_address = listener.getsockname()

    def serve(self) -> None:
        """Take requests until `stop`; socketserver's own loop wakes twice a second and ends as slowly."""
        while not self._stopping:
            self.handle_request()

    def stop(self) -> None:
        """Make `serve` return."""
        self._stopping = True
        with contextlib.suppress(OSError):  # it wakes on Linux; elsewhere the thread ends with the process
            self.socket.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a request if a thread is free, else say so and hang up."""
        if not self._free.acquire(blocking=False):
            _refuse(request)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and let the next one in."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base's signature
        """A client that went away is no news; anything else is a defect that must not fill the log."""
        log.debug("a request to the metrics server failed", exc_info=True)


def _refuse(request: socket.socket) -> None:
    request.setblocking(False)
    with contextlib.suppress(OSError):  # it has gone, or does not read
        request.send(BUSY)


class _Handler(BaseHTTPRequestHandler):
    """One request on one connection."""

    server: _Server
    protocol_version = "HTTP/1.0"
    server_version = "vipservice"
    sys_version = ""

    def setup(self) -> None:
        """Read through a stream that ends in time."""
        super().setup()
        self.connection.settimeout(self.server.read_within)
        self.rfile = io.BufferedReader(_Bounded(self.connection, self.server.read_within))

    def do_GET(self) -> None:
        """Answer with a body."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer without one."""
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        code, answered, body = self.server.pages.answer(self.path, headers)
        self.send_response(code)
        for name, value in answered.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's signature
        """Requests are not logged."""


class _Bounded(io.RawIOBase):
    """A connection that may be read for so many seconds and bytes, whatever its pace."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        super().__init__()
        self._connection = connection
        self._until = time.monotonic() + seconds
        self._left = MAX_REQUEST

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there; 0, as at the end, when the time or the bytes are used up."""
        wait = self._until - time.monotonic()
        if wait <= 0 or self._left <= 0:
            return 0
        self._connection.settimeout(wait)
        try:
            count = self._connection.recv_into(memoryview(buffer)[: self._left])
        finally:
            self._connection.settimeout(READ_WITHIN)
        self._left -= count
        return count


def _listen(host: str, port: int, pages: Pages, read_within: float) -> _Server:
    try:
        listener = _any_address(port) if not host else _one_address(host, port)
    except OSError as error:
        raise ExporterError(_why(host, port, error)) from error
    listener.listen(BACKLOG)
    return _Server(listener, pages, read_within)


def _any_address(port: int) -> socket.socket:
    """Every address of the machine, of both families where it has IPv6."""
    try:
        return _bind(socket.AF_INET6, ("::", port))
    except OSError as error:
        if error.errno not in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT}:
            raise
    return _bind(socket.AF_INET, ("0.0.0.0", port))  # noqa: S104 - what an empty host means


def _one_address(host: str, port: int) -> socket.socket:
    family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return _bind(family, place, only_v6=True)


def _bind(family: int, place: Any, *, only_v6: bool = False) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(only_v6))
        listener.bind(place)
    except BaseException:
        listener.close()
        raise
    return listener


def _why(host: str, port: int, error: OSError) -> str:
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    hint = (
        "stop what listens there, or set 'metrics.listen' to another port"
        if error.errno == errno.EADDRINUSE
        else "set 'metrics.listen' to an address of this host"
    )
    return f"metrics cannot be served on {place}: {error.strerror}; {hint}"
