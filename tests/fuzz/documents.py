"""Targets that are files: the configuration, what the state directory holds, the journal of turns."""

import json
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from vipservice.adapters import state_documents
from vipservice.config.load import loads
from vipservice.config.problems import ConfigError
from vipservice.config.resolve import resolve
from vipservice.config.sections import SECTIONS
from vipservice.config.seen import SeenInterface
from vipservice.config.settings import Settings
from vipservice.config.show import show
from vipservice.core.actions import Turned
from vipservice.core.roles import Reason, Role
from vipservice.core.values import GroupId, Mac, NodeId
from vipservice.runtime.history import Forgetful, History
from vipservice.runtime.ports import StoredGroup, StoredPeer

Content = TypeVar("Content")

SOURCE = Path("vipservice.yml")
SEEN = (SeenInterface("eth0", True, False, (IPv4Interface("192.168.3.10/24"),)),)
LONGEST_SENTENCE = 1000


def configuration(data: bytes) -> None:
    """Settings, or sentences that say where and what; what resolves can be shown."""
    settings = _loaded(data)
    if settings is None:
        return
    with suppress(ConfigError):
        groups = resolve(settings, SEEN)
        show(settings, groups)


def identity(data: bytes) -> None:
    """identity.json."""
    _survives(data, state_documents.read_identity, state_documents.write_identity)


def groups(data: bytes) -> None:
    """groups.json."""
    _survives(data, state_documents.read_groups, state_documents.write_groups)


def peers(data: bytes) -> None:
    """peers.json."""
    _survives(data, state_documents.read_peers, state_documents.write_peers)


def history(data: bytes) -> None:
    """A line of the journal of an earlier life: kept or skipped, and what is told of it is JSON."""
    kept = History(8, Forgetful(), data.decode(errors="replace").splitlines())
    kept.started("0.1.0")
    json.loads(kept.to_json(), parse_constant=_no_json)


def _loaded(data: bytes) -> Settings | None:
    try:
        return loads(data, SOURCE)
    except ConfigError as refused:
        sentences = list(refused.sentences())
    assert sentences
    for sentence in sentences:
        assert "\n" not in sentence
        assert sentence.startswith(SOURCE.name)
        assert len(sentence) < LONGEST_SENTENCE
    return None


def _survives(data: bytes, read: Callable[[bytes], Content], write: Callable[[Content], bytes]) -> None:
    """What is read is written, and read again as the same."""
    try:
        found = read(data)
    except ValueError:
        return
    written = write(found)
    assert write(read(written)) == written


def _no_json(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is no JSON")


def _history_line() -> bytes:
    lines: list[str] = []

    class Kept(Forgetful):
        def append(self, line: str) -> None:
            lines.append(line)

    inputs: dict[str, Any] = {"term": 4, "nodes": [{"name": "node-b"}]}
    turn = Turned(GroupId(1), Role.PROBING, Role.ACTIVE, Reason.SILENCE_PROVED, "6 probes unanswered")
    History(7, Kept()).turned(turn, "vip", inputs)
    return lines[0].encode()


VIP = IPv4Address("192.168.3.234")
NODE = NodeId(b"n" * 16)
CONFIGURATIONS = (
    b"floating_ip:\n  enabled: true\n",
    b"node: {name: a}\nadverts: {group: 224.0.0.254, port: 61111, peers: [192.168.3.11]}\n"
    b"metrics: {listen: ':1'}\nlog: {level: info}\n"
    b"floating_ip:\n- {name: x, id: 1, ip: 192.168.3.234, lease: 3s, failback: 1m}\n",
)
IDENTITIES = (state_documents.write_identity(state_documents.Identity(NODE, 7)),)
GROUPS = (state_documents.write_groups({GroupId(1): StoredGroup(3, 5, (str(VIP),))}),)
PEERS = (
    state_documents.write_peers(
        [StoredPeer(NODE, "node-b", (Mac(b"\x02\0\0\0\0\x0b"),), VIP, "eth0", 1_795_348_994.5)]
    ),
)
HISTORIES = (_history_line(),)

JSON_WORDS = (
    b"null", b"true", b"NaN", b"-Infinity", b"-1", b"1e999", b"1" + b"0" * 310, b'"\\ud800"', b"[" * 90,
    b"{}", b'"":', b'"nan"', b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-23:59",
)  # fmt: skip
YAML_WORDS = (
    *(f"{key.name}: ".encode() for section in SECTIONS for key in section.keys),
    *(f"{section.name}:\n".encode() for section in SECTIONS),
    b"10.0.0.234", b"fd00::1", b"/24", b"100ms", b"1h", b"immediate",
    b"&a ", b"*a", b"<<: ", b"!!int ", b"? ",
)  # fmt: skip
