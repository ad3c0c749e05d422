"""Operators and real daemons: maintenance, a rolling update, handovers that are refused or waited for."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.live.daemon.test_service import VIPSERVICE, command
from tests.unit.documents.samples import samples
from vipservice.lab.clock import now, wait_until
from vipservice.lab.daemons import CONTROL, Status
from vipservice.lab.demo.cluster import VIP, Cluster

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

ALLOWED = 0.010
"""What a rolling update of three nodes may cost a client in all, seconds; beyond the machine's own noise."""

READY_WITHIN = 10.0


@pytest.fixture(scope="module")
def trio() -> Iterator[Cluster]:
    """Three nodes, and a client that asks for the address every millisecond."""
    with Cluster(("a", "b", "c"), gateway=True) as cluster:
        cluster.start("a", "b", "c")
        cluster.wait_until_whole()
        yield cluster


def order(cluster: Cluster, node: str, *words: str) -> tuple[int, str, str]:
    """Run a command of vipservice on a node."""
    return command(cluster.lan.node(node), *words, "--socket", str(CONTROL))


def restart(cluster: Cluster, node: str) -> None:
    """`systemctl restart vipservice`."""
    cluster.daemons[node].stop()
    cluster.daemons[node].start()
    cluster.daemons[node].wait_ready(READY_WITHIN)


def steps() -> list[list[str]]:
    """What the guide says is done to each node."""
    guide = next(one for one in samples("console") if one.page == "docs/guides/rolling-update.md")
    said = [line.split() for line in guide.text.splitlines()]
    assert [words[:2] for words in said[1:2]] == [["systemctl", "restart"]]
    return said


def others(cluster: Cluster, *names: str) -> list[str]:
    return sorted(set(cluster.daemons) - set(names))


@pytest.mark.quiet
def test_a_rolling_update_of_three_nodes_costs_clients_next_to_nothing(trio: Cluster) -> None:
    since, handovers, cost = now(), 0, 0.0
    for node in sorted(trio.daemons):
        before, began = trio.wait_for_owner(5), now()
        for program, *step in steps():
            if program == "systemctl":
                restart(trio, node)
                assert trio.daemons[node].status()["groups"][0]["maintenance"]
                continue
            code, _, errors = order(trio, node, *step)
            assert code == 0, errors + trio.report()
        moved = trio.wait_for_owner(5) != before
        handovers += moved
        if moved:  # where nothing moved, a gap is the machine's own
            cost += trio.pings.outage(began).net_gap
    owned = trio.lan.owned(VIP, since, now())
    assert owned.most == 1, trio.report()
    assert 1 <= handovers <= 3
    assert cost < ALLOWED, f"{1000 * cost:.1f} ms for {handovers} handovers\n{trio.report()}"


def test_the_last_node_warns_and_serves_on_until_another_is_back(trio: Cluster) -> None:
    owner = trio.wait_for_owner(5)
    first, second = others(trio, owner)
    for standby in (first, second):
        code, _, _ = order(trio, standby, "maintenance", "on")
        assert code == 0
    trio.daemons[owner].wait_for(_all_in_maintenance, 5, "the others are in maintenance")
    code, _, errors = order(trio, owner, "maintenance", "on", "--wait", "500ms")
    assert code == 75
    assert "the last node" in errors
    assert f"node-{first} is in maintenance" in errors
    assert trio.owner == owner
    assert order(trio, first, "maintenance", "off")[0] == 0
    assert trio.wait_for_owner(5, other_than=owner) == first
    for name in (owner, second):
        assert order(trio, name, "maintenance", "off", "--wait")[0] == 0
    assert trio.wait_for_owner(5) == first, "the end of maintenance moves nothing by itself"


def test_a_handover_is_refused_with_the_reason_and_waits_where_it_may(trio: Cluster) -> None:
    owner = trio.wait_for_owner(5)
    heir = others(trio, owner)[0]
    assert order(trio, heir, "maintenance", "on")[0] == 0
    trio.daemons[owner].wait_for(lambda status: _unfit(status, heir) is not None, 5, "it is heard")
    code, _, errors = order(trio, owner, "handover", "--to", f"node-{heir}")
    assert (code, f"node-{heir} is in maintenance" in errors) == (69, True)
    waiting = trio.lan.node(owner).spawn(
        (*VIPSERVICE, "handover", "--to", f"node-{heir}", "--wait", "20s"), stdout=subprocess.PIPE
    )
    assert order(trio, heir, "maintenance", "off")[0] == 0
    output, _ = waiting.communicate(timeout=30)
    assert (waiting.returncode, output.decode().strip()) == (0, f"node-{heir} is active")
    wait_until(lambda: trio.owner == heir, 5, "the heir owns it")


def _all_in_maintenance(status: Status) -> bool:
    (group,) = status["groups"]
    return all(node["unfit_because"] == "is in maintenance" for node in group["nodes"])


def _unfit(status: Status, name: str) -> object:
    (group,) = status["groups"]
    return next(node["unfit_because"] for node in group["nodes"] if node["name"] == f"node-{name}")
