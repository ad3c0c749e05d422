"""The metrics server over loopback: real sockets, a real parser, clients with bad manners."""

import contextlib
import gzip
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from vipservice.adapters.exporter.listening import ExporterError
from vipservice.adapters.exporter.server import MAX_REQUEST, MAX_REQUESTS, Exporter
from vipservice.config.settings import MetricsSettings
from vipservice.core.actions import Turned
from vipservice.core.roles import Reason, Role
from vipservice.core.values import GroupId
from vipservice.runtime.history import Forgetful, History
from vipservice.runtime.metrics import Metrics
from vipservice.runtime.shown import Shown
from vipservice.runtime.snapshot import SnapshotUnavailableError
from vipservice.runtime.status import LinkGroupStatus, NodeStatus, to_json

Node = Callable[..., NodeStatus]
Group = Callable[..., LinkGroupStatus]

LOOPBACK = "127.0.0.1"


class Served:
    """An exporter with a loop that tests can stop and a snapshot that they can change."""

    def __init__(self, status: NodeStatus, host: str = LOOPBACK, read_within: float = 5.0) -> None:
        self.status: NodeStatus | None = status
        self.alive = True
        metrics = Metrics({GroupId(1): "vip"}, self.snapshot)
        self.history = History(7, Forgetful())
        shown = Shown(metrics.registry, self.snapshot, self.history, lambda: self.alive)
        self.exporter = Exporter(MetricsSettings(host, 0), shown, read_within=read_within)
        self.exporter.start()

    def snapshot(self) -> NodeStatus:
        return self.snapshot_of()

    def snapshot_of(self) -> NodeStatus:
        if self.status is None:
            raise SnapshotUnavailableError("the loop stands still")
        return self.status

    def connect(self, host: str = LOOPBACK) -> socket.socket:
        assert self.exporter.port is not None
        return socket.create_connection((host, self.exporter.port), timeout=20)

    def ask(
        self, path: str, *, method: str = "GET", host: str = LOOPBACK, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        client = http.client.HTTPConnection(host, self.exporter.port, timeout=20)
        try:
            client.request(
                method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
            )
            response = client.getresponse()
            return response, response.read()
        finally:
            client.close()


def shown(node: Node) -> Shown:
    return Shown(Metrics({}, node).registry, node, History(7, Forgetful()), lambda: True)


@pytest.fixture
def serve(node: Node) -> Iterator[Callable[..., Served]]:
    with contextlib.ExitStack() as stack:

        def serve(status: NodeStatus | None = None, **how: Any) -> Served:
            served = Served(status or node(), **how)
            stack.callback(served.exporter.close)
            return served

        yield serve


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    return serve()


def test_prometheus_can_read_the_metrics(served: Served) -> None:
    response, body = served.ask("/metrics")
    assert response.status == 200
    assert response.getheader("Content-Type", "").startswith("text/plain; version=")
    families = {family.name for family in text_string_to_metric_families(body.decode())}
    assert {"vipservice_role", "vipservice_transitions", "vipservice_loop_lag_seconds"} <= families


def test_openmetrics_and_gzip_are_given_to_who_asks_for_them(served: Served) -> None:
    response, body = served.ask(
        "/metrics", Accept="application/openmetrics-text; version=1.0.0", Accept_Encoding="gzip"
    )
    assert response.getheader("Content-Type", "").startswith("application/openmetrics-text")
    assert response.getheader("Content-Encoding") == "gzip"
    assert gzip.decompress(body).endswith(b"# EOF\n")


def test_a_scrape_can_be_narrowed_to_names(served: Served) -> None:
    _, body = served.ask("/metrics?name[]=vipservice_role")
    assert [family.name for family in text_string_to_metric_families(body.decode())] == ["vipservice_role"]


@pytest.mark.parametrize("path", ["/healthz", "/-/healthy", "/-/ready"])
def test_health_is_the_loops(served: Served, path: str) -> None:
    assert served.ask(path)[0].status == 200
    served.alive = False
    response, body = served.ask(path)
    assert (response.status, body) == (503, b"the loop has not gone round lately\n")


def test_active_is_for_the_owner_of_every_group(served: Served, node: Node, group: Group) -> None:
    response, body = served.ask("/active")
    assert (response.status, body) == (200, b"vip active\n")
    served.status = node(groups=(group(), group(name="mail", id=GroupId(2), role=Role.BACKUP)))
    response, body = served.ask("/active")
    assert (response.status, body) == (503, b"vip active\nmail backup\n")


def test_active_can_be_asked_for_one_group_by_name_or_id(served: Served, node: Node, group: Group) -> None:
    served.status = node(groups=(group(), group(name="mail", id=GroupId(2), role=Role.BACKUP)))
    asked = {
        query: served.ask(f"/active?group={query}")[0].status for query in ("vip", "1", "mail", "2", "web")
    }
    assert asked == {"vip": 200, "1": 200, "mail": 503, "2": 503, "web": 404}


def test_active_without_the_address_in_the_kernel_is_not_active(
    served: Served, node: Node, group: Group
) -> None:
    served.status = node(groups=(group(bound=False),))
    assert served.ask("/active")[0].status == 503


def test_nobody_is_active_without_groups_or_without_a_loop(served: Served, node: Node) -> None:
    served.status = node(groups=())
    assert served.ask("/active")[0].status == 503
    served.status = None
    assert served.ask("/active")[0].status == 503
    assert served.ask("/")[0].status == 503
    assert served.ask("/metrics")[0].status == 200


def test_the_snapshot_is_there_as_json_for_programs(served: Served) -> None:
    response, body = served.ask("/api/v1/status")
    assert response.getheader("Content-Type") == "application/json"
    assert served.status is not None
    assert json.loads(body) == json.loads(json.dumps(to_json(served.status)))


def test_the_snapshot_without_groups_is_json_too(served: Served, node: Node) -> None:
    served.status = node(groups=())
    assert json.loads(served.ask("/api/v1/status")[1])["groups"] == []


def test_the_history_is_json_and_can_be_narrowed(served: Served) -> None:
    turned = Turned(GroupId(1), Role.BACKUP, Role.PROBING, Reason.ADVERTS_SILENT, "no advert for 0.3 s")
    served.history.started("0.1.0")
    served.history.turned(turned, "vip", {"term": 4})
    served.history.turned(replace(turned, group=GroupId(2)), "mail", {})
    entries = json.loads(served.ask("/api/v1/history?group=vip")[1])
    assert [(one["event"], one["group"]) for one in entries] == [("transition", "vip"), ("started", "")]
    assert entries[0]["inputs"] == {"term": 4}
    assert len(json.loads(served.ask("/api/v1/history?limit=1")[1])) == 1
    assert served.ask("/api/v1/history?limit=-1")[0].status == 400


def test_answers_are_written_one_at_a_time_and_health_is_not_kept_waiting(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, release = threading.Semaphore(0), threading.Event()
    writing: list[int] = []
    status = served.status

    def slowly() -> NodeStatus:
        writing.append(1)
        entered.release()
        release.wait(20)
        assert status is not None
        return status

    monkeypatch.setattr(served, "snapshot_of", slowly)
    asking = [threading.Thread(target=served.ask, args=("/api/v1/status",)) for _ in range(3)]
    for thread in asking:
        thread.start()
    try:
        assert entered.acquire(timeout=20)
        assert served.ask("/healthz")[0].status == 200
        assert len(writing) == 1
    finally:
        release.set()
        for thread in asking:
            thread.join(20)
    assert len(writing) == 3


def test_prometheus_finds_every_node_known_also_the_silent_ones(served: Served, node: Node) -> None:
    peer = node().peers[0]
    never = replace(peer, address=IPv4Address("192.168.3.66"), last_seen=0.0)
    served.status = node(peers=(peer, never))
    port = served.exporter.port
    assert json.loads(served.ask("/sd")[1]) == [
        {"targets": [f"192.168.3.35:{port}"], "labels": {"node": "node-a"}},
        {"targets": [f"192.168.3.37:{port}"], "labels": {"node": "node-c"}},
    ]


def test_there_is_nothing_elsewhere(served: Served) -> None:
    assert served.ask("/etc/passwd")[0].status == 404
    assert served.ask("/metrics/")[0].status == 404


@pytest.mark.parametrize("path", ["/metrics", "/", "/healthz", "/active", "/nothing"])
def test_head_is_get_without_the_body(served: Served, path: str) -> None:
    got, _ = served.ask(path)
    head, body = served.ask(path, method="HEAD")
    assert head.status == got.status
    assert head.getheader("Content-Type") == got.getheader("Content-Type")
    assert int(head.getheader("Content-Length", "0")) > 0
    assert body == b""


def test_other_methods_are_refused(served: Served) -> None:
    assert served.ask("/metrics", method="POST")[0].status == 501


@pytest.mark.parametrize("target", ["http://[", "/metrics?name[]=%zz", "*", "/\x80"])
def test_a_mad_target_is_answered_and_the_next_request_too(served: Served, target: str) -> None:
    with served.connect() as client:
        client.sendall(f"GET {target} HTTP/1.1\r\n\r\n".encode("latin-1"))
        while client.recv(65536):
            pass
    assert served.ask("/healthz")[0].status == 200


def test_without_a_host_both_families_are_served(serve: Callable[..., Served]) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    served = serve(host="")
    assert served.ask("/healthz")[0].status == 200
    assert served.ask("/healthz", host="::1")[0].status == 200


def test_one_ipv6_address_can_be_listened_on(serve: Callable[..., Served]) -> None:
    assert serve(host="::1").ask("/healthz", host="::1")[0].status == 200


def test_a_port_that_is_taken_is_one_sentence(served: Served, node: Node) -> None:
    settings = MetricsSettings(LOOPBACK, served.exporter.port)
    second = Exporter(settings, shown(node))
    with pytest.raises(ExporterError) as caught:
        second.start()
    port = served.exporter.port
    assert str(caught.value) == (
        f"metrics cannot be served on 127.0.0.1:{port}: Address already in use; "
        "stop what listens there, or set 'metrics.listen' to another port"
    )


def test_listen_off_opens_nothing(node: Node) -> None:
    exporter = Exporter(MetricsSettings(port=None), shown(node))
    exporter.start()
    assert exporter.port is None
    exporter.close()


def test_a_client_that_sends_a_byte_now_and_then_is_gone_in_time(serve: Callable[..., Served]) -> None:
    served = serve(read_within=0.2)
    began = time.monotonic()
    with served.connect() as client, contextlib.suppress(ConnectionError):
        client.settimeout(0.05)
        while time.monotonic() - began < 10:
            client.sendall(b"G")
            with contextlib.suppress(TimeoutError):
                if client.recv(100) == b"":
                    break
    assert time.monotonic() - began < 5


def test_headers_without_end_are_cut_off(served: Served) -> None:
    sent = 0
    with served.connect() as client, contextlib.suppress(ConnectionError):
        client.sendall(b"GET /healthz HTTP/1.1\r\n")
        while sent < 1000 * MAX_REQUEST:
            sent += client.send(b"X-Long: " + b"a" * 1000 + b"\r\n")
    assert sent < 1000 * MAX_REQUEST
    assert served.ask("/healthz")[0].status == 200


def test_clients_that_only_hold_the_line_cannot_take_more_than_their_threads(
    serve: Callable[..., Served],
) -> None:
    served = serve(read_within=20.0)
    before = threading.active_count()
    with contextlib.ExitStack() as stack:
        for _ in range(MAX_REQUESTS):
            stack.enter_context(served.connect())
        late = stack.enter_context(served.connect())
        assert late.recv(1000).startswith(b"HTTP/1.1 503 ")
        assert threading.active_count() - before <= MAX_REQUESTS
    for _ in range(1000):  # until a thread has seen that its client is gone
        if served.ask("/healthz")[0].status == 200:
            break
    else:
        pytest.fail("the threads were not given back")


def test_after_close_nobody_listens(served: Served) -> None:
    port = served.exporter.port
    served.exporter.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, port or 0), timeout=5)
