"""Which alerts a real fault raises in a real Prometheus, on the right node and no others."""

import pytest

from tests.live.prometheus.conftest import Told

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]


def firing(told: Told, event: str) -> set[tuple[str, str]]:
    """What fires, as alert and node; the instance's address is put back into the node's name."""
    cluster = told.story.cluster
    names = {str(cluster.lan.address_of(name)): f"node-{name}" for name in cluster.daemons}
    return {
        (alert.name, names.get(alert.labels.get("instance", "").split(":")[0], ""))
        for alert in told.moments[event].firing
    }


def test_nothing_fires_when_all_is_well_or_the_address_is_handed_over(told: Told) -> None:
    assert firing(told, "start") == set()
    assert firing(told, "handover") == set()


def test_a_dead_host_is_named_and_so_is_what_a_stranger_sends(told: Told) -> None:
    dead = told.moments["handover"].owner
    expected = {("VipserviceAdvertsRejected", node) for node in told.moments["death"].alive}
    assert firing(told, "death") == {("VipserviceNodeDown", dead), *expected}


def test_a_host_that_came_back_had_ended_without_goodbye(told: Told) -> None:
    dead = told.moments["handover"].owner
    assert ("VipserviceWatchdogRestarts", dead) in firing(told, "return")
    assert ("VipserviceNodeDown", dead) not in firing(told, "return")


def test_blocked_adverts_are_told_by_those_who_miss_them(told: Told) -> None:
    owner = told.moments["adverts blocked"].owner
    silent = {node for name, node in firing(told, "adverts blocked") if name == "VipserviceHeldBySilentPeer"}
    assert silent
    assert owner not in silent
    assert "VipserviceHeldBySilentPeer" not in {name for name, _ in firing(told, "adverts restored")}


def test_at_no_moment_there_are_two_owners_or_none(told: Told) -> None:
    fired = {alert.name for moment in told.moments.values() for alert in moment.firing}
    assert not fired & {"VipserviceTwoOwners", "VipserviceTwoOwnersMet", "VipserviceNoOwner"}
