"""Whatever is done to the interface under a node, it mends itself or waits, says so, and needs no restart."""

import time
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from vipservice.lab.clock import now, wait_until
from vipservice.lab.daemons import Status
from vipservice.lab.demo.cluster import VIP, Cluster
from vipservice.lab.hosts import INTERFACE, Host

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

NAMED = f"  interface: {INTERFACE}\n"

FLAP = 0.03
"""Seconds: less than an advert interval."""


def ip(host: Host, *arguments: str) -> None:
    host.run(("ip", *arguments))


def configure_again(host: Host, address: str) -> None:
    ip(host, "address", "add", address, "broadcast", "+", "dev", INTERFACE)
    ip(host, "route", "replace", "default", "via", str(host.plan.gateway))


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Two nodes whose configuration names the interface; a has the address."""
    with Cluster(("a", "b"), gateway=True) as made:
        for daemon in made.daemons.values():
            daemon.write_config(made.configuration(daemon.host.name, NAMED))
        made.start("a")
        made.wait_for_owner(10)
        made.start("b")
        made.wait_until_whole()
        yield made


def group_of(status: Status) -> Status:
    group: Status = status["groups"][0]
    return group


def wait_for_role(cluster: Cluster, name: str, role: str) -> Status:
    return group_of(cluster.daemons[name].wait_for(lambda status: group_of(status)["role"] == role, 10, role))


def turns(cluster: Cluster, since: float) -> list[str]:
    """Who changed its role, and why; of the start the log may tell a little late."""
    said = cluster.sentences(since, now())
    return [f"{one.node} {one.text}" for one in said if one.turn is not None and one.turn[0] != "initialize"]


def never_two(cluster: Cluster, since: float) -> bool:
    return cluster.lan.owned(VIP, since).most == 1


def processes(cluster: Cluster) -> list[int]:
    return [daemon.process.pid for daemon in cluster.daemons.values() if daemon.running]


def test_who_flushes_all_addresses_and_configures_them_anew_finds_ours_there_again(cluster: Cluster) -> None:
    began, host = now(), cluster.lan.node("a")
    ip(host, "address", "flush", "dev", INTERFACE)
    configure_again(host, str(host.plan.address))
    time.sleep(0.5)
    assert cluster.owner == "a", cluster.report()
    assert cluster.pings.outage(began).net_gap < 0.1
    assert turns(cluster, began) == []


def test_a_new_address_of_the_host_moves_nothing_and_the_others_hear_it_there(cluster: Cluster) -> None:
    """As a DHCP client does that got another address: the old one goes, the new one comes."""
    began, host = now(), cluster.lan.node("a")
    ip(host, "address", "del", str(host.plan.address), "dev", INTERFACE)
    configure_again(host, "10.99.0.61/24")

    def heard_there(status: Status) -> bool:
        return [(peer["address"], peer["living"]) for peer in status["peers"]] == [("10.99.0.61", True)]

    cluster.daemons["b"].wait_for(heard_there, 10, "heard at its new address")
    time.sleep(0.5)
    assert cluster.pings.outage(began).net_gap < 0.1  # the host had no way back meanwhile
    assert turns(cluster, began) == []
    assert never_two(cluster, began)


def test_a_renewed_address_of_the_host_is_no_event(cluster: Cluster) -> None:
    """As a DHCP client does every few minutes: the same address with a new lifetime."""
    began, host = now(), cluster.lan.node("a")
    for seconds in ("600", "300", "600"):
        address = str(host.plan.address)
        ip(
            host,
            "address",
            "change",
            address,
            "dev",
            INTERFACE,
            "valid_lft",
            seconds,
            "preferred_lft",
            seconds,
        )
    time.sleep(0.5)
    assert cluster.pings.outage(began).nothing_lost
    assert turns(cluster, began) == []


def test_another_default_gateway_is_noticed_and_moves_nothing(cluster: Cluster) -> None:
    began, host = now(), cluster.lan.node("a")
    ip(host, "route", "replace", "default", "via", str(cluster.lan.address_of("client")))

    def asked(status: Status) -> bool:
        pinged = {one["address"] for one in group_of(status)["round_trips"] if one["kind"] == "gateway"}
        return str(cluster.lan.address_of("client")) in pinged

    cluster.daemons["a"].wait_for(asked, 10, "the new gateway is asked")
    assert turns(cluster, began) == []
    assert cluster.pings.outage(began).nothing_lost


def test_an_interface_that_is_renamed_costs_a_failover_and_serves_again_under_its_name(
    cluster: Cluster,
) -> None:
    began, host, before = now(), cluster.lan.node("a"), processes(cluster)
    for order in (("set", INTERFACE, "down"), ("set", INTERFACE, "name", "lan9"), ("set", "lan9", "up")):
        ip(host, "link", *order)
    assert cluster.wait_for_owner(5, other_than="a") == "b"
    status = cluster.daemons["a"].wait_for(lambda one: bool(one["waiting"]), 5, "says what it waits for")
    assert status["waiting"] == [f"there is no interface {INTERFACE}"]
    assert VIP not in host.kernel.addresses()
    for order in (("set", "lan9", "down"), ("set", "lan9", "name", INTERFACE), ("set", INTERFACE, "up")):
        ip(host, "link", *order)
    wait_for_role(cluster, "a", "backup")
    assert cluster.owner == "b"
    assert processes(cluster) == before
    assert never_two(cluster, began)


def test_a_card_that_is_pulled_and_put_back_is_used_again(cluster: Cluster) -> None:
    before = processes(cluster)
    began = cluster.lan.pull_card("a").began
    assert cluster.wait_for_owner(5, other_than="a") == "b"
    wait_for_role(cluster, "a", "fault")
    cluster.lan.insert_card("a")
    wait_for_role(cluster, "a", "backup")
    cluster.wait_until_whole()
    assert cluster.owner == "b"
    assert processes(cluster) == before
    assert never_two(cluster, began)
    cluster.daemons["b"].stop()
    assert cluster.wait_for_owner(5) == "a"


def test_an_interface_that_is_missing_at_the_start_is_waited_for() -> None:
    with Cluster(("a", "b"), gateway=True) as cluster:
        cluster.lan.pull_card("a")
        daemon = cluster.daemons["a"]
        daemon.write_config(cluster.configuration(daemon.host.name, NAMED))
        cluster.start("a")
        status = daemon.status()
        assert not any(group["serving"] for group in status["groups"])
        assert f"floating_ip.interface: found '{INTERFACE}', which does not exist" in status["waiting"][0]
        cluster.lan.insert_card("a")
        assert cluster.wait_for_owner(10) == "a"


def test_a_carrier_that_flaps_moves_nothing(cluster: Cluster) -> None:
    began = now()
    for _ in range(10):
        cluster.lan.cut("a")
        time.sleep(FLAP)
        cluster.lan.heal("a")
        time.sleep(0.2)
    cluster.pings.wait_for_answer(2)
    assert cluster.owner == "a"
    assert turns(cluster, began) == []
    assert never_two(cluster, began)


def test_who_deletes_the_address_again_and_again_gets_it_moved_and_an_alarm(cluster: Cluster) -> None:
    """Another address manager at work: five repairs a minute, and then where it does not reach."""
    began = now()
    deadline = began + 20
    while cluster.owner == "a":
        assert now() < deadline, cluster.report()
        if VIP in cluster.lan.node("a").kernel.addresses():
            cluster.lan.delete_address("a", VIP)
        time.sleep(0.3)
    assert cluster.wait_for_owner(2) == "b"
    wait_for_role(cluster, "a", "fault")
    assert any(turn.endswith(": somebody keeps removing the address here") for turn in turns(cluster, began))
    assert never_two(cluster, began)


def test_a_lifetime_without_end_that_somebody_gives_ours_is_ended_with_the_next_renewal(
    cluster: Cluster,
) -> None:
    began, host = now(), cluster.lan.node("a")
    ip(
        host,
        "address",
        "change",
        f"{VIP}/32",
        "dev",
        INTERFACE,
        "valid_lft",
        "forever",
        "preferred_lft",
        "forever",
    )

    def leased() -> bool:
        shown = host.run(("ip", "-o", "address", "show", "to", f"{VIP}/32"))
        return "forever" not in shown and str(VIP) in shown

    wait_until(leased, 3, "the lease is back")
    assert turns(cluster, began) == []
    assert cluster.pings.outage(began).nothing_lost


def test_an_address_put_on_a_backup_by_hand_is_an_alarm_there_and_never_a_second_owner_of_ours(
    cluster: Cluster,
) -> None:
    began = now()
    cluster.lan.add_address("b", IPv4Address(VIP))

    told = wait_for_role(cluster, "b", "fault")
    assert told["detail"].startswith(f"{VIP} is on this host already and not by us")
    cluster.lan.delete_address("b", VIP)
    wait_for_role(cluster, "b", "backup")
    wait_until(lambda: cluster.owner == "a", 2, "a has it")
    assert not any(" -> active" in turn for turn in turns(cluster, began))
