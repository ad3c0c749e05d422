"""Loads a configuration file: YAML in, frozen Settings out, or one ConfigError with everything that is wrong.

Nothing here looks at the machine except for its host name; `resolve` does what needs interfaces.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from vipservice.config import group_keys
from vipservice.config.floating_ip import across_groups, group_notices, read_groups
from vipservice.config.nodes import Mapping, Node, quoted
from vipservice.config.problems import ConfigError, Problem, RefusedError
from vipservice.config.schema import Key, Section, Values, lines_below, read_mapping
from vipservice.config.sections import (
    ADVERTS,
    FLOATING_IP,
    KEYS,
    LOG,
    METRICS,
    NODE,
    PEERS,
    SECTIONS,
    make_adverts,
    make_log,
    make_metrics,
    make_node,
)
from vipservice.config.settings import FloatingIpSettings, Settings
from vipservice.config.yaml_reader import read_file, read_yaml
from vipservice.core.values import Address

Groups = list[tuple[FloatingIpSettings, Values]]


def load(path: Path) -> Settings:
    """Read and check a configuration file.

    Raises:
        ConfigError: With every problem of the file.
    """
    return loads(read_file(path), path)


def loads(text: str | bytes, source: Path) -> Settings:
    """Read and check a configuration that is already in memory; `source` is what errors call it.

    Raises:
        ConfigError: With every problem of the text.
    """
    content = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    document = read_yaml(content, source)
    top, problems = read_mapping(document.root, TOP_KEYS)
    problems += document.problems
    node, adverts, metrics, log = (
        _section(top, section, problems) for section in (NODE, ADVERTS, METRICS, LOG)
    )
    groups = _groups(top, problems)
    problems += across_groups(groups)
    problems += _peer_is_floating(groups, adverts)
    problems += _key_ids_twice(adverts)
    if problems:
        raise ConfigError(source, problems)
    peers, notices = _peers(groups, adverts)
    return Settings(
        source=source,
        groups=tuple(group for group, _ in groups),
        node=make_node(node),
        adverts=replace(make_adverts(adverts), peers=peers),
        metrics=make_metrics(metrics),
        log=make_log(log),
        notices=(*(notice for group in groups for notice in group_notices(*group)), *notices),
        lines=dict(lines_below("", document.root)),
    )


def _as_written(node: Node) -> Node:
    return node


TOP_KEYS: tuple[Key[Any], ...] = tuple(
    Key(section.name, _as_written, Mapping(0, ()), "a mapping below it", section.doc) for section in SECTIONS
)


def _section(top: Values, section: Section, problems: list[Problem]) -> Values:
    """Read one of the mappings beside `floating_ip`; without it, or where it is bad, all is default."""
    written: Node = top.values[section.name]
    try:
        values, found = read_mapping(written, section.keys)
    except RefusedError as error:
        values, found = read_mapping(Mapping(0, ()), section.keys)[0], list(error.problems)
    problems += (problem.under(section.name) for problem in found)
    return values


def _groups(top: Values, problems: list[Problem]) -> Groups:
    if FLOATING_IP.name not in top.lines or FLOATING_IP.name in top.bad:
        return []
    groups, found = read_groups(top.values[FLOATING_IP.name])
    problems += found
    return groups


def _peer_is_floating(groups: Groups, adverts: Values) -> Iterator[Problem]:
    floating = {address: group.key_path for group, _ in groups for address in group.ip or ()}
    peers = adverts[PEERS]
    for index, peer in enumerate(peers):
        if peer in floating:
            found = f"found {quoted(str(peer))}, which is a floating address of {floating[peer]}"
            key_path = f"{ADVERTS.name}.{PEERS.name}[{index}]"
            yield Problem(adverts.lines[PEERS.name], key_path, found, "write the node's own address")
    for group, values in groups:
        if (peer_ip := values[group_keys.PEER_IP]) in floating:
            name = group_keys.PEER_IP.name
            found = f"found {quoted(str(peer_ip))}, which is a floating address"
            yield Problem(
                values.lines[name], f"{group.key_path}.{name}", found, "write the node's own address"
            )


def _key_ids_twice(adverts: Values) -> Iterator[Problem]:
    seen: set[int] = set()
    keys = adverts[KEYS]
    for index, key in enumerate(keys):
        if key.id in seen:
            key_path = f"{ADVERTS.name}.{KEYS.name}[{index}].id"
            yield Problem(
                adverts.lines[KEYS.name], key_path, f"found {key.id} a second time", "give each key its own"
            )
        seen.add(key.id)


def _peers(groups: Groups, adverts: Values) -> tuple[tuple[Address, ...], list[str]]:
    """Add what INFINI Gateway calls `peer_ip` to the peers, where none are written."""
    written_peers = adverts[PEERS]
    peers = list(written_peers)
    written = PEERS.name in adverts.lines
    notices = []
    for group, values in groups:
        peer = values[group_keys.PEER_IP]
        if peer is None:
            continue
        said = "without effect beside 'adverts.peers'" if written else "used as an entry of 'adverts.peers'"
        notices.append(f"{group.key_path}.peer_ip (line {values.lines['peer_ip']}): {said}")
        if not written and peer not in peers:
            peers.append(peer)
    return tuple(peers), notices
