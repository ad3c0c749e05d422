"""Who may look, and over what: TLS and passwords, read again when their files change.

A certificate that is renewed is used from the next connection on, without a restart. Where the new files are
no good, the old ones stay in force and the log says so once.
"""

import logging
import os
import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path

from vipservice.adapters.exporter.passwords import Passwords, PasswordsError
from vipservice.config.problems import ConfigError, Problem
from vipservice.config.web import ClientCertificate, TlsSettings, load_web

log = logging.getLogger("vipservice")

_VERIFY = {
    ClientCertificate.NONE: ssl.CERT_NONE,
    ClientCertificate.IF_GIVEN: ssl.CERT_OPTIONAL,
    ClientCertificate.REQUIRED: ssl.CERT_REQUIRED,
}
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}

Stamp = tuple[tuple[int, int, int], ...]
"""What changes when a file is written or replaced: inode, size, moment of the change."""


@dataclass(frozen=True, slots=True)
class _InForce:
    context: ssl.SSLContext | None
    passwords: Passwords | None
    files: tuple[Path, ...]
    stamp: Stamp


class Guard:
    """Lets clients in by a web configuration file.

    Raises:
        ConfigError: The file, or one that it names, cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._in_force = _read(path)
        self._refused: Stamp = ()
        self._lock = threading.Lock()

    def wrap(self, connection: socket.socket, within: float) -> socket.socket:
        """The connection as it is to be talked over, after at most so many seconds of handshake.

        Raises:
            OSError: The client speaks no TLS, is too slow, or may not connect.
        """
        self._look()
        context = self._in_force.context
        if context is None:
            return connection
        secured = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        try:
            secured.settimeout(within)  # for the handshake as a whole: ssl counts it down piece by piece
            secured.do_handshake()
        except BaseException:
            secured.close()
            raise
        return secured

    def lets_in(self, authorization: str) -> bool:
        """Whether a request with this Authorization header (or none, "") is answered."""
        passwords = self._in_force.passwords
        return passwords is None or passwords.right(authorization)

    def _look(self) -> None:
        """Take what is new on the disk."""
        with self._lock:
            now = _stamp(self._in_force.files)
            if now in (self._in_force.stamp, self._refused):
                return
            try:
                self._in_force = _read(self._path)
            except ConfigError as error:
                self._refused = now
                log.error("web_config is as it was: %s", "; ".join(error.sentences()))
            else:
                log.info("web_config has been read again")


def _read(path: Path) -> _InForce:
    settings = load_web(path)
    files = [path]
    if settings.tls is not None:
        files += [settings.tls.cert_file, settings.tls.key_file]
        files += [settings.tls.client_ca_file] if settings.tls.client_ca_file else []
    stamp = _stamp(tuple(files))
    try:
        passwords = Passwords(settings.users) if settings.users else None
    except PasswordsError as error:
        raise ConfigError(path, [Problem(0, "basic_auth_users", str(error))]) from error
    context = None if settings.tls is None else _context(settings.tls, path)
    return _InForce(context, passwords, tuple(files), stamp)


def _context(tls: TlsSettings, path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[tls.min_version]
    context.verify_mode = _VERIFY[tls.client_certificate]
    try:
        # An encrypted key must not make OpenSSL ask at a terminal.
        context.load_cert_chain(tls.cert_file, tls.key_file, password=lambda: b"")
        if tls.client_ca_file is not None:
            context.load_verify_locations(tls.client_ca_file)
    except (OSError, ValueError) as error:
        what, where = _culprit(tls)
        found = f"{where} cannot be used: {_why(error)}"
        raise ConfigError(path, [Problem(0, f"tls_server_config.{what}", found)]) from error
    return context


def _culprit(tls: TlsSettings) -> tuple[str, Path]:
    """Which file it was: OpenSSL does not say."""
    if tls.client_ca_file is not None and not _loads(tls.client_ca_file):
        return "client_ca_file", tls.client_ca_file
    return ("cert_file", tls.cert_file) if not _loads(tls.cert_file) else ("key_file", tls.key_file)


def _loads(certificate: Path) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(certificate)
    except (OSError, ValueError):
        return False
    return True


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "it is no PEM").replace("_", " ").lower()
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _stamp(files: tuple[Path, ...]) -> Stamp:
    stamps = []
    for file in files:
        try:
            found = os.stat(file)
        except OSError:
            stamps.append((0, 0, 0))
        else:
            stamps.append((found.st_ino, found.st_size, found.st_mtime_ns))
    return tuple(stamps)
