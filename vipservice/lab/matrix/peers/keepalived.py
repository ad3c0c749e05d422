"""keepalived on a host of the lab, configured as its own manual has it: no preemption, equal priorities."""

from typing import ClassVar

from vipservice.core.values import Address
from vipservice.lab.daemons import CONFIG
from vipservice.lab.hosts import INTERFACE, Host
from vipservice.lab.matrix.peers.peer import Peer

NAME = "keepalived"
INTERVALS = {"1s": 1.0, "100ms": 0.1, "10ms": 0.01}
COMMAND = ("keepalived", "--dont-fork", "--log-console", "--vrrp", "--use-file", str(CONFIG))


class Keepalived(Peer):
    """keepalived with one VRRP instance.

    Args:
        host: Where it runs.
        address: The floating address.
        interval: Its advert_int, seconds; below 1 s VRRPv3 is needed (keepalived.conf(5)).
    """

    ready_line: ClassVar = "Startup complete"
    reloaded_line: ClassVar = "Reload complete|Reload finished"
    roles: ClassVar = {
        "Entering MASTER STATE": "active",
        "Entering BACKUP STATE": "backup",
        "Entering FAULT STATE": "fault",
    }

    def __init__(self, host: Host, address: Address, interval: float) -> None:
        self._address = address
        self._interval = interval
        super().__init__(host, configuration(str(address), interval, host.name), COMMAND)

    def start(self) -> None:
        """Execute it."""
        # A box has no init that would reap what was killed: keepalived takes the dead for running daemons.
        for file in (self.host.root / "run").glob("*.pid"):
            file.unlink()
        super().start()

    def change_configuration(self) -> None:
        """Call the router something else."""
        name = f"{self.host.name}-renamed"
        self.write_config(configuration(str(self._address), self._interval, name))


def configuration(address: str, interval: float, router: str) -> str:
    """Its configuration file: one VRRP instance (keepalived.conf(5))."""
    version = 2 if interval >= 1 else 3
    return (
        f"global_defs {{\n router_id {router}\n vrrp_version {version}\n}}\n"
        f"vrrp_instance floating {{\n interface {INTERFACE}\n state BACKUP\n nopreempt\n"
        f" virtual_router_id 7\n priority 100\n advert_int {interval:g}\n"
        f" virtual_ipaddress {{\n  {address}/32 dev {INTERFACE}\n }}\n}}\n"
    )
