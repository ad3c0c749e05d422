"""The demo from its first start to its report."""

from collections.abc import Callable

from vipservice.lab.client import SETTLE
from vipservice.lab.clock import now
from vipservice.lab.demo.cluster import VIP, Cluster
from vipservice.lab.demo.play import Result, play
from vipservice.lab.demo.report import Report
from vipservice.lab.demo.steps import DEMO, QUIET, START, Step


def perform(cluster: Cluster, announce: Callable[[str], None]) -> Report:
    """Play every step of the demo.

    Raises:
        TimeoutError: What must happen did not.
        EventsLostError: Nothing can be said about the owners.
    """
    began = now()
    noise = 0.0
    results: list[Result] = []
    for step in DEMO:
        announce(told(step, cluster))
        results.append(play(step, cluster, noise))
        if step is QUIET:
            noise = results[-1].gap
    until = now() - SETTLE
    whole = cluster.pings.outage(began, until)
    return Report(
        interval=cluster.interval,
        results=tuple(results),
        seconds=until - began,
        owned_twice=cluster.lan.owned(VIP, began, until).several,
        sent=whole.sent,
        lost=whole.lost,
        noise=noise,
    )


def told(step: Step, cluster: Cluster) -> str:
    """What is about to be done, with the name of the node to which it is done."""
    again = step.event.startswith("...")
    name = cluster.victim if again else next(iter(cluster.daemons)) if step is START else cluster.owner
    return f"{step.event}: {step.done.format(victim=name)}"
