"""Where the HTTP server listens: one address, or every one of both families."""

import errno
import socket
from typing import Any

BACKLOG = 16


class ExporterError(Exception):
    """The server cannot listen; the message is a sentence for the operator."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        ExporterError: The address cannot be had.
    """
    try:
        listener = _any_address(port) if not host else _one_address(host, port)
    except OSError as error:
        raise ExporterError(_why(host, port, error)) from error
    listener.listen(BACKLOG)
    return listener


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
