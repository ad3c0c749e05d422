"""TLS, client certificates and passwords over loopback, by a file in the form of Prometheus' exporters."""

import base64
import contextlib
import http.client
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import trustme

from vipservice.adapters.exporter import passwords
from vipservice.adapters.exporter.guard import Guard
from vipservice.adapters.exporter.passwords import Passwords
from vipservice.adapters.exporter.server import Exporter
from vipservice.config.problems import ConfigError
from vipservice.config.settings import MetricsSettings
from vipservice.config.web import ClientCertificate, load_web
from vipservice.runtime.history import Forgetful, History
from vipservice.runtime.metrics import Metrics
from vipservice.runtime.shown import Shown

HASH = bcrypt.hashpw(b"open sesame", b"$2b$04$" + b"." * 22).decode()
PASSWORD = f"basic_auth_users:\n  prometheus: {HASH}\n"
TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
CLIENTS = f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"

Write = Callable[[str], Path]
Serve = Callable[[str], int]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def write(tmp_path: Path, authority: trustme.CA) -> Write:
    """A web configuration file, beside the files that it may name."""

    def write(text: str) -> Path:
        issue(authority, tmp_path)
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        path = tmp_path / "web.yml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def serve(write: Write, node: Any) -> Iterator[Serve]:
    """A server with such a file; its port."""
    with contextlib.ExitStack() as stack:

        def serve(text: str) -> int:
            shown = Shown(Metrics({}, node).registry, node, History(7, Forgetful()), lambda: True)
            exporter = Exporter(MetricsSettings("127.0.0.1", 0, write(text)), shown, read_within=2.0)
            exporter.start()
            stack.callback(exporter.close)
            assert exporter.port is not None
            return exporter.port

        yield serve


def issue(authority: trustme.CA, folder: Path) -> trustme.LeafCert:
    """A new certificate for the server, in place of the one that is there."""
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "server.key")
    for part in certificate.cert_chain_pems:
        part.write_to_path(folder / "server.pem")
    return certificate


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def ask(port: int, context: ssl.SSLContext | None = None, authorization: str = "") -> tuple[int, str]:
    """Status, and the realm where a password is wanted."""
    client = (
        http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
        if context
        else http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    )
    with contextlib.closing(client):
        client.request("GET", "/metrics", headers={"Authorization": authorization} if authorization else {})
        response = client.getresponse()
        response.read()
        return response.status, response.getheader("WWW-Authenticate", "")


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


# TLS


def test_over_tls_who_trusts_the_authority_is_answered(serve: Serve, authority: trustme.CA) -> None:
    assert ask(serve(TLS), trusting(authority)) == (200, "")


def test_who_speaks_no_tls_gets_nothing_and_the_next_an_answer(serve: Serve, authority: trustme.CA) -> None:
    port = serve(TLS)
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(port)
    assert ask(port, trusting(authority))[0] == 200


def test_a_client_without_a_certificate_is_turned_away_where_one_is_required(
    serve: Serve, authority: trustme.CA
) -> None:
    port = serve(CLIENTS)
    with pytest.raises(OSError, match=r"(?i)certificate required|reset|broken pipe|eof"):
        ask(port, trusting(authority))
    known = trusting(authority)
    authority.issue_cert("prometheus@example.org").configure_cert(known)
    assert ask(port, known)[0] == 200
    stranger = trusting(authority)
    trustme.CA().issue_cert("prometheus@example.org").configure_cert(stranger)
    with pytest.raises(OSError, match=r"(?i)unknown ca|reset|broken pipe|eof"):
        ask(port, stranger)


