"""What configuration needs to know of the machine's interfaces, and where a floating address can go."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from vipservice.core.frozen import dataclass

DEFAULT_HOST = 234
"""The seed's last octet of the floating address."""

DEFAULT_PREFIX = 24
"""The seed's netmask where the interface has none of its own."""

HOST_PREFIX = 32


@dataclass(frozen=True, slots=True)
class SeenInterface:
    """An interface with the IPv4 addresses it has now, in the kernel's order."""

    name: str
    loopback: bool
    up: bool
    addresses: tuple[IPv4Interface, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """All interfaces, and which of the addresses on them are floating ones from our own earlier life."""

    interfaces: Sequence[SeenInterface]
    ours: frozenset[IPv4Address] = frozenset()

    def named(self, name: str) -> SeenInterface | None:
        """The interface with this name."""
        return next((seen for seen in self.interfaces if seen.name == name), None)

    def first_non_local(self) -> SeenInterface | None:
        """The seed's choice: the interface of the first address that is neither local nor floating.

        Whether it is up is not asked: a cable that is out at boot must not move the group elsewhere.
        """
        return next((seen for seen in self.interfaces if any(self.host_addresses(seen))), None)

    def host_addresses(self, seen: SeenInterface) -> Iterator[IPv4Interface]:
        """The interface's own addresses: not loopback, link-local or host-masked, and not ours."""
        if seen.loopback:
            return
        for address in seen.addresses:
            local = address.ip.is_loopback or address.ip.is_link_local
            if not local and address.network.prefixlen < HOST_PREFIX and address.ip not in self.ours:
                yield address

    def subnets(self, seen: SeenInterface, netmask: int | None) -> tuple[IPv4Interface, ...]:
        """Own addresses with the subnets they are in.

        Where the interface has only host-masked addresses, `netmask` or the seed's 255.255.255.0 stands in.
        """
        if addresses := tuple(self.host_addresses(seen)):
            return addresses
        prefix = netmask or DEFAULT_PREFIX
        hosts = (a.ip for a in seen.addresses if a.ip not in self.ours and not a.ip.is_link_local)
        return tuple(IPv4Interface((host, prefix)) for host in hosts)

    def owner(self, address: IPv4Address) -> SeenInterface | None:
        """The interface that has `address` as this host's own."""
        if address in self.ours:
            return None
        return next((s for s in self.interfaces if any(a.ip == address for a in s.addresses)), None)

    def reaching(self, address: IPv4Address) -> SeenInterface | None:
        """The interface that has a subnet with `address` in it."""
        for seen in self.interfaces:
            if any(address in own.network for own in self.host_addresses(seen)):
                return seen
        return None


def default_address(own: IPv4Interface) -> IPv4Address:
    """x.x.x.234: the own address with its last octet replaced, whether or not the subnet has it."""
    return IPv4Address(own.ip.packed[:3] + bytes([DEFAULT_HOST]))


def end_of_subnet(address: IPv4Address, network: IPv4Network) -> str | None:
    """Whether `address` is the network or broadcast address; a /31 has neither (RFC 3021)."""
    if network.prefixlen >= 31:
        return None
    if address == network.network_address:
        return f"the network address of {network}"
    if address == network.broadcast_address:
        return f"the broadcast address of {network}"
    return None
