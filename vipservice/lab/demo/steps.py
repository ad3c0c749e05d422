"""The incidents, one declarative table: event, what is done, how long it is watched, and the bar.

`vipservice demo` plays those of `DEMO`; the live tests play all of them and take medians.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from vipservice.lab.demo.cluster import VIP, Cluster

Done = Callable[[Cluster], None]


class Fate(Enum):
    """What must become of the address."""

    MOVES = "another node takes it"
    STAYS = "its owner keeps it, and nobody enters or leaves active"
    KEEPS = "its owner has it at the end, and nobody else had it"
    FREE = "not asked"


@dataclass(frozen=True, slots=True)
class Step:
    """One incident."""

    event: str
    done: str
    """What is done, for people. `{victim}` is the node to which it is done."""
    do: Done
    seconds: float
    """How long it is watched; of what moves the address: from the move on."""
    fate: Fate
    bar: float | Mapping[str, float] | None = None
    """The longest gap allowed, seconds; by interval where it depends on that. Zero: not a ping lost."""
    lasts: float = 0.0
    """It is watched at least so long from its begin on, seconds."""
    mend: Done | None = None
    """What is done after the watch, before the next incident."""

    def bar_at(self, interval: str) -> float | None:
        """The bar at an advert interval; None where there is none."""
        return self.bar.get(interval) if isinstance(self.bar, Mapping) else self.bar


HOST_DEATH = {"100ms": 0.300, "10ms": 0.030, "5ms": 0.017, "2ms": 0.010}
LEASE_END = 0.025
PLANNED = 0.003
HANG = 8.0
"""Longer than the lease (3 s) and the kernel's delay in ending it (up to 2 s) together."""


def active(cluster: Cluster) -> str:
    """Remember the owner as the victim of what comes."""
    cluster.victim = cluster.wait_for_owner(5)
    return cluster.victim


def _nothing(_cluster: Cluster) -> None:
    pass


def _start_first(cluster: Cluster) -> None:
    cluster.victim = next(iter(cluster.daemons))
    cluster.daemons[cluster.victim].start()
    cluster.wait_for_owner(10)


def _start_others(cluster: Cluster) -> None:
    cluster.start(*(name for name, daemon in cluster.daemons.items() if not daemon.running))
    cluster.wait_until_whole()


def _hand_over(cluster: Cluster) -> None:
    cluster.daemons[active(cluster)].ask({"command": "handover"})


def _stop(cluster: Cluster) -> None:
    cluster.daemons[active(cluster)].stop()


def _kill(cluster: Cluster) -> None:
    cluster.daemons[active(cluster)].kill()


def _kill_and_restart(cluster: Cluster) -> None:
    _kill(cluster)
    start_victim(cluster)


def start_victim(cluster: Cluster) -> None:
    """Start the victim's daemon again and wait until all stand."""
    cluster.start(cluster.victim)
    cluster.wait_until_whole()


def _hang(cluster: Cluster) -> None:
    cluster.daemons[active(cluster)].hang()


def _resume(cluster: Cluster) -> None:
    cluster.daemons[cluster.victim].resume()


def _block(cluster: Cluster) -> None:
    cluster.lan.drop_adverts(active(cluster), raw=True)


def _restore(cluster: Cluster) -> None:
    cluster.lan.restore_adverts(cluster.victim)


def _die(cluster: Cluster) -> None:
    cluster.power_off(active(cluster))


def _return(cluster: Cluster) -> None:
    cluster.power_on(cluster.victim)
    cluster.wait_until_whole()


def _cut(cluster: Cluster) -> None:
    cluster.lan.cut(active(cluster))


def _cut_upstream(cluster: Cluster) -> None:
    cluster.lan.cut_upstream(active(cluster))


def _heal(cluster: Cluster) -> None:
    cluster.lan.heal(cluster.victim)


def _delete(cluster: Cluster) -> None:
    cluster.lan.delete_address(active(cluster), VIP)


