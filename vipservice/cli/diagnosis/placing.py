"""Where the address would go: the interface, its kernel settings, and what this host has already."""

from collections.abc import Iterator

from vipservice.adapters.linux.survey import host
from vipservice.cli.diagnosis.findings import Finding, error, info, ok, warning
from vipservice.cli.diagnosis.patient import Link, Patient
from vipservice.config.settings import ResolvedGroup
from vipservice.core.values import show_mac

ADVERT_DATAGRAM = 1400 + 28
"""The greatest datagram that the groups of a node are put into, with its IP and UDP headers."""

_SAME_SUBNET, _NEVER = 2, 8
"""arp_ignore: answer only senders in the target's subnet; never answer (kernel's ip-sysctl.rst)."""


def interface(patient: Patient) -> Iterator[Finding]:
    """The interface is there, up, and the address fits its subnet."""
    for group in patient.groups:
        link = patient.link(group.interface)
        if link is None:
            continue
        if not link.interface.up:
            yield error(
                "interface",
                f"{group.interface} is down or has no carrier",
                "nobody reaches the address there; the group stays in fault until the link is up",
                f"check the cable and the switch port, then 'ip link set {group.interface} up'",
            )
            continue
        addresses = ", ".join(f"{one}/{group.prefix_length}" for one in group.core.addresses)
        yield ok("interface", f"{group.core.name}: {addresses} on {group.interface}, where we are {link.own}")
        yield from _mtu(patient, group.interface)


def _mtu(patient: Patient, name: str) -> Iterator[Finding]:
    mtu = host.number(patient.root, f"sys/class/net/{name}/mtu")
    if mtu is not None and mtu < ADVERT_DATAGRAM:
        yield warning(
            "mtu",
            f"{name} has an MTU of {mtu}",
            f"adverts of many groups have up to {ADVERT_DATAGRAM} bytes: in fragments they are lost more "
            "easily, "
            "and the raw frames don't go at all",
            f"give the link its usual MTU: ip link set {name} mtu 1500",
        )


def subnet(patient: Patient) -> Iterator[Finding]:
    """Nobody else uses this host's own address, and no second interface is in its subnet."""
    for link in patient.links:
        others = link.answers.get(link.own.ip, frozenset()) - patient.own_macs
        if others:
            yield error(
                "duplicate_address",
                f"another host, {_macs(others)}, has this host's own address {link.own.ip}",
                "adverts, probes and everything else that is sent to one of the two reaches the other",
                "find it by its MAC (switch tables, 'ip neigh'), and give one of them another address",
            )
        for other in patient.interfaces:
            inside = [one for one in other.addresses if one.address in link.own.network and not one.floating]
            if other.name != link.interface.name and not other.loopback and inside:
                yield from _second_interface(patient, link, other.name)


def _second_interface(patient: Patient, link: Link, other: str) -> Iterator[Finding]:
    name = link.interface.name
    if not _effective(patient, "arp_ignore", name) or not _effective(patient, "arp_ignore", other):
        yield warning(
            "arp_ignore",
            f"{other} is in the subnet of {name} too, and each answers for the addresses of the other",
            "clients learn now one MAC and now the other, and a standby may reach the host by the wrong "
            "cable",
            "let each interface answer for its own addresses only:",
            ("sysctl -w net.ipv4.conf.all.arp_ignore=1", "sysctl -w net.ipv4.conf.all.arp_announce=2"),
        )
    if _effective(patient, "rp_filter", name) == 1:
        yield warning(
            "rp_filter",
            f"{other} is in the subnet of {name} too, and {name} filters by the way back (rp_filter=1)",
            "datagrams whose way back leads over the other interface are dropped, adverts among them",
            "use the loose filter:",
            (f"sysctl -w net.ipv4.conf.{name}.rp_filter=2", "sysctl -w net.ipv4.conf.all.rp_filter=2"),
        )


