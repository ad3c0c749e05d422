"""Detecting: which interface it is, our own address on it, its link, its gateway, and what we left behind."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from ipaddress import IPv4Network, IPv6Network, ip_interface

from vipservice.core.events import InterfaceLost, InterfaceReady, Leftover
from vipservice.core.frozen import dataclass
from vipservice.core.values import Address, Mac
from vipservice.runtime.ports import Host, HostAddress, HostError, Interface

MAX_MACS = 16


@dataclass(frozen=True, slots=True)
class Found:
    """The interface as it is now, ready to be used."""

    interface: Interface
    own: Address
    ready: InterfaceReady

    @property
    def place(self) -> tuple[int, str, Address, tuple[Mac, ...]]:
        """What sockets are opened for: where two have the same, those of one serve for the other."""
        return self.interface.index, self.interface.name, self.own, self.ready.macs


@dataclass(frozen=True, slots=True)
class Detector:
    """Looks at one interface by name, as often as the kernel says that something changed."""

    host: Host
    name: str
    floating: frozenset[Address]
    remembered: AbstractSet[str]
    """Addresses that our state directory says we bound, for kernels without IFA_PROTO."""

    def look(self) -> Found | InterfaceLost:
        """Read it from the kernel."""
        try:
            interfaces = self.host.interfaces()
            gateway = self.host.gateway(self.name)
        except HostError as error:
            return InterfaceLost(str(error))
        interface = next((one for one in interfaces if one.name == self.name), None)
        if interface is None:
            return InterfaceLost(f"there is no interface {self.name}")
        own = self._own(interface)
        if own is None:
            return InterfaceLost(f"{self.name} has no address of its own", bare=True)
        ready = InterfaceReady(
            address=own.address,
            macs=_macs_on_link(interface, own, interfaces),
            link_up=interface.up,
            gateway=gateway if gateway and gateway.version == own.address.version else None,
            leftovers=tuple(self._leftovers(interface)),
        )
        return Found(interface, own.address, ready)

    def _own(self, interface: Interface) -> HostAddress | None:
        """The address the host is reached by: not floating nor link-local, best in a floating's subnet."""
        own = [
            one
            for one in interface.addresses
            if one.address.version == 4
            and not one.floating
            and not one.address.is_link_local
            and one.address not in self.floating
        ]
        near = [one for one in own if any(address in _subnet(one) for address in self.floating)]
        return next(iter(near or own), None)

    def _leftovers(self, interface: Interface) -> Iterable[Leftover]:
        for one in interface.addresses:
            if one.address in self.floating:
                leased_by_us = one.lease_left is not None and str(one.address) in self.remembered
                yield Leftover(one.address, one.lease_left, one.ours or leased_by_us)


def _subnet(one: HostAddress) -> IPv4Network | IPv6Network:
    return ip_interface(f"{one.address}/{one.prefix_length}").network


def _macs_on_link(interface: Interface, own: HostAddress, interfaces: Iterable[Interface]) -> tuple[Mac, ...]:
    """The interface's MAC, then those of our others in the same subnet: they may answer for it too."""
    others = [
        other.mac
        for other in interfaces
        if other.name != interface.name
        and not other.loopback
        and any(one.address in _subnet(own) for one in other.addresses)
    ]
    return tuple(dict.fromkeys([interface.mac, *others]))[:MAX_MACS]
