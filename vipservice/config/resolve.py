"""Fills the gaps of the configuration from the machine's interfaces: pure, values in and values out."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Interface

from vipservice.config import group_keys as k
from vipservice.config.addresses import unfit_for_a_host
from vipservice.config.problems import ConfigError, MissingInterface, Problem
from vipservice.config.schema import Key, T
from vipservice.config.seen import (
    DEFAULT_PREFIX,
    HOST_PREFIX,
    Machine,
    SeenInterface,
    default_address,
    end_of_subnet,
)
from vipservice.config.settings import FloatingIpSettings, Origin, ResolvedGroup, Settings
from vipservice.core.settings import BindMode, GroupSettings
from vipservice.core.values import Address, GroupId

SET_IP = "set 'ip' to a free address of the subnet"


def resolve(
    settings: Settings, interfaces: Sequence[SeenInterface], ours: frozenset[IPv4Address] = frozenset()
) -> tuple[ResolvedGroup, ...]:
    """Make every enabled group ready to run.

    Args:
        settings: The file.
        interfaces: What the machine has, in the kernel's order.
        ours: Floating addresses on them that we bound in an earlier life.

    Raises:
        ConfigError: With every problem; MissingInterface where waiting may help.
    """
    problems: list[Problem] = []
    resolved: list[ResolvedGroup] = []
    owners: dict[Address, str] = {}
    for group in settings.groups:
        if not group.enabled:
            continue
        try:
            ready = resolve_group(settings, group, interfaces, ours)
        except ConfigError as error:
            problems += error.problems
            continue
        resolved.append(ready)
        problems += _claimed_twice(settings, group, ready, owners)
    if problems:
        raise ConfigError(settings.source, problems)
    return tuple(resolved)


def resolve_group(
    settings: Settings,
    group: FloatingIpSettings,
    interfaces: Sequence[SeenInterface],
    ours: frozenset[IPv4Address] = frozenset(),
) -> ResolvedGroup:
    """Make one group ready to run, for a daemon that waits for some interfaces and not for others.

    Raises:
        ConfigError: With every problem of this group.
    """
    resolver = _Resolver(settings, group, Machine(interfaces, ours))
    seen = resolver.interface()
    subnets = resolver.subnets(seen)
    addresses = resolver.addresses(seen, subnets)
    witnesses_outside = list(resolver.witnesses_outside(seen, subnets))
    if witnesses_outside:
        raise ConfigError(settings.source, witnesses_outside)
    prefix_length = _prefix_length(group.netmask, addresses, subnets)
    return ResolvedGroup(
        core=_core(group, addresses),
        interface=seen.name,
        prefix_length=prefix_length,
        witnesses=group.witnesses,
        nodes=group.nodes,
        ping_interval=group.ping_interval,
        origins=origins(settings, group, prefix_length),
        notices=tuple(resolver.notices(subnets, prefix_length)),
        checks=group.checks,
        hooks=group.hooks,
    )


class _Resolver:
    """One group, the file it is from, and the machine."""

    def __init__(self, settings: Settings, group: FloatingIpSettings, machine: Machine) -> None:
        self._settings = settings
        self._group = group
        self._machine = machine

    def interface(self) -> SeenInterface:
        """The interface that was written, or the one of the first non-local address."""
        name = self._group.interface
        if name is None:
            if found := self._machine.first_non_local():
                return found
            none = "found no interface with an address that is not local"
            raise self._error(
                self._problem(k.INTERFACE, none, "set 'interface', or give the host an address", True)
            )
        seen = self._machine.named(name)
        if seen is None:
            others = (
                ", ".join(other.name for other in self._machine.interfaces if not other.loopback) or "none"
            )
            hint = f"interfaces of this machine: {others}"
            raise self._error(self._problem(k.INTERFACE, f"found {name!r}, which does not exist", hint, True))
        if seen.loopback:
            hint = "write the interface that the clients' network is on"
            raise self._error(
                self._problem(k.INTERFACE, f"found {name!r}, which is the loopback interface", hint)
            )
        return seen

    def subnets(self, seen: SeenInterface) -> tuple[IPv4Interface, ...]:
        """The interface's own addresses with their subnets, at least one."""
        subnets = self._machine.subnets(seen, self._group.netmask)
        if not subnets:
            found = f"found {seen.name!r}, which has no IPv4 address of its own"
            raise self._error(self._problem(k.INTERFACE, found, "give the interface an address", True))
        return subnets

    def addresses(self, seen: SeenInterface, subnets: tuple[IPv4Interface, ...]) -> tuple[Address, ...]:
        """The floating addresses: written, or the default; all fit the subnet."""
        written = self._group.ip
        if written and self._group.bind is BindMode.NONE:
            return written  # it may lie anywhere, and be configured on this host
        addresses = written or (default_address(subnets[0]),)
        problems = [
            self._unfit_problem(index, address, why, seen)
            for index, address in enumerate(addresses)
            if isinstance(address, IPv4Address) and (why := self._unfit(address, seen, subnets))
        ]
        if problems:
            raise self._error(*problems)
        return addresses

    def _unfit(
        self, address: IPv4Address, seen: SeenInterface, subnets: tuple[IPv4Interface, ...]
    ) -> str | None:
        """Why the address cannot float on the interface."""
        if owner := self._machine.owner(address):
            return f"this host's own address on {owner.name}"
        networks = [own.network for own in subnets if address in own.network]
        if not networks:
            return f"outside of {_listed(subnets)}, the subnet of {seen.name}"
        return unfit_for_a_host(address) or end_of_subnet(address, networks[0])

    def _unfit_problem(self, index: int, address: IPv4Address, why: str, seen: SeenInterface) -> Problem:
        if self._group.ip is None:
            return self._problem(k.IP, f"the default {address} is {why}", SET_IP)
        other = self._machine.reaching(address)
        if other and other != seen and why.startswith("outside"):
            hint = f"set 'interface: {other.name}', whose subnet it is in"
        else:
            hint = SET_IP
        return self._problem(k.IP, f"found '{address}', which is {why}", hint, index=index)

    def witnesses_outside(self, seen: SeenInterface, subnets: tuple[IPv4Interface, ...]) -> Iterator[Problem]:
        """Witnesses that ARP cannot reach."""
        for index, witness in enumerate(self._group.witnesses):
            if not any(witness in own.network for own in subnets):
                found = (
                    f"found '{witness}', which is outside of {_listed(subnets)}, the subnet of {seen.name}"
                )
                yield self._problem(
                    k.WITNESSES, found, "write a host of the subnet: it is asked by ARP", index=index
                )

    def notices(self, subnets: tuple[IPv4Interface, ...], prefix_length: int) -> Iterator[str]:
        """What deserves a second look though it is no error."""
        netmask = self._group.netmask
        if netmask is not None and prefix_length != netmask:
            yield (
                f"{self._group.key_path}.netmask: the address is bound as /{prefix_length}; as /{netmask} "
                "it would be a primary address, whose end takes other addresses along"
            )
        if self._group.ip is None and (prefix := subnets[0].network.prefixlen) < DEFAULT_PREFIX:
            default = default_address(subnets[0])
            yield (
                f"{self._group.key_path}.ip: the default {default} has this host's first three octets; "
                f"in a /{prefix} another host may have others, so set 'ip' on every node"
            )

    def _problem(
        self, key: Key[T], found: str, hint: str, waiting: bool = False, index: int | None = None
    ) -> Problem:
        """A problem at the line of `key`, of its list's item, or of the group where neither was written."""
        lines = self._settings.lines
        key_path = f"{self._group.key_path}.{key.name}"
        item_path = f"{key_path}[{index}]"
        if index is not None and item_path in lines:
            key_path = item_path
        line = lines.get(key_path, self._group.line)
        return (MissingInterface if waiting else Problem)(line, key_path, found, hint)

    def _error(self, *problems: Problem) -> ConfigError:
        return ConfigError(self._settings.source, problems)


