"""The guides' nginx and HAProxy on two hosts: each starts without the address, and it leaves a dead one."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import yaml

from tests.unit.documents.samples import Sample, samples
from vipservice.lab.clock import now, wait_until
from vipservice.lab.demo.cluster import VIP, Cluster
from vipservice.lab.hosts import Host, write_settings

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

NGINX = """\
worker_processes 1;
daemon off;
pid /run/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path /run/body;
    proxy_temp_path /run/proxy;
    fastcgi_temp_path /run/fastcgi;
    uwsgi_temp_path /run/uwsgi;
    scgi_temp_path /run/scgi;
    include /run/nginx.sample;
}
"""
"""What the distribution's own nginx.conf has around a site; the hosts share their disk but for /run."""

GUIDES = ("nginx", "haproxy")
CHECKED = {
    "nginx": ("nginx", "-t", "-q", "-e", "stderr", "-c", "/run/nginx.conf"),
    "haproxy": ("haproxy", "-c", "-q", "-f", "/run/haproxy.sample"),
}
RUN = {
    "nginx": ("nginx", "-e", "stderr", "-c", "/run/nginx.conf"),
    "haproxy": ("haproxy", "-db", "-f", "/run/haproxy.sample"),
}
PORT = {"nginx": 8099, "haproxy": 8404}

LEFT_WITHIN = 1.5 + 1.5
"""Seconds: three tries 500 ms apart, and what a busy machine adds."""


def sample(guide: str, kind: str) -> Sample:
    [one] = [one for one in samples(kind) if one.page == f"docs/guides/{guide}.md"]
    return one


def there(text: str) -> str:
    """As the lab has it: its network is 10.99.0.0/24."""
    return text.replace("192.168.3.", "10.99.0.")


def allow_foreign_addresses(guide: str) -> None:
    """The guide's sysctl file."""
    pairs = (line.split(" = ") for line in sample(guide, "ini sysctl").text.splitlines())
    write_settings({name.replace(".", "/"): value for name, value in pairs})


@pytest.fixture(params=GUIDES)
def guide(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def proxies(pair: Cluster, guide: str) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """The guide's proxy on both hosts, and the guide's check."""
    with ExitStack() as stack:
        running = {}
        for name in pair.daemons:
            host = pair.lan.node(name)
            prepare(host, guide)
            running[name] = host.spawn(RUN[guide], stdout=subprocess.DEVNULL, stderr=sys.stderr.fileno())
            stack.callback(end, running[name])
        pair.configure(yaml.safe_dump({"checks": checks_of(guide)}))
        for daemon in pair.daemons.values():
            daemon.wait_for(healthy, 10, "a check that passes")
        yield running
    pair.configure("")


def prepare(host: Host, guide: str) -> None:
    host.in_network(lambda: allow_foreign_addresses(guide))
    (host.root / f"run/{guide}.sample").write_text(there(sample(guide, guide).text))
    (host.root / "run/nginx.conf").write_text(NGINX)
    checked = host.spawn(CHECKED[guide], stdout=sys.stderr.fileno(), stderr=sys.stderr.fileno())
    assert checked.wait(20) == 0, "its own check of the configuration"


def checks_of(guide: str) -> object:
    return yaml.safe_load(sample(guide, "yaml vipservice").text)["floating_ip"]["checks"]


def healthy(status: dict[str, object]) -> bool:
    groups = status["groups"]
    return isinstance(groups, list) and groups[0]["checks"][0]["state"] == "passing"


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill the master and its workers: a worker of nginx serves on without its master."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    workers = children.read_text().split() if process.poll() is None else []
    process.kill()
    process.wait()
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(int(worker), signal.SIGKILL)


def asks(pair: Cluster) -> str:
    """What the client gets from the address."""

    def ask() -> str:
        connection = http.client.HTTPConnection(str(VIP), 80, timeout=2)
        try:
            connection.request("GET", "/")
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    return pair.lan.client.in_network(ask)


def test_the_proxy_answers_on_the_address_and_a_dead_one_loses_it(
    pair: Cluster, guide: str, proxies: "dict[str, subprocess.Popen[bytes]]"
) -> None:
    owner = pair.wait_for_owner(5)
    assert asks(pair) == "fine\n"
    began = now()
    end(proxies[owner])
    other = pair.wait_for_owner(10, other_than=owner)
    assert other != owner
    assert now() - began < LEFT_WITHIN, pair.report()
    assert asks(pair) == "fine\n"


def test_haproxy_without_servers_says_that_it_is_of_no_use(pair: Cluster) -> None:
    """monitor fail: its health page answers 503 when no server is left."""
    text = there(sample("haproxy", "haproxy").text).replace("10.99.0.50:8080", "127.0.0.1:1")
    host = pair.lan.node("a")
    host.in_network(lambda: allow_foreign_addresses("haproxy"))
    (host.root / "run/haproxy.sample").write_text(text)
    process = host.spawn(RUN["haproxy"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: host.in_network(status_of_health) == 503, 10, "503")
    finally:
        end(process)


def status_of_health() -> int:
    connection = http.client.HTTPConnection("127.0.0.1", PORT["haproxy"], timeout=1)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()