def _upgrade(cluster: Cluster) -> None:
    cluster.upgrade(active(cluster))


def _reload(cluster: Cluster) -> None:
    cluster.change_configuration(active(cluster))


QUIET = Step("nothing happens", "nothing: what this machine does by itself", _nothing, 2.0, Fate.STAYS)
START = Step(
    "start on a lone host", "starting vipservice on node {victim}", _start_first, 0.3, Fate.FREE, bar=0.800
)
OTHERS_START = Step("two more nodes start", "starting the others", _start_others, 0.5, Fate.STAYS, bar=0.0)
HANDOVER = Step("handover", "vipservice handover on node {victim}", _hand_over, 1.5, Fate.MOVES, bar=PLANNED)
STOP = Step(
    "stop (SIGTERM)",
    "systemctl stop on node {victim}",
    _stop,
    1.0,
    Fate.MOVES,
    bar=PLANNED,
    mend=start_victim,
)
RESTARTED = Step(
    "kill -9, restarted at once",
    "kill -9 of the daemon on node {victim}, which its service manager starts again",
    _kill_and_restart,
    1.0,
    Fate.STAYS,
    bar=0.0,
)
KILLED = Step(
    "kill -9, not restarted",
    "kill -9 of the daemon on node {victim}, and nobody starts it again",
    _kill,
    1.0,
    Fate.MOVES,
    bar=LEASE_END,
    mend=start_victim,
)
HUNG = Step(
    "daemon hangs", "kill -STOP of the daemon on node {victim}", _hang, 1.0, Fate.MOVES, bar=LEASE_END
)
GOES_ON = Step(
    "... and goes on", "kill -CONT of the daemon on node {victim}", _resume, 1.5, Fate.KEEPS, bar=0.0
)
BLOCKED = Step(
    "adverts blocked",
    "a firewall drops every advert from and to node {victim}, by whatever path",
    _block,
    HANG,
    Fate.STAYS,
    bar=0.0,
)
RESTORED = Step("... and restored", "the firewall is gone", _restore, 1.5, Fate.STAYS, bar=0.0)
HOST_DIES = Step(
    "host of the active dies", "the power of node {victim} is cut", _die, 1.5, Fate.MOVES, bar=HOST_DEATH
)
HOST_RETURNS = Step("... and returns", "node {victim} boots", _return, 1.5, Fate.STAYS, bar=0.0)
CABLE_CUT = Step(
    "cable of the active cut", "the cable of node {victim} is cut", _cut, 1.0, Fate.MOVES, bar=HOST_DEATH
)
CABLE_BACK = Step("... and plugged in", "the cable of node {victim} is back", _heal, 1.5, Fate.STAYS, bar=0.0)
CUT_OFF = Step(
    "active cut off upstream",
    "the path behind the switch of node {victim} breaks, its carrier stays",
    _cut_upstream,
    1.0,
    Fate.MOVES,
    bar=HOST_DEATH,
)
COMES_BACK = Step(
    "... and comes back",
    "the path to node {victim} is mended: both held it",
    _heal,
    1.5,
    Fate.FREE,
    bar=0.010,
)
DELETED = Step(
    "address deleted by hand", "ip address del on node {victim}", _delete, 1.0, Fate.KEEPS, bar=0.100
)
RELOADED = Step(
    "reload, unrelated change", "systemctl reload on node {victim}", _reload, 1.0, Fate.STAYS, bar=0.0
)
UPGRADED = Step("upgrade in place", "vipservice upgrade on node {victim}", _upgrade, 1.0, Fate.STAYS, bar=0.0)

DEMO = (
    START,
    OTHERS_START,
    QUIET,
    HANDOVER,
    RESTARTED,
    KILLED,
    HUNG,
    GOES_ON,
    BLOCKED,
    RESTORED,
    HOST_DIES,
    HOST_RETURNS,
)
