"""What a real active does that hears nobody any more: lets go, or keeps the address and raises the alarm."""

from collections.abc import Iterator

import pytest

from tests.live.operate.test_failback import group_of
from vipservice.lab.clock import now, wait_until
from vipservice.lab.demo.cluster import VIP, Cluster

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

DEAF_WITHIN = 8.0
"""A lease, what was asked before it, and what a busy machine adds, seconds."""


@pytest.fixture(scope="module")
def pair() -> Iterator[Cluster]:
    """Two nodes and a gateway: two others that can answer an active."""
    with Cluster(("a", "b"), gateway=True) as cluster:
        cluster.start("a", "b")
        cluster.wait_until_whole()
        yield cluster


@pytest.mark.parametrize(("choice", "role"), [("release", "fault"), ("1s", "fault"), ("hold", "active")])
def test_an_active_that_hears_nobody_does_as_it_is_told(pair: Cluster, choice: str, role: str) -> None:
    pair.configure(f"on_isolation: {choice}\n")
    owner = pair.wait_for_owner(5)
    pair.lan.cut_upstream(owner)
    assert pair.wait_for_owner(5, other_than=owner) != owner

    def deaf() -> bool:
        return "deaf" in group_of(pair, owner)["conditions"]

    wait_until(lambda: deaf() or group_of(pair, owner)["role"] == "fault", DEAF_WITHIN, "it notices")
    if role == "fault":
        wait_until(lambda: group_of(pair, owner)["role"] == "fault", DEAF_WITHIN, "it lets go")
    assert group_of(pair, owner)["role"] == role, pair.report()
    pair.heal()
    pair.wait_until_whole()
    healed = now()
    wait_until(lambda: now() - healed > 1, 2, "time")
    owned = pair.lan.owned(VIP, healed)
    assert (owned.most, owned.moves) == (1, 0), pair.report()
