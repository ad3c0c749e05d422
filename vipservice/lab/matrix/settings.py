"""Which daemons are compared, each at which pace."""

from dataclasses import dataclass

from vipservice.core.values import Address
from vipservice.lab.demo.cluster import VIP, Cluster
from vipservice.lab.hosts import Host
from vipservice.lab.matrix.peers import keepalived, ucarp
from vipservice.lab.matrix.peers.cluster import PeerCluster
from vipservice.lab.matrix.peers.peer import Peer

VIPSERVICE = "vipservice"
ORDINARY = "ordinary scheduling, as by default"
NODE_NAMES = ("a", "b", "c", "d", "e")


@dataclass(frozen=True, slots=True)
class Setting:
    """A daemon at a pace."""

    daemon: str
    pace: str
    """The time between adverts, as the daemon's people write it."""
    configured: str
    """What was set, for people."""
    slow: bool = False
    """Failover takes seconds: a millisecond more or less says nothing."""

    @property
    def name(self) -> str:
        """As `--daemon` takes it."""
        return f"{self.daemon}@{self.pace}"

    @property
    def ours(self) -> bool:
        """Whether there are bars for it."""
        return self.daemon == VIPSERVICE

    def cluster(self, nodes: int) -> Cluster:
        """So many nodes with it, a gateway and a client; nothing is started yet."""
        names = NODE_NAMES[:nodes]
        if self.ours:
            return Cluster(names, interval=self.pace, gateway=True)
        return PeerCluster(names, interval=self.pace, install=self._install)

    def _install(self, host: Host) -> Peer:
        address: Address = VIP
        if self.daemon == keepalived.NAME:
            return keepalived.Keepalived(host, address, keepalived.INTERVALS[self.pace])
        return ucarp.Ucarp(host, address, ucarp.DEAD_RATIOS[self.pace])


def _vipservice(pace: str) -> Setting:
    return Setting(VIPSERVICE, pace, f"advert_interval: {pace}, signed adverts, else defaults (so SCHED_RR)")


def _keepalived(pace: str, said: str) -> Setting:
    seconds = keepalived.INTERVALS[pace]
    version = "VRRPv2" if seconds >= 1 else "VRRPv3"
    configured = f"advert_int {seconds:g} ({said}), {version}, state BACKUP, nopreempt, equal priorities"
    return Setting(
        keepalived.NAME, pace, f"{configured}, {ORDINARY} (no vrrp_rt_priority)", slow=seconds >= 1
    )


SETTINGS = (
    *map(_vipservice, ("100ms", "10ms", "5ms", "2ms")),
    _keepalived("1s", "its default"),
    _keepalived("100ms", "as ours by default"),
    _keepalived("10ms", "its fastest"),
    Setting(ucarp.NAME, "1s", "its defaults: --advbase 1, --deadratio 3", slow=True),
    Setting(
        ucarp.NAME,
        "1s-dead2",
        "its fastest: --advbase 1 (whole seconds; with 0 it never settles), --deadratio 2",
        slow=True,
    ),
)
BY_NAME = {setting.name: setting for setting in SETTINGS}