def test_tls_1_3_only_turns_1_2_away(serve: Serve, authority: trustme.CA) -> None:
    port = serve(f"{TLS}  min_version: TLS13\n")
    old = trusting(authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(OSError, match=r"(?i)protocol version|reset|eof"):
        ask(port, old)
    assert ask(port, trusting(authority))[0] == 200


def test_a_renewed_certificate_is_used_without_a_restart(
    serve: Serve, tmp_path: Path, authority: trustme.CA
) -> None:
    port = serve(TLS)
    before = ssl.get_server_certificate(("127.0.0.1", port), timeout=10)
    issue(authority, tmp_path)
    assert ssl.get_server_certificate(("127.0.0.1", port), timeout=10) != before


def test_a_renewal_that_went_wrong_leaves_the_old_one_in_force_and_is_told_once(
    serve: Serve, tmp_path: Path, authority: trustme.CA, caplog: pytest.LogCaptureFixture
) -> None:
    port = serve(TLS)
    (tmp_path / "server.pem").write_text("not yet written")
    assert ask(port, trusting(authority))[0] == 200
    assert ask(port, trusting(authority))[0] == 200
    told = [record.message for record in caplog.records if "web_config is as it was" in record.message]
    assert len(told) == 1
    assert str(tmp_path / "server.pem") in told[0]


def test_a_client_that_never_ends_its_handshake_is_gone_in_time(serve: Serve, authority: trustme.CA) -> None:
    port = serve(TLS)
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as slow, contextlib.suppress(OSError):
        slow.sendall(b"\x16\x03\x01\x02\x00")
        while slow.recv(100):
            pass
    assert time.monotonic() - began < 10
    assert ask(port, trusting(authority))[0] == 200


# Passwords


def test_only_a_known_name_with_its_password_is_answered(serve: Serve) -> None:
    port = serve(PASSWORD)
    assert ask(port, authorization=basic("prometheus", "open sesame")) == (200, "")
    refused = ["", "Bearer x", "Basic !!!", "Basic " + base64.b64encode(b"prometheus").decode()]
    refused += [basic("prometheus", "open"), basic("grafana", "open sesame"), basic("", "open sesame")]
    refused += [basic("prometheus", "x" * 100), basic("prometheus", "open sesame\0")]
    for authorization in refused:
        status, realm = ask(port, authorization=authorization)
        assert (status, realm.split()[0]) == (401, "Basic"), authorization


def test_a_right_password_is_computed_once_and_a_wrong_one_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    real = bcrypt.checkpw

    def counted(password: bytes, known: bytes) -> bool:
        asked.append(password)
        return real(password, known)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    users = Passwords({"prometheus": HASH})
    assert [users.right(basic("prometheus", "open sesame")) for _ in range(3)] == [True] * 3
    assert [users.right(basic("prometheus", "guess")) for _ in range(2)] == [False] * 2
    assert not users.right(basic("nobody", "open sesame")), "nor with what is remembered of another"
    assert asked == [b"open sesame", b"guess", b"guess", b"open sesame"]


def test_the_loops_thread_runs_on_while_passwords_are_guessed() -> None:
    users = Passwords({"prometheus": bcrypt.hashpw(b"x", bcrypt.gensalt(12)).decode()})
    guesser = threading.Thread(target=lambda: users.right(basic("prometheus", "guess")))
    guesser.start()
    rounds = 0
    while guesser.is_alive():
        rounds += 1
    guesser.join()
    assert rounds > 1000, "bcrypt must let the interpreter go"


def test_htpasswd_writes_what_is_read(write: Write) -> None:
    """Apache's tool marks its hashes $2y$, Go's and Python's are $2b$ or $2a$; all mean the same."""
    for mark in ("$2a$", "$2b$", "$2y$"):
        users = load_web(write(f"basic_auth_users: {{prometheus: {HASH.replace('$2b$', mark)}}}\n")).users
        assert Passwords(users).right(basic("prometheus", "open sesame")), mark


def test_without_the_library_there_is_a_sentence_that_says_which(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "bcrypt", None)
    with pytest.raises(ConfigError, match=r"basic_auth_users.*install python3-bcrypt"):
        Guard(write(PASSWORD))
    assert passwords.REMEMBERED


# The file


def test_a_file_for_other_exporters_is_read_word_for_word(write: Write, tmp_path: Path) -> None:
    settings = load_web(
        write(
            "tls_server_config:\n  cert_file: server.pem\n  key_file: /etc/ssl/server.key\n"
            '  client_auth_type: "VerifyClientCertIfGiven"\n  client_ca_file: ca.pem\n  min_version: TLS13\n'
            f"http_server_config:\n  http2: true\n{PASSWORD}"
        )
    )
    assert settings.tls is not None
    assert settings.tls.cert_file == tmp_path / "server.pem"
    assert settings.tls.key_file == Path("/etc/ssl/server.key")
    assert settings.tls.client_certificate is ClientCertificate.IF_GIVEN
    assert settings.users == {"prometheus": HASH}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "tls_server_config:\n  cert_file: server.pem\n",
            "yml:2: tls_server_config.key_file: found nothing",
        ),
        ("tls_server_config: on\n", "1: tls_server_config: found 'on'; write a mapping"),
        (TLS + "  client_auth_type: RequestClientCert\n", "client_auth_type: found 'RequestClientCert'"),
        (TLS + "  client_auth_type: RequireAndVerifyClientCert\n", "without client_ca_file"),
        (TLS + "  client_ca_file: ca.pem\n", "NoClientCert with client_ca_file"),
        (TLS + "  cipher_suites: [X]\n", "tls_server_config.cipher_suites"),
        (TLS + "  min_version: TLS10\n", "min_version: found 'TLS10'"),
        (TLS.replace("server.key", "none.key"), "tls_server_config.key_file: "),
        (TLS.replace("server.pem", "web.yml"), "tls_server_config.cert_file: "),
        (CLIENTS.replace("ca.pem", "web.yml"), "tls_server_config.client_ca_file: "),
        (
            "basic_auth_users:\n  prometheus: secret\n",
            "basic_auth_users.prometheus: found something that is no",
        ),
        (f"basic_auth_users:\n  p: {HASH.replace('$04$', '$31$')}\n", "found a bcrypt hash of cost 31"),
        (
            f"basic_auth_users:\n  p: {HASH}\n  p: {HASH}\n",
            "basic_auth_users.p: found the user a second time",
        ),
        ("basic_auth_users: prometheus\n", "basic_auth_users: found 'prometheus'"),
        ("http_server_config:\n  http3: true\n", "http_server_config.http3"),
        ("rate_limit: 3\n", "rate_limit"),
    ],
)
def test_what_cannot_be_is_one_sentence_with_its_place(write: Write, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Guard(write(text))
    [sentence] = caught.value.sentences()
    assert said in sentence
    assert "secret" not in sentence, "what may be a password is never repeated"


def test_a_key_that_asks_for_a_passphrase_does_not_ask_at_a_terminal(write: Write, tmp_path: Path) -> None:
    path = write(TLS)
    command = ["openssl", "pkey", "-aes256", "-passout", "pass:sesame"]
    command += ["-in", "server.key", "-out", "locked.key"]
    try:
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl's command is not installed")
    path.write_text(TLS.replace("server.key", "locked.key"))
    with pytest.raises(ConfigError, match=r"key_file"):
        Guard(path)