def arp_settings(patient: Patient) -> Iterator[Finding]:
    """Kernel settings under which a floating address does not answer."""
    for group in patient.groups:
        level = _effective(patient, "arp_ignore", group.interface)
        hidden = level == _SAME_SUBNET and group.prefix_length == 32
        if level >= _NEVER or hidden:
            whom = "anybody" if level >= _NEVER else "anybody outside a subnet of one address"
            yield error(
                "arp_ignore",
                f"arp_ignore is {level} on {group.interface}: the kernel would not answer {whom} for "
                f"{_addresses(group)}",
                "clients and standbys would not find the address, and a standby would take it for free",
                "use 1 (or 0), which answers for every address of the interface:",
                (f"sysctl -w net.ipv4.conf.{group.interface}.arp_ignore=1",),
            )
    for name in dict.fromkeys(group.interface for group in patient.groups):
        if host.sysctl(patient.root, f"net/ipv4/conf/{name}/drop_gratuitous_arp"):
            yield warning(
                "drop_gratuitous_arp",
                f"{name} ignores gratuitous ARP (drop_gratuitous_arp=1)",
                "this host does not learn when the address moves, and talks to the host that had it",
                "let it listen:",
                (f"sysctl -w net.ipv4.conf.{name}.drop_gratuitous_arp=0",),
            )


def leftovers(patient: Patient) -> Iterator[Finding]:
    """Somebody has configured a floating address here for good."""
    floating = {address: group for group, address in patient.floating()}
    for one in patient.interfaces:
        for held in one.addresses:
            group = floating.get(held.address)  # type: ignore[arg-type]  # an IPv6 address is no key there
            if group is not None and held.lease_left is None and not held.ours:
                yield error(
                    "address_on_host",
                    f"{held.address} is configured on {one.name} for good, by somebody else",
                    f"{group.core.name} stays in fault, and two hosts have the address as soon as another "
                    "binds it",
                    "take it out of the network configuration, and off the interface:",
                    (f"ip address del {held.address}/{held.prefix_length} dev {one.name}",),
                )


def notices(patient: Patient) -> Iterator[Finding]:
    """What the configuration gave rise to."""
    said = () if patient.settings is None else patient.settings.notices
    for sentence in (*said, *(one for group in patient.groups for one in group.notices)):
        yield info("notice", sentence)
    if patient.settings is not None and not patient.groups:
        yield info(
            "notice",
            "no floating address takes part on this host now",
            "floating_ip.enabled is false, or the interface is missing",
            "see 'vipservice check'",
        )


def igmp(patient: Patient) -> Iterator[Finding]:
    """A bridge of this host that passes multicast to who asked for it, while nobody asks who wants it."""
    for link in patient.links:
        name = link.interface.name
        for folder in (f"sys/class/net/{name}/bridge", f"sys/class/net/{name}/brport/bridge/bridge"):
            snooping = host.number(patient.root, f"{folder}/multicast_snooping")
            if snooping and not host.number(patient.root, f"{folder}/multicast_querier"):
                yield info(
                    "igmp",
                    f"the bridge of {name} snoops on IGMP and has no querier of its own",
                    "without a querier in the network it forgets who wants multicast; adverts use "
                    "224.0.0.254, "
                    "which bridges and switches flood all the same unless they are told otherwise",
                    "if multicast adverts are lost: a querier on the switch, or 'adverts.peers' in the "
                    "configuration",
                )


def _effective(patient: Patient, setting: str, name: str) -> int:
    """The greater of `all` and the interface's counts."""
    found = (host.sysctl(patient.root, f"net/ipv4/conf/{one}/{setting}") for one in ("all", name))
    return max(value or 0 for value in found)


def _addresses(group: ResolvedGroup) -> str:
    return ", ".join(str(one) for one in group.core.addresses)


def _macs(macs: frozenset[bytes]) -> str:
    return ", ".join(sorted(show_mac(mac) for mac in macs))
