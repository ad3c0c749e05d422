"""The examples of hooks, run as a hook is run, against a cloud that is a few lines of Python."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

HOOKS = Path("examples/hooks").absolute()
ACTIVE = {"event": "active", "role": "active", "group": "vip-1"}


class Cloud(ThreadingHTTPServer):
    """Notes what it is asked, and answers with the next of `statuses`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.asked: list[tuple[str, str, str | None, Any]] = []
        self.statuses: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Cloud

    def do_GET(self) -> None:
        self._answer(200, b"i-42" if "meta-data" in self.path else b"42")

    def do_PUT(self) -> None:
        self._answer(200, b"metadata-token")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(("POST", self.path, self.headers["Authorization"], body))
        self._answer(self.server.statuses.pop(0) if self.server.statuses else 201, b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_said: object) -> None:
        pass


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with Cloud() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def token(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("secret\n")
    file.chmod(0o600)
    return file


def assign(cloud: Cloud, token: Path, happened: dict[str, Any]) -> "subprocess.CompletedProcess[str]":
    script = HOOKS / "hetzner_floating_ip.py"
    places = ("--api", cloud.url, "--metadata", f"{cloud.url}/instance-id")
    return subprocess.run(
        (sys.executable, "-I", script, "--floating-ip", "4711", "--token-file", token, *places),
        input=json.dumps(happened),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={"PATH": os.defpath, "PAUSES": "0"},
    )


def test_an_active_node_asks_the_cloud_for_its_address(cloud: Cloud, token: Path) -> None:
    done = assign(cloud, token, ACTIVE)
    assert (done.returncode, done.stdout) == (0, "floating IP 4711 is assigned to server 42\n")
    assert cloud.asked == [("POST", "/floating_ips/4711/actions/assign", "Bearer secret", {"server": 42})]


def test_a_backup_asks_for_nothing(cloud: Cloud, token: Path) -> None:
    assert assign(cloud, token, {**ACTIVE, "role": "backup"}).returncode == 0
    assert cloud.asked == []


def test_a_cloud_that_is_busy_is_asked_again(cloud: Cloud, token: Path) -> None:
    cloud.statuses = [423, 503]
    assert assign(cloud, token, ACTIVE).returncode == 0
    assert len(cloud.asked) == 3


def test_a_refusal_is_a_failure_without_the_secret(cloud: Cloud, token: Path) -> None:
    cloud.statuses = [401]
    done = assign(cloud, token, ACTIVE)
    assert (done.returncode, done.stderr) == (1, "floating IP 4711: the API answered 401\n")
    assert len(cloud.asked) == 1
    cloud.statuses = [503] * 20
    assert assign(cloud, token, ACTIVE).stderr == "floating IP 4711: the API answered 503\n"


def test_a_token_that_everybody_can_read_is_refused(cloud: Cloud, token: Path) -> None:
    token.chmod(0o644)
    done = assign(cloud, token, ACTIVE)
    assert done.returncode == 1
    assert "open to everybody" in done.stderr
    assert cloud.asked == []


def test_the_shell_example_asks_with_the_instances_own_name(tmp_path: Path) -> None:
    """curl and aws are played: the script is only as good as what it calls them with."""
    calls = tmp_path / "calls"
    played = {"curl": f'echo "curl $*" >> {calls}; case $* in *PUT*) echo token;; *) echo i-42;; esac\n'}
    played["aws"] = f'echo "aws $*" >> {calls}\n'
    for name, does in played.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "VIPSERVICE_ROLE": "active"}
    script = (HOOKS / "aws_elastic_ip.sh", "eipalloc-1", "eu-central-1")
    subprocess.run(script, env=environment, check=True, timeout=20)
    said = calls.read_text().splitlines()
    assert "X-aws-ec2-metadata-token: token" in said[1]
    assert said[2].startswith("aws ec2 associate-address --region eu-central-1 --allocation-id eipalloc-1")
    assert "--instance-id i-42" in said[2]
    subprocess.run(script, env={**environment, "VIPSERVICE_ROLE": "backup"}, check=True, timeout=20)
    assert len(calls.read_text().splitlines()) == 3
