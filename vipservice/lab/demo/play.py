"""Plays an incident and says what came of it: the client's gap, the kernels' owners, the nodes' reason."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from vipservice.lab.client import PAUSE, PERIOD, SETTLE
from vipservice.lab.clock import now
from vipservice.lab.demo.cluster import VIP, Cluster, Sentence
from vipservice.lab.demo.reasons import reason, role_changes
from vipservice.lab.demo.steps import Fate, Step

RESOLUTION = 2 * PERIOD
"""What the client can tell apart, seconds: a ping before and a ping after."""

ANSWERED_WITHIN = 0.1
"""A client that was answered so lately is being answered, seconds."""

MOVE_WITHIN = 10.0
"""More than the lease and the kernel's delay in ending it, seconds."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an incident. Durations in seconds."""

    event: str
    victim: str
    began: float
    """On the lab's clock."""
    ended: float
    gap: float
    """The longest time between two answers, less the time in which the client itself stood still."""
    raw_gap: float
    """The same with the client's own pauses in it."""
    sent: int
    lost: int
    most: int
    """The greatest number of owners at once, among kernels between which frames could pass."""
    several: float
    """For how long there was more than one."""
    owner: str | None
    """At the end."""
    moves: int
    role_changes: int
    """Nodes that entered or left active, but for an address of one's own earlier life."""
    reason: str
    """The sentence that the nodes gave."""
    bar: float | None
    noise: float
    fate_held: bool
    owners_left: int = 1
    """How many owned it at the end."""
    gap_over: bool = True
    """Whether that gap had an end in the watch."""
    disturbed: bool = False
    """The machine stood still: the client for longer than `PAUSE`, or a daemon that nobody had stopped."""

    @property
    def allowed(self) -> float | None:
        """The bar and what this machine does with nothing happening: the one rule for every tolerance.

        A bar of zero needs none: a ping was lost or it was not.
        """
        return None if self.bar is None else self.bar + (max(self.noise, RESOLUTION) if self.bar else 0.0)

    @property
    def held(self) -> bool | None:
        """Whether the bar was held; None where there is none."""
        if self.allowed is None:
            return None
        within = self.gap <= self.allowed if self.bar else self.lost == 0
        return within and self.fate_held


def play(step: Step, cluster: Cluster, noise: float = 0.0, patience: float = 0.0) -> Result:
    """Let it happen, watch, measure.

    Args:
        step: The incident.
        cluster: To whom.
        noise: The longest gap with nothing happening in the same run, seconds.
        patience: How long an outage that the watch would cut short is watched on, seconds.

    Raises:
        TimeoutError: What must happen did not.
        EventsLostError: Nothing can be said about the owners.
    """
    before = cluster.owner
    began = now()
    step.do(cluster)
    if step.fate is Fate.MOVES:
        cluster.wait_for_owner(MOVE_WITHIN, other_than=before)
    time.sleep(max(step.seconds, began + step.lasts - now()) + SETTLE)
    outlast(cluster, patience)
    result = measure(step, cluster, began, before, noise)
    if step.mend is not None:
        step.mend(cluster)
    return result


def outlast(cluster: Cluster, patience: float) -> None:
    """Wait until the client is answered, at most for `patience` seconds."""
    deadline = now() + patience
    while now() < deadline and cluster.pings.first_answer(now() - ANSWERED_WITHIN) is None:
        time.sleep(ANSWERED_WITHIN)


def measure(step: Step, cluster: Cluster, began: float, before: str | None, noise: float) -> Result:
    """What was seen from `began` until now, when `before` owned the address."""
    until = now() - SETTLE
    outage = cluster.pings.outage(began, until)
    owned = cluster.lan.owned(VIP, began, until)
    said = cluster.sentences(began, until)
    changes = role_changes(said)
    owner = min(owned.final, default=None)
    return Result(
        event=step.event,
        victim=cluster.victim,
        began=began,
        ended=until,
        gap=outage.net_gap,
        raw_gap=outage.longest_gap,
        sent=outage.sent,
        lost=outage.lost,
        most=owned.most,
        several=owned.several,
        owner=owner,
        moves=owned.moves,
        role_changes=changes,
        reason=reason(said, owner),
        bar=step.bar_at(cluster.interval),
        noise=noise,
        fate_held=_fate_held(step.fate, before, owner, owned.moves, changes),
        gap_over=outage.ended < until,
        owners_left=len(owned.final),
        disturbed=outage.longest_gap - outage.net_gap > PAUSE or _stood_still(said, cluster.victim),
    )


def _stood_still(said: Sequence[Sentence], stopped: str) -> bool:
    """Whether a daemon that was not `stopped` on purpose says that it stood still."""
    return any(one.node != stopped and one.text.startswith("stood still") for one in said)


def _fate_held(fate: Fate, before: str | None, owner: str | None, moves: int, changes: int) -> bool:
    match fate:
        case Fate.MOVES:
            return moves == 1 and owner not in {None, before}
        case Fate.STAYS:
            return moves == 0 and owner == before and changes == 0
        case Fate.KEEPS:
            return moves == 0 and owner == before
        case Fate.FREE:
            return owner is not None
