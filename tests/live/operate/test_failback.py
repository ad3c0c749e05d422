"""A better node comes back: it stays a standby, has the address again after a while, or is held back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.live.operate.test_maintenance import order
from vipservice.lab.clock import now, wait_until
from vipservice.lab.daemons import Status
from vipservice.lab.demo.cluster import VIP, Cluster

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

BETTER, OTHER = "a", "b"


@contextmanager
def unequal(failback: str) -> Iterator[Cluster]:
    """Two nodes, of which one has the higher priority and the address, and a client."""
    with Cluster((BETTER, OTHER), gateway=True) as cluster:
        for name, daemon in cluster.daemons.items():
            priority = 200 if name == BETTER else 100
            own = f"  priority: {priority}\n  failback: {failback}\n"
            daemon.write_config(cluster.configuration(daemon.host.name, own))
        cluster.start(BETTER)
        cluster.wait_for_owner(10)
        cluster.start(OTHER)
        cluster.wait_until_whole()
        assert cluster.owner == BETTER
        yield cluster


def away(cluster: Cluster) -> None:
    """An operator gives the address to the other."""
    code, _, errors = order(cluster, BETTER, "handover", "--to", f"node-{OTHER}", "--wait", "10s")
    assert code == 0, errors + cluster.report()
    wait_until(lambda: cluster.owner == OTHER, 5, "the other has it")


def group_of(cluster: Cluster, name: str) -> Status:
    """The one group of a node's status."""
    group: Status
    (group,) = cluster.daemons[name].status()["groups"]
    return group


def test_without_failback_a_better_node_stays_a_standby() -> None:
    with unequal("never") as pair:
        away(pair)
        began = now()
        time.sleep(2)
        assert pair.lan.owned(VIP, began).moves == 0
        assert pair.owner == OTHER, pair.report()


def test_after_its_duration_a_better_node_has_it_again_and_said_when() -> None:
    with unequal("3s") as pair:
        away(pair)
        began = now()
        wait_until(lambda: group_of(pair, BETTER)["failback_in"] is not None, 2, "it says when")
        _, shown, _ = order(pair, BETTER, "status")
        assert "would fail back in" in shown
        wait_until(lambda: pair.owner == BETTER, 6, "it has it again")
        took = now() - began
        assert 2.5 < took < 4, pair.report()
        time.sleep(0.5)
        owned = pair.lan.owned(VIP, began)
        assert (owned.most, owned.moves) == (1, 1), owned
        assert pair.pings.outage(began).net_gap < 0.05, pair.report()


def test_too_many_moves_hold_a_better_node_back_and_the_address_stays_where_it_is() -> None:
    with unequal("300ms") as pair:
        for _ in range(6):
            began = now()
            away(pair)
            time.sleep(1)
            if pair.owner == OTHER:
                break
        assert pair.owner == OTHER, f"never held back\n{pair.report()}"
        assert group_of(pair, OTHER)["held_back_for"] > 0
        _, shown, _ = order(pair, OTHER, "status")
        assert "held back: " in shown
        owned = pair.lan.owned(VIP, began)
        assert owned.most == 1
        assert pair.pings.outage(began).net_gap < 0.05, pair.report()
