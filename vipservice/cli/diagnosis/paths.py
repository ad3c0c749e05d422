"""Adverts in both directions with each peer, by multicast and unicast: which path is blocked, and where."""

from collections.abc import Iterator
from ipaddress import IPv4Address
from itertools import chain

from vipservice.cli.diagnosis import firewall
from vipservice.cli.diagnosis.findings import Finding, Severity, info, ok, warning
from vipservice.cli.diagnosis.patient import Link, Patient, Peer
from vipservice.core.messages import Path

_MULTICAST_TOO = (
    "; if it is neither's firewall: a switch that snoops on IGMP without a querier, or a network without "
    "multicast, for which there is 'adverts.peers'"
)


def paths(patient: Patient) -> Iterator[Finding]:
    """A finding for each peer that is well, and for each path of the others that is not."""
    if patient.settings is None or not patient.links:
        return
    if not patient.peers:
        yield from _alone(patient)
    for peer in patient.peers:
        link = patient.link(peer.interface)
        if link is None or (link.problem and patient.status is None):
            continue
        if not any(peer.heard_by.values()) and not _arrives(link, peer):
            yield _silent(link, peer)
            continue
        blocked = [
            *_blocked(patient, link, peer, inwards=True),
            *_blocked(patient, link, peer, inwards=False),
        ]
        yield from blocked or _well(patient, peer)


def _well(patient: Patient, peer: Peer) -> Iterator[Finding]:
    heard = ", ".join(path.value for path in _ordinary(patient) if peer.heard_by.get(path))
    yield ok("paths", f"{peer.name} ({peer.address}): heard by {heard}{_told(patient, peer)}")
    if not peer.hears_us_by:
        yield _untold(patient, peer)
    elif not (peer.heard_by.get(Path.RAW) and peer.hears_us_by.get(Path.RAW)):
        yield info(
            "paths",
            f"{peer.name}: raw frames (EtherType 0x88B5) do not pass in both directions",
            "they are the third path, for the day on which both others are blocked",
            "clouds drop everything but IP; elsewhere look for a filter by EtherType",
        )


def _told(patient: Patient, peer: Peer) -> str:
    if not peer.hears_us_by:
        return ""
    return ", hears us by " + ", ".join(
        path.value for path in _ordinary(patient) if peer.hears_us_by.get(path)
    )


def _untold(patient: Patient, peer: Peer) -> Finding:
    if patient.status is None:
        reason, remedy = "no daemon runs here that it could hear", "run the doctor again when it does"
    else:
        reason, remedy = "it did not answer (an older release does not)", "run the doctor there, too"
    return info("paths", f"{peer.name}: whether it hears us is not known: {reason}", do=remedy)


def _blocked(patient: Patient, link: Link, peer: Peer, *, inwards: bool) -> Iterator[Finding]:
    """A finding for the paths that are dropped at one place, and one for those at another."""
    known = peer.heard_by if inwards else peer.hears_us_by
    dead = [path for path in _ordinary(patient) if known.get(path) is False]
    for ours in (True, False, None):
        there = [path for path in dead if _dropped_here(link, peer, path, inwards=inwards) is ours]
        if there:
            all_dead = not any(known.get(path) for path in _ordinary(patient))
            severity = Severity.ERROR if all_dead else Severity.WARNING
            yield _finding(patient, link, peer, there, inwards=inwards, ours=ours, severity=severity)


