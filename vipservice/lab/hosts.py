"""The machines on the LAN: what each is, and its box while it has power."""

import contextlib
import socket
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

from vipservice.core.values import Address
from vipservice.lab.namespaces import Namespace
from vipservice.lab.netlink import Netlink

INTERFACE = "eth0"

GATEWAY = "gateway"
CLIENT = "client"
GATEWAY_NUMBER = 1
FIRST_NODE_NUMBER = 11
CLIENT_NUMBER = 100
LONGEST_NAME = 10
"""`port-` and the name must fit into IFNAMSIZ."""

QUIET = {
    # A new namespace inherits the machine's IPv4 settings: a container host forwards.
    "net/ipv4/ip_forward": "0",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv4/conf/all/arp_ignore": "0",
    "net/ipv4/conf/all/arp_announce": "0",
    "net/ipv4/conf/all/promote_secondaries": "0",
    "net/ipv4/conf/default/promote_secondaries": "0",
    "net/ipv6/conf/default/accept_ra": "0",
    "net/ipv6/conf/default/autoconf": "0",
    "net/ipv6/conf/default/router_solicitations": "0",
    # 1: no link-local address of its own accord, hence no duplicate detection and no MLD reports.
    "net/ipv6/conf/default/addr_gen_mode": "1",
}
"""Kernel settings of every box: what a plain host has, and nothing that talks unasked."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a host is: all that survives its power being cut."""

    name: str
    hostname: str
    address: IPv4Interface
    mac: str
    gateway: str | None


class Host(Namespace):
    """A powered machine on the LAN: a box with eth0, an address and a MAC of its own."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.hostname)
        self.plan = plan
        self.port = 0
        """Index of the switch port it is plugged into, in the hub."""
        self.index = 0
        """Index of its eth0."""
        self.kernel = Netlink(self)
        self.on_close(self.kernel.close)
        self.in_network(lambda: write_settings(QUIET))

    @property
    def address(self) -> Address:
        """Its own address."""
        return self.plan.address.ip

    def configure(self) -> None:
        """Bring its interfaces up, with its address and its default route."""
        lines = [
            "link set lo up",
            f"address add {self.plan.address} broadcast + dev {INTERFACE}",
            f"link set {INTERFACE} up",
        ]
        if self.plan.gateway is not None:
            lines.append(f"route add default via {self.plan.gateway}")
        self.run(("ip", "-batch", "-"), stdin="\n".join(lines))
        self.index = self.in_network(lambda: socket.if_nametoindex(INTERFACE))


def plans(nodes: Sequence[str], network: IPv4Network, gateway: bool) -> list[Plan]:
    """The hosts of a LAN: the nodes from x.x.x.11 on, the client, and the gateway if there is one."""
    router = str(network[GATEWAY_NUMBER]) if gateway else None

    def plan(name: str, hostname: str, number: int, route: str | None) -> Plan:
        address = IPv4Interface((network[number], network.prefixlen))
        return Plan(name, hostname, address, f"02:76:69:70:00:{number:02x}", route)

    found = []
    for number, name in enumerate(nodes, FIRST_NODE_NUMBER):
        if not name or len(name) > LONGEST_NAME or set(name) - set(string.ascii_lowercase + string.digits):
            raise ValueError(f"{name!r} is no name for a node: 1 to {LONGEST_NAME} of a-z and 0-9")
        found.append(plan(name, f"node-{name}", number, router))
    found.append(plan(CLIENT, CLIENT, CLIENT_NUMBER, router))
    if gateway:
        found.append(plan(GATEWAY, GATEWAY, GATEWAY_NUMBER, None))
    return found


def write_settings(settings: Mapping[str, str]) -> None:
    """Set kernel settings (paths under /proc/sys) in the calling thread's network namespace."""
    for key, value in settings.items():
        # Machines without IPv6 have no such files.
        with contextlib.suppress(FileNotFoundError):
            Path("/proc/sys", key).write_text(value, encoding="ascii")
