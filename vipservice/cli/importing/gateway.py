"""The `floating_ip` block of INFINI Gateway's gateway.yml to ours."""

from pathlib import Path

from vipservice.cli.importing.draft import Draft, Group
from vipservice.config.nodes import Listing, Mapping, Node, Scalar
from vipservice.config.problems import ConfigError, Problem
from vipservice.config.yaml_reader import read_yaml

CARRIED = ("ip", "netmask", "interface", "priority")
TRUE = {"true", "yes", "on"}
MEANINGLESS = {
    "local_ip": "local_ip: the host's own address is detected",
    "echo": "echo: adverts and ARP take the place of the echo over TCP",
    "echo_port": "echo_port: adverts and ARP take the place of the echo over TCP",
    "broadcast": "broadcast: adverts have a group and a port of their own (adverts.group, adverts.port)",
}


def read_gateway(content: bytes, source: Path) -> Draft:
    """Take the block out of a gateway.yml.

    Raises:
        ConfigError: It is no YAML, or has no such block.
    """
    root = read_yaml(content, source).root
    draft = Draft()
    for entry in root.entries:
        if entry.key != "floating_ip":
            draft.note("the gateway's other sections are not about the address", entry.line)
        elif isinstance(entry.value, Mapping):
            draft.groups.append(_group(draft, entry.value))
    if not draft.groups:
        raise ConfigError(source, [Problem(0, "", "has no 'floating_ip' mapping")])
    return draft


def _group(draft: Draft, block: Mapping) -> Group:
    said = {entry.key: (entry.line, entry.value) for entry in block.entries}
    group: Group = {"enabled": _text(said, "enabled").lower() in TRUE, "id": len(draft.groups) + 1}
    group["name"] = f"vip-{group['id']}"
    for key in CARRIED:
        if value := _text(said, key):
            group[key] = value
    group["failback"] = "immediate" if _text(said, "forced_by_priority").lower() in TRUE else "never"
    if peer := _text(said, "peer_ip"):
        draft.peers.append(peer)
    for key, (line, _) in said.items():
        if key not in {"enabled", "peer_ip", "forced_by_priority", *CARRIED}:
            draft.note(MEANINGLESS.get(key, f"{key[:40]}: has no meaning here"), line)
    return group


def _text(said: dict[str, tuple[int, Node]], key: str) -> str:
    """A single value as it is written; nothing where it is none."""
    if key not in said:
        return ""
    value = said[key][1]
    if isinstance(value, Listing) and len(value.items) == 1:
        value = value.items[0]
    return value.text.strip() if isinstance(value, Scalar) and not value.is_null else ""