def _finding(
    patient: Patient,
    link: Link,
    peer: Peer,
    dead: list[Path],
    *,
    inwards: bool,
    ours: bool | None,
    severity: Severity,
) -> Finding:
    way = f"from {peer.name} to this node" if inwards else f"from this node to {peer.name}"
    known = peer.heard_by if inwards else peer.hears_us_by
    alive = " and ".join(path.value for path in Path if known.get(path))
    there = f"on {peer.name} ({'outgoing' if inwards else 'incoming'})"
    place = "here" if ours else there if ours is False else f"here ({'in' if inwards else 'out'}) and {there}"
    return Finding(
        "paths",
        severity,
        f"{' and '.join(path.value for path in dead)} adverts do not pass {way}; "
        + (f"{alive} does" if alive else "nothing does"),
        f"{_where(link, peer, inwards=inwards, ours=ours)}. One path is enough for the election; when "
        "none is "
        "left, only probes and the lease decide, and a planned move takes seconds instead of milliseconds",
        f"let them pass {place}{_MULTICAST_TOO if Path.MULTICAST in dead and not ours else ''}:",
        _rules(patient, link, peer, inwards=inwards, here=ours is not False),
    )


def _dropped_here(link: Link, peer: Peer, path: Path, *, inwards: bool) -> bool | None:
    """Whether this host itself drops them: they come to its interface, or never leave it; None: not seen."""
    if link.problem:
        return None
    if inwards:
        return any(one.path is path and not one.outgoing and one.mac in peer.macs for one in link.passed)
    sent = (one for one in link.passed if one.path is path and one.outgoing)
    return not any(path is not Path.UNICAST or one.destination == peer.address for one in sent)


def _where(link: Link, peer: Peer, *, inwards: bool, ours: bool | None) -> str:
    name = link.interface.name
    match inwards, ours:
        case _, None:
            return "whose firewall drops them was not seen (run the doctor with sudo)"
        case True, True:
            return f"they arrive at {name}, and this host's firewall drops them"
        case True, False:
            return f"they do not arrive at {name}: {peer.name} does not send them, or the network drops them"
        case False, True:
            return f"they do not leave {name}: this host's firewall drops them"
    return f"they leave {name}: {peer.name}'s firewall or the network drops them"


def _rules(patient: Patient, link: Link, peer: Peer, *, inwards: bool, here: bool) -> tuple[str, ...]:
    """For the host that drops them: by sender where they come in, by port where they go out."""
    assert patient.settings is not None
    name, port = link.interface.name, patient.settings.adverts.port
    if inwards is not here:
        return tuple(firewall.outbound(port, name))
    return tuple(firewall.inbound(peer.address if inwards else link.own.ip, port, name))


def _silent(link: Link, peer: Peer) -> Finding:
    last = f", last seen {peer.last_seen}" if peer.last_seen else ""
    answered = link.answers.get(peer.address) if isinstance(peer.address, IPv4Address) else None
    if answered is None:
        state = "whether its host is there was not asked"
    elif answered:
        state = "its host answers ARP, so its daemon does not run, or everything between the two is blocked"
    else:
        state = "its host does not answer ARP either: it is off, cut off, or has another address now"
    return warning(
        "paths",
        f"{peer.name} ({peer.address}) is not heard by any path{last}",
        f"{state}. There is nobody, or one fewer, to take over",
        "start it; if it won't come back:",
        (f"vipservice forget {peer.name}",),
    )


def _alone(patient: Patient) -> Iterator[Finding]:
    listened = f"{patient.listened:.0f}s"
    own = chain.from_iterable((one for one in link.passed if one.outgoing) for link in patient.links)
    if any(link.problem for link in patient.links):
        return
    sent = "this node advertises, and " if any(own) else ""
    yield warning(
        "paths",
        f"{sent}no other node was heard in {listened}",
        "alone there is nobody to take over; where another node runs, its adverts don't arrive by any "
        "path, and "
        "only probes keep the two from having the address both",
        "start the other node, or run the doctor there, too",
    )


def _arrives(link: Link, peer: Peer) -> bool:
    return any(not one.outgoing and one.mac in peer.macs for one in link.passed)


def _ordinary(patient: Patient) -> tuple[Path, ...]:
    """The paths by which adverts travel while all is well: with `peers` there is no multicast."""
    unicast_only = patient.settings is not None and patient.settings.adverts.peers
    return (Path.UNICAST,) if unicast_only else (Path.MULTICAST, Path.UNICAST)
