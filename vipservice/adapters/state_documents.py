"""State files as bytes: JSON, `{"version": 1, "content": ...}`. Pure; ValueError for what makes no sense."""

import json
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import cast

from vipservice.core.frozen import dataclass
from vipservice.core.values import GroupId, Mac, NodeId
from vipservice.runtime.ports import StoredGroup, StoredPeer

VERSION = 1

_FAR_FUTURE = 1e15
"""Seconds since the epoch; JSON has greater numbers, and such as no float takes."""

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this node is, and in which of its lives."""

    node: NodeId
    incarnation: int


def write_identity(identity: Identity) -> bytes:
    """Write identity.json."""
    return _write({"node": identity.node.hex(), "incarnation": identity.incarnation})


def read_identity(text: bytes) -> Identity:
    """Read identity.json.

    Raises:
        ValueError: It is none; the reason in words.
    """
    content = _object(_read(text))
    return Identity(NodeId(_hex(content, "node", 16)), _count(content, "incarnation"))


def write_groups(groups: Mapping[GroupId, StoredGroup]) -> bytes:
    """Write groups.json, an object by group id."""
    return _write(
        {
            str(group): {
                "own_term": stored.own_term,
                "reserved_term": stored.reserved_term,
                "addresses": list(stored.addresses),
                "maintenance": stored.maintenance,
            }
            for group, stored in sorted(groups.items())
        }
    )


def read_groups(text: bytes) -> dict[GroupId, StoredGroup]:
    """Read groups.json.

    Raises:
        ValueError: It is none; the reason in words.
    """
    groups = _object(_read(text))
    return {GroupId(int(group)): _read_group(_object(content)) for group, content in groups.items()}


def write_peers(peers: Sequence[StoredPeer]) -> bytes:
    """Write peers.json, a list."""
    return _write([_write_peer(peer) for peer in peers])


def read_peers(text: bytes) -> tuple[StoredPeer, ...]:
    """Read peers.json.

    Raises:
        ValueError: It is none; the reason in words.
    """
    return tuple(_read_peer(_object(content)) for content in _list(_read(text)))


def _read_group(content: dict[str, Json]) -> StoredGroup:
    addresses = tuple(str(ip_address(_text(value))) for value in _list(content.get("addresses")))
    terms = _count(content, "own_term"), _count(content, "reserved_term")
    return StoredGroup(*terms, addresses, _switch(content, "maintenance"))


def _write_peer(peer: StoredPeer) -> Json:
    return {
        "node": peer.node.hex(),
        "name": peer.name,
        "macs": [mac.hex(":") for mac in peer.macs],
        "address": str(peer.address),
        "interface": peer.interface,
        "last_seen": peer.last_seen,
    }


def _read_peer(content: dict[str, Json]) -> StoredPeer:
    macs = tuple(Mac(_bytes(_text(mac).replace(":", ""), 6)) for mac in _list(content.get("macs")))
    return StoredPeer(
        NodeId(_hex(content, "node", 16)),
        _text(content.get("name")),
        macs,
        ip_address(_text(content.get("address"))),
        _text(content.get("interface")),
        _moment(content, "last_seen"),
    )


def _write(content: object) -> bytes:
    return json.dumps({"version": VERSION, "content": content}, indent=1).encode() + b"\n"


def _read(text: bytes) -> Json:
    """Take the content out of its versioned envelope."""
    try:
        envelope = _object(cast("Json", json.loads(text)))
    except RecursionError:
        raise ValueError("too deeply nested") from None
    if envelope.get("version") != VERSION:
        raise ValueError(f"version {envelope.get('version')!r}, not {VERSION}")
    return envelope.get("content")


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise ValueError(f"{_kind(value)} where an object was expected")
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise ValueError(f"{_kind(value)} where a list was expected")
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{_kind(value)} where a text was expected")
    return value


def _kind(value: Json) -> str:
    return "nothing" if value is None else type(value).__name__


def _count(content: dict[str, Json], key: str) -> int:
    value = content.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**64:
        raise ValueError(f"{key} is {value!r}")
    return value


def _switch(content: dict[str, Json], key: str) -> bool:
    """Read a yes or no; what an earlier version did not write is a no."""
    value = content.get(key, False)
    if not isinstance(value, bool):
        raise ValueError(f"{key} is {value!r}")
    return value


def _moment(content: dict[str, Json], key: str) -> float:
    value = content.get(key)
    if not isinstance(value, int | float) or not abs(value) < _FAR_FUTURE:
        raise ValueError(f"{key} is no moment")
    return float(value)


def _hex(content: dict[str, Json], key: str, length: int) -> bytes:
    return _bytes(_text(content.get(key)), length)


def _bytes(text: str, length: int) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != length:
        raise ValueError(f"{text!r} has {len(value)} bytes, not {length}")
    return value