def origins(settings: Settings, group: FloatingIpSettings, prefix_length: int) -> dict[str, Origin]:
    """Where each value in force comes from."""
    found = {
        key.name: Origin.FILE if f"{group.key_path}.{key.name}" in settings.lines else Origin.DEFAULT
        for key in k.OUR_KEYS
    }
    for key in (k.IP, k.INTERFACE):
        if found[key.name] is Origin.DEFAULT:
            found[key.name] = Origin.DETECTED
    if group.netmask != prefix_length:
        found[k.NETMASK.name] = Origin.DEFAULT
    if found[k.TIMING.name] is Origin.FILE:
        found[k.ADVERT_INTERVAL.name] = Origin.FILE
    if f"{group.key_path}.{k.FORCED_BY_PRIORITY.name}" in settings.lines:
        found[k.FAILBACK.name] = Origin.FILE
    return found


def _prefix_length(
    netmask: int | None, addresses: tuple[Address, ...], subnets: tuple[IPv4Interface, ...]
) -> int:
    """The written netmask where it makes every address a secondary one of an own address, else the host mask.

    Linux makes an address secondary when one with the same mask is there already in the same subnet; a
    primary that goes takes its secondaries along (promote_secondaries=0, the kernel's default).
    """
    if netmask is None:
        return HOST_PREFIX
    networks = [own.network for own in subnets if own.network.prefixlen == netmask]
    secondary = all(any(address in network for network in networks) for address in addresses)
    return netmask if secondary else HOST_PREFIX


def _core(group: FloatingIpSettings, addresses: tuple[Address, ...]) -> GroupSettings:
    return GroupSettings(
        id=GroupId(group.id),
        name=group.name,
        addresses=addresses,
        priority=group.priority,
        timing=group.timing,
        failback=group.failback,
        probe=group.probe,
        arp_suppression=group.arp_suppression,
        on_isolation=group.on_isolation,
        isolation_wait=group.isolation_wait,
        announce_refresh=group.announce_refresh,
        when_all_fail=group.when_all_fail,
        bind=group.bind,
    )


def _claimed_twice(
    settings: Settings, group: FloatingIpSettings, ready: ResolvedGroup, owners: dict[Address, str]
) -> Iterator[Problem]:
    """Find default addresses that another group has too; `load` has compared the written ones."""
    for address in ready.core.addresses:
        other = owners.setdefault(address, group.key_path)
        if other != group.key_path:
            key_path = f"{group.key_path}.{k.IP.name}"
            line = settings.lines.get(key_path, group.line)
            yield Problem(line, key_path, f"{address} is what {other} has too", "set 'ip' in both groups")


def _listed(subnets: tuple[IPv4Interface, ...]) -> str:
    return ", ".join(dict.fromkeys(str(own.network) for own in subnets))
