"""The HTTP server: threads of its own, few and bounded.

Clients that are slow, endless or many cannot grow memory or threads: at most eight requests at once, sixteen
waiting, each read within five seconds and 32 KiB.
"""

import contextlib
import io
import logging
import socket
import socketserver
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vipservice.adapters.exporter.answers import Answer, Headers, text
from vipservice.adapters.exporter.listening import BACKLOG, listen
from vipservice.adapters.exporter.routes import Handler, answer, routes
from vipservice.config.settings import MetricsSettings
from vipservice.runtime.shown import Shown

if TYPE_CHECKING:
    from vipservice.adapters.exporter.guard import Guard

MAX_REQUESTS = 8
READ_WITHIN = 5.0
"""Seconds for the whole request to come, and as many for each piece of the answer to leave."""

CLOSE_WITHIN = 1.0
MAX_REQUEST = 32 * 1024
"""Bytes of request line and headers."""

BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nbusy\n"
)

log = logging.getLogger("vipservice")


class Exporter:
    """Serves what `routes` has, from `start` to `close`.

    Args:
        settings: Where to listen; `port` 0 takes any that is free.
        shown: What there is to show; asked from this server's threads.
    """

    def __init__(self, settings: MetricsSettings, shown: Shown, *, read_within: float = READ_WITHIN) -> None:
        self._settings = settings
        self._guard = _guard(settings.web_config)
        self._shown = shown
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
        listener = listen(self._settings.host, self._settings.port)
        table = routes(self._shown, int(listener.getsockname()[1]))
        self._server = _Server(listener, table, self._guard, self._read_within)
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


def _guard(web_config: Path | None) -> "Guard | None":
    """Who may look; TLS costs start-up time and memory, which only who asks for it pays."""
    if web_config is None:
        return None
    from vipservice.adapters.exporter.guard import Guard  # noqa: PLC0415 - see above

    return Guard(web_config)


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A thread a request, few of them; not http.server's, which asks the DNS for our name when it starts."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = BACKLOG

    def __init__(
        self,
        listener: socket.socket,
        table: Mapping[str, Handler],
        guard: "Guard | None",
        read_within: float,
    ) -> None:
        self.table = table
        self.guard = guard
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

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Talk with the client, as the guard says."""
        if self.guard is None:
            super().finish_request(request, client_address)
            return
        with self.guard.wrap(request, self.read_within) as connection:
            super().finish_request(connection, client_address)

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

    def _reply(self, headers: Headers) -> Answer:
        guard = self.server.guard
        if guard is not None and not guard.lets_in(headers.get("authorization", "")):
            code, answered, body = text(HTTPStatus.UNAUTHORIZED, "name and password, please")
            return code, {**answered, "WWW-Authenticate": 'Basic realm="vipservice", charset="UTF-8"'}, body
        return answer(self.server.table, self.path, headers)

    def _answer(self, *, with_body: bool) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        code, answered, body = self._reply(headers)
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
