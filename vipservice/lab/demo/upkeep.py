"""Incidents that people and other programs mean well: maintenance, a new key, a renewed address."""

from functools import partial

from vipservice.lab.daemons import Status
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.demo.steps import PLANNED, Fate, Step, active
from vipservice.lab.hosts import INTERFACE, Host

RENEWED_FOR = ("600", "300", "600")
"""Lifetimes that a DHCP server grants one after the other, seconds."""

HEARD_WITHIN = 10.0


def _maintenance_on(cluster: Cluster) -> None:
    _ask_maintenance(cluster, active(cluster), True)


def _maintenance_off(cluster: Cluster) -> None:
    _ask_maintenance(cluster, cluster.victim, False)
    cluster.wait_until_whole()


def _ask_maintenance(cluster: Cluster, name: str, on: bool) -> None:
    answer = cluster.daemons[name].ask({"command": "maintenance", "on": on})
    if not answer.get("ok"):
        raise TimeoutError(f"{name}: no maintenance: {answer}")


def _rotate_key(cluster: Cluster) -> None:
    """What the README says: the new key second everywhere, then first, then alone."""
    active(cluster)
    key = cluster.rotate_key()
    # Nodes that no longer believed each other would stop living, a little later.
    others = len(cluster.daemons) - 1
    for daemon in cluster.daemons.values():
        daemon.wait_for(partial(_signs_with, key=key, others=others), HEARD_WITHIN, f"key {key}")


def _signs_with(status: Status, *, key: int, others: int) -> bool:
    living = sum(peer["living"] for peer in status["peers"])
    return bool(status["key_ids"] == [key]) and living == others


def _renew(cluster: Cluster) -> None:
    """What a DHCP client does: the same address again, with the lifetime that was granted."""
    host = cluster.lan.node(active(cluster))
    for seconds in RENEWED_FOR:
        _grant(host, seconds)


def _keep_for_good(cluster: Cluster) -> None:
    _grant(cluster.lan.node(cluster.victim), "forever")


def _grant(host: Host, seconds: str) -> None:
    lifetime = ("valid_lft", seconds, "preferred_lft", seconds)
    host.run(("ip", "address", "change", str(host.plan.address), "dev", INTERFACE, *lifetime))


MAINTENANCE = Step(
    "maintenance on",
    "vipservice maintenance on on node {victim}",
    _maintenance_on,
    1.0,
    Fate.MOVES,
    bar=PLANNED,
    mend=_maintenance_off,
)
KEY_ROTATED = Step(
    "key rotation",
    "a new key on every node, second, then first, then alone, each by a reload",
    _rotate_key,
    2.0,
    Fate.STAYS,
    bar=0.0,
)
ADDRESS_RENEWED = Step(
    "DHCP renews the host address",
    "ip address change of the own address of node {victim}, with another lifetime",
    _renew,
    1.0,
    Fate.STAYS,
    bar=0.0,
    mend=_keep_for_good,
)
