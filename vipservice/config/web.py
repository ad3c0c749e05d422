"""Reads the web configuration file: TLS, client certificates and passwords of the metrics server.

Its form is that of Prometheus' exporters (exporter-toolkit, `--web.config.file`), so that one file serves
them all. What of it means nothing here is refused rather than silently left undone.
"""

import re
from collections.abc import Mapping as Table
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from vipservice.config.nodes import Mapping, Node, refused
from vipservice.config.problems import ConfigError, Problem, RefusedError
from vipservice.config.scalars import read_bool, read_path, text_of, word_of
from vipservice.config.schema import Key, Values, mapping_of, read_mapping
from vipservice.config.yaml_reader import read_file, read_yaml

MAX_USERS = 100
MAX_COST = 14
"""Of bcrypt; each step doubles the work, and 14 is about a second for each wrong password."""

_BCRYPT = re.compile(r"\$2[abxy]\$([0-9]{2})\$[./A-Za-z0-9]{53}")


class ClientCertificate(Enum):
    """What is asked of a client's certificate."""

    NONE = "NoClientCert"
    IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRED = "RequireAndVerifyClientCert"


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How the server proves who it is, and who may connect."""

    cert_file: Path
    key_file: Path
    client_certificate: ClientCertificate
    client_ca_file: Path | None
    min_version: str
    """TLS12 or TLS13."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """A whole web configuration file."""

    tls: TlsSettings | None
    users: Table[str, str]
    """Name to bcrypt hash; without any, everybody may look."""


def _as_written(node: Node) -> Node:
    return node


CERT_FILE: Key[Path | None] = Key(
    "cert_file", read_path, None, "a path", "The server's certificate and its chain, PEM."
)
KEY_FILE: Key[Path | None] = Key("key_file", read_path, None, "a path", "Its private key, PEM.")
CLIENT_AUTH: Key[ClientCertificate] = Key(
    "client_auth_type",
    word_of({kind.value.lower(): kind for kind in ClientCertificate}),
    ClientCertificate.NONE,
    "NoClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert",
    "What is asked of clients. To ask for a certificate and not verify it is not supported.",
)
CLIENT_CA: Key[Path | None] = Key(
    "client_ca_file", read_path, None, "a path", "Who signs the clients' certificates, PEM."
)
MIN_VERSION: Key[str] = Key(
    "min_version", word_of({"tls12": "TLS12", "tls13": "TLS13"}), "TLS12", "TLS12 or TLS13", "The least."
)
TLS_KEYS = (CERT_FILE, KEY_FILE, CLIENT_AUTH, CLIENT_CA, MIN_VERSION)

HTTP2: Key[bool] = Key(
    "http2", read_bool, False, "true or false", "Without effect: this server speaks HTTP/1 only."
)

TLS: Key[Any] = Key("tls_server_config", _as_written, None, "a mapping with cert_file and key_file", "TLS.")
HTTP: Key[Any] = Key(
    "http_server_config", mapping_of((HTTP2,), lambda _values: None), None, "a mapping", "HTTP."
)


def _read_hash(node: Node) -> str:
    text = text_of(node)
    match = _BCRYPT.fullmatch(text)
    hint = "write what 'htpasswd -nBC 10 NAME' prints, without the name"
    if match is None:
        raise RefusedError(Problem(node.line, "", "found something that is no bcrypt hash", hint))
    if not 4 <= int(match[1]) <= MAX_COST:
        found = f"found a bcrypt hash of cost {int(match[1])}"
        raise RefusedError(Problem(node.line, "", found, f"write one of cost 4 to {MAX_COST}"))
    return text


def _read_users(node: Node) -> dict[str, str]:
    if not isinstance(node, Mapping):
        raise refused(node, hint="write a mapping of user names to bcrypt hashes")
    users: dict[str, str] = {}
    problems: list[Problem] = []
    for entry in node.entries:
        if not entry.key or ":" in entry.key or not entry.key.isprintable():
            problems.append(Problem(entry.line, "", "found a user's name that is empty or has a colon"))
        elif entry.key in users:
            problems.append(Problem(entry.line, entry.key, "found the user a second time", "remove one"))
        try:
            users[entry.key] = _read_hash(entry.value)
        except RefusedError as error:
            problems += (problem.under(entry.key) for problem in error.problems)
    if len(users) > MAX_USERS:
        problems.append(Problem(node.line, "", f"found {len(users)} users", f"write {MAX_USERS} at most"))
    if problems:
        raise RefusedError(*problems)
    return users


USERS: Key[dict[str, str]] = Key(
    "basic_auth_users", _read_users, {}, "a mapping of user names to bcrypt hashes", "Who may look."
)


def load_web(path: Path) -> WebSettings:
    """Read and check a web configuration file; relative paths in it are beside it.

    Raises:
        ConfigError: With every problem of the file.
    """
    document = read_yaml(read_file(path), path)
    top, problems = read_mapping(document.root, (TLS, HTTP, USERS))
    problems += document.problems
    tls: TlsSettings | None = None
    if top.given(TLS):
        try:
            tls = _read_tls(top[TLS], path.parent)
        except RefusedError as error:
            problems += (problem.under(TLS.name) for problem in error.problems)
    if problems:
        raise ConfigError(path, problems)
    users = top[USERS]
    return WebSettings(tls, users)


def _read_tls(node: Node, beside: Path) -> TlsSettings:
    return mapping_of(TLS_KEYS, lambda values: _make_tls(values, beside, node.line), (CERT_FILE, KEY_FILE))(
        node
    )


def _make_tls(values: Values, beside: Path, line: int) -> TlsSettings:
    cert, key, client_ca = values[CERT_FILE], values[KEY_FILE], values[CLIENT_CA]
    assert cert is not None and key is not None
    asked = values[CLIENT_AUTH]
    if (client_ca is None) != (asked is ClientCertificate.NONE):
        beside_it = "without" if client_ca is None else "with"
        found = f"found client_auth_type {asked.value} {beside_it} client_ca_file"
        hint = "write both client_ca_file and how strictly it is asked for, or neither"
        raise RefusedError(Problem(line, "", found, hint))
    return TlsSettings(
        cert_file=beside / cert,
        key_file=beside / key,
        client_certificate=asked,
        client_ca_file=None if client_ca is None else beside / client_ca,
        min_version=values[MIN_VERSION],
    )
