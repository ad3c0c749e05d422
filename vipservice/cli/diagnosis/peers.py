"""Who the other nodes are, and by which paths they are heard: by the daemon, or by us in its place."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from vipservice.cli.asking import Answer
from vipservice.cli.diagnosis.identities import heard
from vipservice.cli.diagnosis.looking import Look, Received
from vipservice.cli.diagnosis.patient import Link, Peer
from vipservice.cli.status_tables import printable
from vipservice.core.messages import Path
from vipservice.core.values import Mac
from vipservice.runtime.ports import StoredPeer
from vipservice.runtime.status import rfc3339
from vipservice.wire.errors import DecodeError
from vipservice.wire.signing import Keyring, read

SLACK = 0.2
"""Seconds that a word may be older than the question for it: an advert was on its way already."""

LONG = 3.0
"""Seconds; whoever names us as heard that long ago does not hear us: backups advertise each second."""


def from_daemon(status: Answer, took: float) -> tuple[Peer, ...]:
    """The peers as the daemon knows them.

    Args:
        status: Its answer after the peers were asked.
        took: Seconds since then.
    """
    return tuple(_known(peer, took + SLACK) for peer in status["peers"])


def _known(peer: Mapping[str, Any], since: float) -> Peer:
    told = _within(peer.get("told_ago"), since)
    by_path = peer.get("heard_by", {})
    came = {path: _within(by_path.get(path.value), since) for path in Path}
    # Who was not asked, or did not answer, may never have sent by unicast or raw.
    heard_by = came if told else {path: yes for path, yes in came.items() if yes or path is Path.MULTICAST}
    return Peer(
        node_id=peer["node_id"],
        name=printable(peer["name"]),
        address=ip_address(peer["address"]),
        interface=peer["interface"],
        macs=frozenset(Mac(bytes.fromhex(mac.replace(":", ""))) for mac in peer.get("macs", ())),
        heard_by=heard_by,
        hears_us_by=_hears_us(peer, told, since),
        last_seen=peer["last_seen"] or "",
    )


def _hears_us(peer: Mapping[str, Any], told: bool, since: float) -> dict[Path, bool]:
    if told:
        return {path: _within(peer["hears_us_by"][path.value], since) for path in Path}
    if _within(peer["hears_us_ago"], max(since, LONG)):
        return {}  # by some path; it does not say by which
    return dict.fromkeys(Path, False)


def _within(ago: float | None, since: float) -> bool:
    return ago is not None and ago <= since


def from_listening(look: Look, keyring: Keyring, stored: Sequence[StoredPeer]) -> tuple[Peer, ...]:
    """The peers that were heard in the daemon's place, and those that it remembers."""
    received = _received(look.received, keyring)
    found = {peer.node_id: peer for link in look.links for peer in _heard(link, keyring, received)}
    for one in stored:
        found.setdefault(one.node.hex(), _remembered(one))
    return tuple(found.values())


def _received(received: Iterable[Received], keyring: Keyring) -> set[tuple[str, Path]]:
    """Which nodes came to the sockets by which path."""
    came = set()
    for payload, path in received:
        try:
            came.add((read(payload, keyring).node.hex(), path))
        except DecodeError:
            continue
    return came


def _heard(link: Link, keyring: Keyring, received: set[tuple[str, Path]]) -> Iterable[Peer]:
    for one in heard(link, keyring):
        if one.trouble:
            continue  # a finding of its own
        node = one.advert.node.hex()
        arrived = {passed.path for passed in link.passed if passed.mac == one.mac and not passed.outgoing}
        heard_by = {path: path is Path.RAW or (node, path) in received for path in Path if path in arrived}
        yield Peer(
            node_id=node,
            name=printable(one.advert.name),
            address=one.advert.address,
            interface=link.interface.name,
            macs=frozenset((one.mac, *one.advert.macs)),
            heard_by={Path.MULTICAST: False} | heard_by,
            hears_us_by={},
        )


def _remembered(one: StoredPeer) -> Peer:
    return Peer(
        node_id=one.node.hex(),
        name=printable(one.name),
        address=one.address,
        interface=one.interface,
        macs=frozenset(one.macs),
        heard_by={Path.MULTICAST: False},
        hears_us_by={},
        last_seen=rfc3339(one.last_seen) if one.last_seen else "",
    )
