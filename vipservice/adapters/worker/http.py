"""Does the server answer as it should? http.client in a thread, so that its parser is the library's."""

import contextlib
import http.client
import socket
import ssl

from vipservice.adapters.worker.problems import in_words
from vipservice.adapters.worker.threads import OneThread, StillBusyError
from vipservice.config.check_settings import HttpCheck
from vipservice.runtime.health import Tried

MOST_BODY = 256 * 1024
"""Bytes that are looked at."""

AGENT = "vipservice-check"


class HttpAsker:
    """Asks with GET; redirections are answers like any other.

    A try that is given up has its connection cut, so that its thread ends too, whatever the server drips.
    """

    def __init__(self, check: HttpCheck, timeout: float) -> None:
        self._check = check
        self._timeout = timeout
        self._thread: OneThread[Tried] = OneThread()
        self._connection: http.client.HTTPConnection | None = None
        self._context = _context(check) if check.secure else None

    async def ask(self) -> Tried:
        """One request."""
        try:
            return await self._thread.call(self._try)
        except StillBusyError:
            return Tried(False, "the try before this one has not come back")
        finally:
            self._cut()

    def _try(self) -> Tried:
        check = self._check
        try:
            connection = self._connection = self._connect()
            connection.request("GET", check.target, headers=self._headers())
            answer = connection.getresponse()
            if not any(least <= answer.status <= most for least, most in check.statuses):
                return Tried(False, f"answered with status {answer.status}")
            if check.contains and check.contains.encode() not in answer.read(MOST_BODY):
                return Tried(False, f"status {answer.status}, but the body does not contain the text")
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Tried(False, _words(error))
        finally:
            self._close()
        return Tried(True, f"status {answer.status}")

    def _connect(self) -> http.client.HTTPConnection:
        check = self._check
        connection = http.client.HTTPConnection(check.host, check.port, timeout=self._timeout)
        connection.connect()
        if self._context is not None:
            assert connection.sock is not None
            connection.sock = self._context.wrap_socket(connection.sock, server_hostname=check.host_header)
        return connection

    def _headers(self) -> dict[str, str]:
        check = self._check
        default = check.port == (443 if check.secure else 80)
        bracketed = f"[{check.host_header}]" if ":" in check.host_header else check.host_header
        host = bracketed if default or check.host_header != check.host else f"{bracketed}:{check.port}"
        return {"Host": host, "User-Agent": AGENT, "Connection": "close"}

    def _cut(self) -> None:
        """Wake a thread that waits for the server still."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError, AttributeError):  # the thread may close it just now
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def _context(check: HttpCheck) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=check.ca_file or None)
    if not check.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not good: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {error.reason or error}"
    if isinstance(error, OSError):
        return in_words(error)
    return f"no HTTP: {str(error) or type(error).__name__}"
