"""What a stretch of time did to a cluster, seen from outside: by its kernels, its client and its logs."""

from dataclasses import dataclass

from vipservice.lab.client import SETTLE
from vipservice.lab.clock import now
from vipservice.lab.demo.cluster import VIP, Cluster
from vipservice.lab.demo.reasons import role_changes

STOOD_STILL = "stood still"
"""How a daemon's sentence about a stall of its own begins."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was seen in a stretch of time. Durations in seconds."""

    since: float
    """On the lab's clock."""
    until: float
    role_changes: int
    """Nodes that entered or left active, by their logs."""
    moves: int
    """The same by the kernels: other hosts that became the only owner."""
    several: float
    """For how long the address had two owners or more."""
    none: float
    """For how long it had none: a lease that was missed ends here."""
    lost: int
    """The client's pings that were never answered."""
    gap: float
    """The longest time between two answers, less the time in which the client itself stood still."""
    pause: float
    """The longest time in which the client, a real-time process too, sent nothing."""
    stalls: int
    """How often a node said that it had stood still."""

    @property
    def calm(self) -> bool:
        """Whether nothing moved and nothing was missing, by kernels and logs."""
        return not (self.role_changes or self.moves or self.several or self.none)


def watch(cluster: Cluster, since: float, until: float | None = None) -> Stretch:
    """What was seen from a moment of the lab's clock to another; to now where that is not given.

    Raises:
        EventsLostError: Nothing can be said about the owners.
    """
    until = now() - SETTLE if until is None else until
    owned = cluster.lan.owned(VIP, since, until)
    outage = cluster.pings.outage(since, until)
    said = cluster.sentences(since, until)
    return Stretch(
        since=since,
        until=until,
        role_changes=role_changes(said),
        moves=owned.moves,
        several=owned.several,
        none=owned.none,
        lost=outage.lost,
        gap=outage.net_gap,
        pause=outage.pause,
        stalls=sum(sentence.text.startswith(STOOD_STILL) for sentence in said),
    )
