"""The LAN itself: a bridge in a hub namespace with the hosts plugged into it, and who can reach whom."""

import contextlib
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from types import TracebackType
from typing import Self

from vipservice.core.values import Address
from vipservice.lab.clock import now
from vipservice.lab.hosts import CLIENT, INTERFACE, QUIET, Host, Plan, plans, write_settings
from vipservice.lab.namespaces import Namespace
from vipservice.lab.netlink import Netlink
from vipservice.lab.owners import Owners
from vipservice.lab.reach import Reach, Segments

MAIN_SEGMENT = "lan"
DEFAULT_NETWORK = IPv4Network("10.99.0.0/24")
NO_BRIDGE = 0


@dataclass(slots=True)
class Plug:
    """How a host is connected."""

    cable: bool = True
    segment: str = MAIN_SEGMENT
    """The broadcast domain its switch port belongs to."""


class Network:
    """Hosts around a bridge: nodes, a client, and a gateway where asked for.

    Args:
        nodes: Short names, `a`, `b`, ...; `a` becomes the host node-a with the address x.x.x.11.
        gateway: Whether there is a host x.x.x.1, everybody's default route.
        multicast_snooping: Whether the bridge forwards multicast only where it was asked for by IGMP.
        network: The subnet.
    """

    def __init__(
        self,
        nodes: Sequence[str] = ("a", "b"),
        *,
        gateway: bool = False,
        multicast_snooping: bool = False,
        network: IPv4Network = DEFAULT_NETWORK,
    ) -> None:
        self.nodes = tuple(nodes)
        """Short names of the nodes, powered or not."""
        self.network = network
        self.reach = Reach()
        self.hosts: dict[str, Host] = {}
        """The powered machines by short name, client and gateway among them."""
        self._plans = {plan.name: plan for plan in plans(nodes, network, gateway)}
        self._plugs: dict[str, Plug] = {}
        self._bridges: dict[str, int] = {}
        self._snooping = int(multicast_snooping)
        self._stack = contextlib.ExitStack()
        try:
            self._hub = self._stack.enter_context(Namespace("vipservice-hub"))
            self._switch = self._stack.enter_context(Netlink(self._hub))
            self._hub.in_network(lambda: write_settings(QUIET))
            self.ownership = Owners(self._hub, self._switch, self.reach, CLIENT)
            self._add_bridge(MAIN_SEGMENT)
            self._power_on(self._plans.values())
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Switch everything off; were this never called, the kernel would do it."""
        with self._stack:
            while self.hosts:
                self._stack.callback(self.hosts.popitem()[1].close)

    def node(self, name: str) -> Host:
        """The powered host of this short name."""
        return self.hosts[name]

    @property
    def client(self) -> Host:
        """The host that uses the service."""
        return self.hosts[CLIENT]

    def address_of(self, name: str) -> Address:
        """A host's own address, powered or not."""
        return self._plans[name].address.ip

    def _power_on(self, plans_: Iterable[Plan]) -> None:
        """Make the boxes, plug them in, count their addresses."""
        hosts = [self._box(plan) for plan in plans_]
        self._plugs.update((host.plan.name, Plug()) for host in hosts)
        self.reach.change(now(), self._segments())
        self._connect(hosts)

    def _connect(self, hosts: Sequence[Host]) -> None:
        """Lay a cable from the switch to a new eth0 of each host, and configure it."""
        self._hub.run(("ip", "-batch", "-"), stdin="\n".join(_cabling(hosts)))
        ports = dict(self._hub.in_network(_ports))
        for host in hosts:
            host.port = ports[port_name(host.plan.name)]
            host.configure()

    def _power_off(self, host: Host) -> None:
        """End a host that nobody can reach any more."""
        del self.hosts[host.plan.name]
        self.ownership.forget(host.plan.name)
        self._switch.delete_link(host.port)
        host.close()

    def _box(self, plan: Plan) -> Host:
        host = Host(plan)
        self.hosts[plan.name] = host
        # Before it is plugged in: a veth between namespaces makes the kernel number them by itself.
        self.ownership.watch(plan.name, host.kernel, host.network_descriptor)
        return host

    def _segments(self) -> Segments:
        """Who is in which broadcast domain now."""
        return {
            name: plug.segment if plug.cable and name in self.hosts else None
            for name, plug in self._plugs.items()
        }

    def _set_cable(self, name: str, plugged: bool) -> None:
        self._switch.set_up(self.hosts[name].port, plugged)
        self._plugs[name].cable = plugged

    def _plug_into(self, name: str, segment: str) -> None:
        """Move a host's port to the bridge of a segment; a segment without a bridge has no other port."""
        if self._plugs[name].segment != segment:
            self._switch.set_master(self.hosts[name].port, self._bridges.get(segment, NO_BRIDGE))
            self._plugs[name].segment = segment

    def _add_bridge(self, segment: str) -> None:
        if segment in self._bridges:
            return
        options = f"type bridge stp_state 0 forward_delay 0 mcast_snooping {self._snooping}"
        lines = (f"link add {segment} {options}", f"link set {segment} up")
        self._hub.run(("ip", "-batch", "-"), stdin="\n".join(lines))
        self._bridges[segment] = self._hub.in_network(lambda: socket.if_nametoindex(segment))


def port_name(name: str) -> str:
    """The switch port that a host is plugged into, as the hub's kernel calls it."""
    return f"port-{name}"


def _cabling(hosts: Sequence[Host]) -> list[str]:
    lines = []
    for host in hosts:
        port = port_name(host.plan.name)
        peer = f"peer name {INTERFACE} address {host.plan.mac} netns {host.network_path}"
        lines.append(f"link add {port} type veth {peer}")
        lines.append(f"link set {port} master {MAIN_SEGMENT} up")
    return lines


def _ports() -> list[tuple[str, int]]:
    return [(name, index) for index, name in socket.if_nameindex()]
