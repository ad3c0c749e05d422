"""Who answers for the address: nobody, the right node, a stranger, a gateway that answers for all."""

from collections.abc import Iterator
from ipaddress import IPv4Address

from vipservice.cli.diagnosis.findings import Finding, error, info, ok, warning
from vipservice.cli.diagnosis.patient import Link, Patient
from vipservice.config.settings import ResolvedGroup
from vipservice.core.settings import ProbeMode
from vipservice.core.values import Mac, show_mac

PROBE_OFF = ("floating_ip:", "  probe: off")


def address(patient: Patient) -> Iterator[Finding]:
    """Each floating address is free, or where it should be."""
    for group, one in patient.floating():
        link = patient.link(group.interface)
        if link is None or link.problem:
            continue
        if one not in link.answers:
            yield info("address", f"who answers for {one} was not asked: the daemon is asking just now")
            continue
        answered = link.answers[one] - patient.own_macs
        strangers = {mac for mac in answered if patient.peer_with(mac) is None}
        proxies = proxy_macs(link)
        if strangers - proxies:
            yield _stranger(one, min(strangers - proxies))
        elif strangers:
            yield info(
                "address", f"{one} is answered by {_shown(min(strangers))}, who answers for everything"
            )
        else:
            yield _held_by(patient, one, answered - strangers)
        yield from _suppressed(group, link, one)


def _stranger(one: IPv4Address, mac: Mac) -> Finding:
    return error(
        "address",
        f"{one} is answered by {_shown(mac)}, which is no node of this service",
        "as long as it answers nobody binds the address; and clients reach the stranger",
        "find it by its MAC (switch tables, 'ip neigh'): another host has the address by hand, by DHCP or by "
        "another program; or it is a node whose adverts never came (see below)",
    )


def _held_by(patient: Patient, one: IPv4Address, answered: frozenset[Mac]) -> Finding:
    names = sorted({peer.name for mac in answered if (peer := patient.peer_with(mac))})
    here = patient.holds(one)
    if (here and names) or len(names) > 1:
        holders = " and ".join((["this host"] if here else []) + names)
        return error(
            "address",
            f"{one} is answered by {holders}: several hosts have it",
            "each client talks to whichever it learned last",
            "compare 'vipservice status' on them; is the path between them blocked (see below)?",
        )
    if names:
        return ok("address", f"{one} is on {names[0]}")
    if here:
        return ok("address", f"{one} is on this host, and nobody else answers for it")
    return ok("address", f"{one} is free: nobody answers for it")


def _suppressed(group: ResolvedGroup, link: Link, one: IPv4Address) -> Iterator[Finding]:
    """Somebody answers a broadcast for the holder: a fabric that answers out of its own table."""
    asked = link.answers[one] and one in link.unicast_answers
    if asked and not link.unicast_answers[one] and not group.core.arp_suppression:
        yield warning(
            "arp_suppression",
            f"{one} is answered when everybody is asked, and not when its holder alone is",
            "a fabric (EVPN) may answer out of its own table for a host that is gone; a dead holder would "
            "seem alive",
            "if the network suppresses ARP, say so in the configuration:",
            ("floating_ip:", "  arp_suppression: true"),
        )


def proxy_macs(link: Link) -> frozenset[Mac]:
    """Who answers for addresses that nobody has; whoever does so for one of several may really have it."""
    if len(link.strays) < 2:
        return frozenset()
    return frozenset.intersection(*link.strays.values())


def proxy_arp(patient: Patient) -> Iterator[Finding]:
    """A gateway that answers for every address."""
    for link in patient.links:
        proxies = proxy_macs(link)
        if not proxies:
            if link.strays:
                yield ok(
                    "proxy_arp", f"nobody on {link.interface.name} answers for addresses that nobody has"
                )
            continue
        who = ", ".join(sorted(map(_shown, proxies)))
        groups = [group for group in patient.groups if group.interface == link.interface.name]
        fools_probes = any(proxies & macs for macs in link.stray_probes.values())
        blind = all(group.core.probe is ProbeMode.OFF for group in groups)
        if fools_probes and not blind:
            yield error(
                "proxy_arp",
                f"{who} on {link.interface.name} answers ARP for every address, probes included",
                "to a probe the address never looks free, so that nobody would ever bind it",
                "turn proxy ARP off there; where that cannot be done (clouds), let the lease decide instead:",
                PROBE_OFF,
            )
        elif fools_probes:
            yield ok("proxy_arp", f"{who} answers ARP for every address, and 'probe: off' reckons with it")
        else:
            yield warning(
                "proxy_arp",
                f"{who} on {link.interface.name} answers ARP for addresses that nobody has",
                "not for our probes, so the election works; but a client that asks while the address "
                "moves may "
                "learn the gateway's MAC instead of the holder's",
                "turn proxy ARP off on that gateway:",
                (
                    "sysctl -w net.ipv4.conf.all.proxy_arp=0   # and the interface's proxy_arp, "
                    "proxy_arp_pvlan",
                ),
            )


def unseen(patient: Patient) -> Iterator[Finding]:
    """What could not be looked at on a link, and why."""
    for link in patient.links:
        if link.problem:
            yield info(
                "link",
                f"nothing was looked at on {link.interface.name}: {link.problem}",
                "who answers for the address, and which adverts arrive, is not known",
                "run the doctor with sudo",
            )


def _shown(mac: Mac) -> str:
    return show_mac(mac)
