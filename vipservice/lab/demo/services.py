"""Incidents of the service behind the address: it dies, or hangs, and the node is fine."""

from vipservice.lab.daemons import Status
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.demo.steps import PLANNED, Fate, Step, active
from vipservice.lab.service import PORT, Service

TCP_CHECK = f"checks:\n  - tcp: 127.0.0.1:{PORT}\n"
HTTP_CHECK = f"checks:\n  - http: http://127.0.0.1:{PORT}/\n"
"""With every default: the first sees a dead service, the second a hung one too."""

HEALTHY_WITHIN = 10.0


def serve(cluster: Cluster, checks: str) -> None:
    """Let each node have a service and check it; returns when all are found well."""
    cluster.services = {name: Service(daemon.host) for name, daemon in cluster.daemons.items()}
    cluster.configure(checks)
    for daemon in cluster.daemons.values():
        daemon.wait_for(_passing, HEALTHY_WITHIN, "checks that pass")


def _passing(status: Status) -> bool:
    checks = [check for group in status["groups"] for check in group["checks"]]
    return bool(checks) and all(check["state"] == "passing" for check in checks)


def _dies(cluster: Cluster) -> None:
    serve(cluster, TCP_CHECK)
    cluster.services[active(cluster)].kill()


def _hangs(cluster: Cluster) -> None:
    serve(cluster, HTTP_CHECK)
    cluster.services[active(cluster)].hang()


def _unwatched(cluster: Cluster) -> None:
    """As it was: no checks, no services."""
    cluster.configure("")
    while cluster.services:
        cluster.services.popitem()[1].close()


SERVICE_DIES = Step(
    "service dies (TCP check)",
    "kill -9 of the service on node {victim}, which a TCP check asks with its defaults",
    _dies,
    1.0,
    Fate.MOVES,
    bar=PLANNED,
    mend=_unwatched,
)
SERVICE_HANGS = Step(
    "service hangs (HTTP check)",
    "kill -STOP of the service on node {victim}, which an HTTP check asks with its defaults",
    _hangs,
    1.0,
    Fate.MOVES,
    bar=PLANNED,
    mend=_unwatched,
)
