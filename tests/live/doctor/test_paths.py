"""Adverts are blocked by real packet filters, and the doctor names path, direction and place."""

import pytest

from tests.live.doctor.conftest import Visit
from vipservice.lab.demo.cluster import VIP, Cluster
from vipservice.lab.faults import HOST_TABLE, NFT

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]

MULTICAST, UNICAST = "ip daddr 224.0.0.254 udp dport 61111", "ip daddr 10.99.0.0/24 udp dport 61111"
CLOSED = "table inet filter {\nchain input {\ntype filter hook input priority 0; policy drop;\n}\n}\n"
GONE = "delete table inet filter\n"


def block(cluster: Cluster, node: str, hook: str, match: str) -> None:
    """A rule in the table that `heal` takes away."""
    chain = f"type filter hook {hook} priority -10;\n{match} drop"
    cluster.lan.node(node).run(NFT, stdin=f"table {HOST_TABLE} {{\nchain {hook} {{\n{chain}\n}}\n}}\n")


def test_a_whole_cluster_is_well_and_the_visit_moves_nothing(healed: Cluster, visit: Visit) -> None:
    since = healed.lan.ownership.course(VIP)[-1]
    for node in ("a", "b"):
        report = visit(healed.lan.node(node))
        assert not report.trouble(), report.told()
        well = report.of("paths", "ok")["what"]
        assert well.endswith("heard by multicast, unicast, hears us by multicast, unicast")
        report.of("interface", "ok")
        report.of("group_id", "ok")
    assert healed.lan.ownership.course(VIP)[-1] == since


@pytest.mark.parametrize(
    ("match", "dead", "left"),
    [(MULTICAST, "multicast", "unicast and raw"), (UNICAST, "unicast", "multicast and raw")],
)
def test_one_path_blocked_on_the_way_in_is_named_from_both_ends(
    healed: Cluster, visit: Visit, match: str, dead: str, left: str
) -> None:
    block(healed, "b", "input", match)
    there = visit(healed.lan.node("b")).of("paths", "warning")
    assert there["what"] == f"{dead} adverts do not pass from node-a to this node; {left} does"
    assert there["why"].startswith("they arrive at eth0, and this host's firewall drops them")
    here = visit(healed.lan.node("a")).of("paths", "warning")
    assert here["what"] == f"{dead} adverts do not pass from this node to node-b; {left} does"
    assert here["why"].startswith("they leave eth0")
    assert "node-b (incoming)" in here["do"]


def test_what_never_leaves_this_host_is_this_hosts_doing(healed: Cluster, visit: Visit) -> None:
    block(healed, "a", "output", MULTICAST)
    here = visit(healed.lan.node("a")).of("paths", "warning")
    assert here["what"].startswith("multicast adverts do not pass from this node to node-b")
    assert here["why"].startswith("they do not leave eth0: this host's firewall drops them")
    there = visit(healed.lan.node("b")).of("paths", "warning")
    assert there["why"].startswith("they do not arrive at eth0")
    assert "node-a (outgoing)" in there["do"]


def test_the_rules_for_nft_open_a_firewall_that_drops_everything(healed: Cluster, visit: Visit) -> None:
    host = healed.lan.node("b")
    host.run(NFT, stdin=CLOSED)
    try:
        found = visit(host).of("paths", "error")
        assert found["what"] == "multicast and unicast adverts do not pass from node-a to this node; raw does"
        for line in found["snippet"]:
            if line.startswith("nft "):
                host.run(tuple(line.split()))
        well = visit(host).of("paths", "ok")["what"]
        assert well.startswith("node-a (10.99.0.11): heard by multicast, unicast")
    finally:
        host.run(NFT, stdin=GONE)


def test_a_node_that_is_gone_is_told_from_one_whose_daemon_is(healed: Cluster, visit: Visit) -> None:
    healed.daemons["b"].stop()
    stopped = visit(healed.lan.node("a")).of("paths", "warning")
    assert "its host answers ARP, so its daemon does not run" in stopped["why"]
    healed.lan.cut("b")
    gone = visit(healed.lan.node("a")).of("paths", "warning")
    assert "its host does not answer ARP either" in gone["why"]
    assert gone["snippet"] == ["vipservice forget node-b"]


def test_without_a_daemon_it_listens_itself_and_sees_the_firewall_too(healed: Cluster, visit: Visit) -> None:
    healed.daemons["b"].stop()
    host = healed.lan.node("b")
    report = visit(host, "1500ms")
    assert not report.trouble(), report.told()
    assert report.of("paths", "ok")["what"] == "node-a (10.99.0.11): heard by multicast"
    assert report.of("address", "ok")["what"] == f"{VIP} is on node-a"
    report.of("daemon", "info")
    block(healed, "b", "input", MULTICAST)
    blocked = visit(host, "1500ms").of("paths", "error")
    assert blocked["what"] == "multicast adverts do not pass from node-a to this node; raw does"
    assert blocked["why"].startswith("they arrive at eth0, and this host's firewall drops them")
