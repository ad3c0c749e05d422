"""The guide's configuration for Patroni, with a REST API that is played: the address follows the lock."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
import yaml

from tests.unit.documents.samples import samples
from vipservice.lab.clock import now, wait_until
from vipservice.lab.demo.cluster import Cluster

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]

REST_API = """
import http.server, os
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        leads = self.path == "/primary" and os.path.exists("/run/leader")
        self.send_response_only(200 if leads else 503)
        self.end_headers()
http.server.ThreadingHTTPServer.server_bind = lambda self: self.socket.bind(self.server_address)
http.server.ThreadingHTTPServer(("127.0.0.1", 8008), Answers).serve_forever()
"""
"""As Patroni's: 200 for who has the lock, else 503. HTTPServer's own server_bind asks a resolver."""

FOLLOWS_WITHIN = 0.5 + 1.5
"""Two bad answers, 250 ms apart, and what a busy machine adds."""


@pytest.fixture
def patroni(pair: Cluster) -> Iterator[Cluster]:
    """Both nodes with the guide's group, and node b the leader."""
    group = yaml.safe_load(guide())["floating_ip"]
    apis = [
        pair.lan.node(name).spawn((sys.executable, "-I", "-c", REST_API), stderr=subprocess.DEVNULL)
        for name in pair.daemons
    ]
    lead(pair, "b")
    pair.configure(yaml.safe_dump({key: group[key] for key in ("when_all_fail", "checks")}))
    wait_until(lambda: pair.owner == "b", 10, "the leader has the address")
    yield pair
    pair.configure("")
    for api in apis:
        api.kill()
        api.wait()
    pair.wait_until_whole()


def guide() -> str:
    """The guide's first configuration."""
    return next(one.text for one in samples("yaml vipservice") if one.page == "docs/guides/patroni.md")


def lead(pair: Cluster, leader: str | None) -> None:
    """Give the lock to one node, or to nobody."""
    for name in pair.daemons:
        lock = pair.lan.node(name).root / "run/leader"
        lock.touch() if name == leader else lock.unlink(missing_ok=True)


def test_the_address_follows_the_leader_and_is_nobodys_between_two(patroni: Cluster) -> None:
    began = now()
    lead(patroni, "a")
    assert patroni.wait_for_owner(10, other_than="b") == "a"
    assert now() - began < FOLLOWS_WITHIN, patroni.report()
    lead(patroni, None)
    wait_until(lambda: patroni.owner is None, 10, "nobody has it")
    lead(patroni, "b")
    assert patroni.wait_for_owner(10) == "b"
