"""The service behind the address dies, hangs, or is well nowhere; checks that hang cost the loop nothing."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.daemon.stranger import metrics
from vipservice.lab.clock import now
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.demo.play import play
from vipservice.lab.demo.services import HTTP_CHECK, SERVICE_DIES, SERVICE_HANGS, TCP_CHECK, serve
from vipservice.lab.demo.steps import QUIET, Step, active

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

DEAD_WITHIN = 1.5 + 0.5
"""Seconds: three tries, 500 ms apart, and what a busy machine adds."""

HUNG_WITHIN = 3 * 1.0 + 0.5 + 0.5
"""Three tries that wait for a second each, the first up to 500 ms after the service began to hang."""

LAG = "vipservice_loop_lag_seconds"

HANGING = """\
checks:
  - {command: [/bin/sleep, 600], name: hangs, timeout: 10m, weight: 1}
  - {command: [/bin/sh, -c, 'while :; do true & done'], name: storms, timeout: 300ms}
  - {tcp: '198.51.100.1:80', name: black hole, timeout: 10m, weight: 1}
  - {tcp: 'nobody.example.org:80', name: resolver, timeout: 10m, weight: 1}
  - {http: 'http://198.51.100.1/', name: black web, timeout: 10m, weight: 1}
  - {file: /, name: fine}
"""


@pytest.fixture(autouse=True)
def _as_it_was(pair: Cluster) -> Iterator[None]:
    yield
    pair.configure("")
    while pair.services:
        pair.services.popitem()[1].close()
    pair.wait_until_whole()


def kill_everywhere(pair: Cluster) -> str:
    """End the service on both hosts, on the owner's once the other knows of its own; who the owner is."""
    owner = active(pair)
    (other,) = set(pair.services) - {owner}
    pair.services[other].kill()
    pair.daemons[other].wait_for(lambda status: not status["groups"][0]["healthy"], 5, "unhealthy")
    pair.services[owner].kill()
    return owner


@pytest.mark.parametrize("step", [SERVICE_DIES, SERVICE_HANGS], ids=lambda step: step.event)
def test_the_address_leaves_a_service_that_does_not_answer(pair: Cluster, step: Step) -> None:
    noise = play(QUIET, pair).gap
    result = play(step, pair, noise)
    assert result.fate_held, pair.report()
    assert result.most == 1
    assert result.held or result.disturbed, f"{result}\n{pair.report()}"
    assert "the service here is not healthy" in result.reason or "handed over" in result.reason


@pytest.mark.parametrize(
    ("checks", "hangs", "within"), [(TCP_CHECK, False, DEAD_WITHIN), (HTTP_CHECK, True, HUNG_WITHIN)]
)
def test_it_takes_no_longer_than_the_documentation_says(
    pair: Cluster, checks: str, hangs: bool, within: float
) -> None:
    serve(pair, checks)
    service = pair.services[active(pair)]
    began = (service.hang() if hangs else service.kill()).began
    pair.wait_for_owner(10, other_than=pair.victim)
    assert now() - began < within, pair.report()


def test_where_no_service_answers_its_owner_keeps_the_address_and_says_so(pair: Cluster) -> None:
    serve(pair, TCP_CHECK)
    owner = kill_everywhere(pair)
    status = pair.daemons[owner].wait_for(lambda status: not status["groups"][0]["healthy"], 5, "unhealthy")
    time.sleep(1.5)
    assert pair.owner == owner
    assert "Connection refused" in status["groups"][0]["conditions"]["unhealthy"]
    assert status["groups"][0]["priority"] == 1


def test_with_release_nobody_keeps_it_and_the_first_healthy_one_takes_it_again(pair: Cluster) -> None:
    serve(pair, f"{TCP_CHECK}when_all_fail: release\n")
    owner = kill_everywhere(pair)
    pair.daemons[owner].wait_for_line(r"active -> backup: no node is healthy", 5, since=now() - 1)
    assert pair.owner is None
    other = next(name for name in pair.daemons if name != owner)
    pair.services[other].go_on()
    assert pair.wait_for_owner(5) == other


def test_a_weight_alone_moves_nothing_without_failback(pair: Cluster) -> None:
    serve(pair, TCP_CHECK.replace(":8080", ":8080\n    weight: 50"))
    owner = active(pair)
    pair.services[owner].kill()
    pair.daemons[owner].wait_for(lambda status: status["groups"][0]["priority"] == 50, 5, "a lower priority")
    time.sleep(1.0)
    assert pair.owner == owner


def test_checks_that_hang_storm_or_wait_for_a_resolver_cost_the_loop_nothing(pair: Cluster) -> None:
    pair.configure(HANGING)
    owner = active(pair)
    daemon = pair.daemons[owner]
    daemon.wait_for(lambda status: status["groups"][0]["checks"][-1]["state"] == "passing", 5)
    host = pair.lan.node(owner)
    before, began = metrics(host), now()
    time.sleep(3.0)
    after = metrics(host)
    outage = pair.pings.outage(began)
    stalls = "vipservice_stalls_total"
    assert after[stalls] == before[stalls], pair.report()
    assert pair.owner == owner
    assert outage.nothing_lost, outage
    late = _late(after) - _late(before)
    rounds = after[f"{LAG}_count"] - before[f"{LAG}_count"]
    assert late <= rounds * 0.05, f"{late} of {rounds} rounds came more than 10 ms late"


def _late(series: dict[str, float]) -> float:
    """Rounds that came more than 10 ms after their time."""
    return (
        series["vipservice_loop_lag_seconds_count"] - series['vipservice_loop_lag_seconds_bucket{le="0.01"}']
    )


def test_the_worker_has_no_power_and_ends_with_the_daemon(pair: Cluster) -> None:
    serve(pair, TCP_CHECK)
    daemon = pair.daemons[active(pair)]
    children = _children(daemon.process.pid)
    assert len(children) == 1
    status = Path(f"/proc/{children[0]}/status").read_text().splitlines()
    assert {line.split()[1] for line in status if line.startswith("Cap")} == {"0" * 16}
    assert os.sched_getscheduler(children[0]) == os.SCHED_OTHER
    daemon.kill()
    deadline = now() + 3
    while _children_alive(children) and now() < deadline:
        time.sleep(0.02)
    assert not _children_alive(children)
    pair.heal()


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _children_alive(numbers: list[int]) -> list[int]:
    alive = []
    for number in numbers:
        with contextlib.suppress(OSError):
            state = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0]
            alive += [number] if state != "Z" else []
    return alive
