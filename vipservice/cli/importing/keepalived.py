"""keepalived.conf(5) to ours: each vrrp_instance a group, a vrrp_sync_group on one interface one of them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vipservice.cli.importing.addresses import take_addresses
from vipservice.cli.importing.blocks import Statement, parse
from vipservice.cli.importing.checks import track_interface, track_process, track_script
from vipservice.cli.importing.commands import argv
from vipservice.cli.importing.draft import KEYS_HINT, Draft, Group
from vipservice.cli.importing.numbers import seconds, whole

GREATEST_PRIORITY = 254
OCCASIONS = {
    "notify_master": ["active"],
    "notify_backup": ["backup"],
    "notify_fault": ["fault"],
    "notify": None,
}
SCRIPTS = {"vrrp_script": "vrrp_script", "vrrp_track_process": "vrrp_track_process"}

BALANCING = "balancing load is not about the address: it stays keepalived's (or HAProxy's, nginx's)"
STATIC = "addresses and routes of the host itself belong into the host's own configuration"
FOREIGN = {
    "virtual_server": BALANCING,
    "virtual_server_group": BALANCING,
    "static_ipaddress": STATIC,
    "static_routes": STATIC,
    "static_rules": STATIC,
    "global_defs": "global_defs: mail, names and paths of keepalived",
}
MEANINGLESS = {
    "state": "state: nobody begins as the owner, the greatest priority takes a free address",
    "authentication": f"authentication: {KEYS_HINT}",
    "smtp_alert": "smtp_alert: mail is the business of alerts (docs/runbooks.md), or of a hook",
    "use_vmac": "use_vmac: there is no virtual MAC, gratuitous ARP moves the address",
    "virtual_routes": "virtual_routes: let a hook set routes",
    "virtual_rules": "virtual_rules: let a hook set rules",
    "unicast_src_ip": "unicast_src_ip: the host's own address is detected",
    "mcast_src_ip": "mcast_src_ip: the host's own address is detected",
    "notify_stop": "notify_stop: no hook runs when the daemon stops",
    "track_file": "track_file: use a check of your own ('command' or 'file')",
}


def read_keepalived(text: str, source: Path) -> Draft:
    """Turn keepalived's configuration into a draft of ours.

    Raises:
        ConfigError: It cannot be read, with the line.
    """
    return _Keepalived(parse(text, source)).draft


Rule = Callable[["_Keepalived", Group, Statement], None]


class _Keepalived:
    def __init__(self, statements: Sequence[Statement]) -> None:
        self.draft = Draft()
        self._found = {keyword: _named(statements, keyword) for keyword in SCRIPTS}
        self._together = [one for one in statements if one.keyword == "vrrp_sync_group"]
        for statement in statements:
            self._take(statement)
        for together in self._together:
            self._join(together)

    def _take(self, statement: Statement) -> None:
        match statement.keyword:
            case "vrrp_instance":
                self._instance(statement)
            case "vrrp_script" | "vrrp_track_process" | "vrrp_sync_group":
                pass  # read where they are named
            case keyword:
                self._foreign(keyword, statement.line)

    def _foreign(self, keyword: str, line: int) -> None:
        if keyword.startswith("@"):
            self.draft.note("lines for one configuration id (@...) are left out", line)
        else:
            self.draft.note(
                FOREIGN.get(keyword) or MEANINGLESS.get(keyword) or f"{shown(keyword)}: has no meaning here",
                line,
            )

    def _instance(self, statement: Statement) -> None:
        draft = self.draft
        name = statement.arguments[0] if statement.arguments else f"vip-{len(draft.groups) + 1}"
        group: Group = {
            "enabled": True,
            "id": 1,
            "name": name,
            "ip": [],
            "priority": 100,
            "failback": "immediate",
        }
        for inner in statement.block:
            if rule := RULES.get(inner.keyword):
                rule(self, group, inner)
            else:
                self._foreign(inner.keyword, inner.line)
        if not group["ip"]:
            draft.note(f"vrrp_instance {shown(name)} has no IPv4 address and is left out", statement.line)
            return
        self._number(group, statement.line)
        draft.groups.append({key: group[key] for key in ORDER if key in group})

    def _number(self, group: Group, line: int) -> None:
        """An id of its own, which keepalived wants only on each interface."""
        used = {one["id"] for one in self.draft.groups}
        if group["id"] in used:
            free = next((number for number in range(1, 256) if number not in used), group["id"])
            told = f"{shown(group['name'])}: id {group['id']} is taken, so it has {free}"
            self.draft.note(f"{told}: write the same on every node", line)
            group["id"] = free

    # What an instance says

    def interface(self, group: Group, statement: Statement) -> None:
        if statement.arguments:
            group["interface"] = statement.arguments[0]

    def router_id(self, group: Group, statement: Statement) -> None:
        group["id"] = self._whole(statement) or group["id"]

    def priority(self, group: Group, statement: Statement) -> None:
        found = self._whole(statement)
        if found is not None:
            group["priority"] = min(found, GREATEST_PRIORITY)

    def advert_interval(self, group: Group, statement: Statement) -> None:
        found = seconds(statement.arguments[0]) if statement.arguments else None
        if found is None:
            self.draft.note(f"{statement.keyword}: is no number of seconds", statement.line)
        else:
            group["advert_interval"] = found

    def nopreempt(self, group: Group, _statement: Statement) -> None:
        group["failback"] = "never"

    def preempt_delay(self, group: Group, statement: Statement) -> None:
        found = seconds(statement.arguments[0]) if statement.arguments else None
        if found not in {None, "0ms"} and group["failback"] != "never":
            group["failback"] = found

    def peers(self, _group: Group, statement: Statement) -> None:
        for peer in statement.block:
            if peer.keyword not in self.draft.peers:
                self.draft.peers.append(peer.keyword)
            if peer.arguments:
                self.draft.note("unicast_peer: only the peers' addresses are taken", peer.line)

    def addresses(self, group: Group, statement: Statement) -> None:
        take_addresses(self.draft, group, statement)

    def scripts(self, group: Group, statement: Statement) -> None:
        track_script(self.draft, group, statement, self._found["vrrp_script"])

    def processes(self, group: Group, statement: Statement) -> None:
        track_process(self.draft, group, statement, self._found["vrrp_track_process"])

    def interfaces(self, group: Group, statement: Statement) -> None:
        track_interface(self.draft, group, statement)

    def refresh(self, group: Group, statement: Statement) -> None:
        found = seconds(statement.arguments[0]) if statement.arguments else None
        if found not in {None, "0ms"}:
            group["announce"] = {"refresh": found}

    def notify(self, group: Group, statement: Statement) -> None:
        self._hook(group, statement, statement.keyword)

    def nothing(self, _group: Group, _statement: Statement) -> None:
        """What is so with us anyway."""

    def _hook(self, group: Group, statement: Statement, name: str) -> None:
        program = argv(statement.arguments[0]) if len(statement.arguments) == 1 else list(statement.arguments)
        if not program or not program[0].startswith("/"):
            self.draft.note(
                f"{statement.keyword}: names no program that runs without a shell", statement.line
            )
            return
        hooks = group.setdefault("hooks", [])
        if any(hook["name"] == name for hook in hooks):
            name = f"{name} {len(hooks) + 1}"
        hook: dict[str, Any] = {"run": program, "name": name}
        if occasions := OCCASIONS[statement.keyword]:
            hook["on"] = list(occasions)
        else:
            self.draft.note(
                "notify: the program gets what happened as JSON and in its environment, not as arguments",
                statement.line,
            )
        hooks.append(hook)

    def _whole(self, statement: Statement) -> int | None:
        found = whole(statement.arguments[0]) if statement.arguments else None
        if found is None:
            self.draft.note(f"{statement.keyword}: is no whole number", statement.line)
        return found

    # What moves together

    def _join(self, together: Statement) -> None:
        names = [one.keyword for inner in together.block if inner.keyword == "group" for one in inner.block]
        groups = [one for one in self.draft.groups if one["name"] in names]
        title = shown(together.arguments[0]) if together.arguments else ""
        if not groups or len({one.get("interface") for one in groups}) > 1:
            why = "its instances are on several interfaces, and move apart here, without its scripts"
            why = why if groups else "names no instance that is imported"
            self.draft.note(f"vrrp_sync_group {title}: {why}", together.line)
            return
        first, *rest = groups
        for other in rest:
            merge(first, other)
            self.draft.groups.remove(other)
        if rest:
            told = f"vrrp_sync_group {title}: one group with the settings of {shown(first['name'])}"
            self.draft.note(told, together.line)
        for inner in together.block:
            if inner.keyword in OCCASIONS:
                self._hook(first, inner, f"{inner.keyword} of the sync group")
            elif inner.keyword != "group":
                self._foreign(inner.keyword, inner.line)


def merge(first: Group, other: Group) -> None:
    """Let what `other` has move with `first`; both have names of their own for checks and hooks."""
    first["ip"] += [address for address in other["ip"] if address not in first["ip"]]
    for key in ("checks", "hooks"):
        theirs = [one for one in other.get(key, []) if one not in first.get(key, [])]
        taken = {one["name"] for one in first.get(key, [])}
        renamed = [
            one if one["name"] not in taken else {**one, "name": f"{one['name']} {other['name']}"}
            for one in theirs
        ]
        if renamed:
            first[key] = [*first.get(key, []), *renamed]


def shown(word: str) -> str:
    """A word of theirs for a sentence: short and printable."""
    return "".join(c if c.isprintable() else "?" for c in word[:40])


def _named(statements: Sequence[Statement], keyword: str) -> Mapping[str, Statement]:
    return {one.arguments[0]: one for one in statements if one.keyword == keyword and one.arguments}


ORDER = (
    "enabled", "id", "name", "ip", "netmask", "interface", "priority", "failback", "advert_interval",
    "announce", "checks", "hooks",
)  # fmt: skip
RULES: dict[str, Rule] = {
    "interface": _Keepalived.interface,
    "virtual_router_id": _Keepalived.router_id,
    "priority": _Keepalived.priority,
    "advert_int": _Keepalived.advert_interval,
    "nopreempt": _Keepalived.nopreempt,
    "preempt": _Keepalived.nothing,
    "preempt_delay": _Keepalived.preempt_delay,
    "unicast_peer": _Keepalived.peers,
    "virtual_ipaddress": _Keepalived.addresses,
    "virtual_ipaddress_excluded": _Keepalived.addresses,
    "track_script": _Keepalived.scripts,
    "track_process": _Keepalived.processes,
    "track_interface": _Keepalived.interfaces,
    "garp_master_refresh": _Keepalived.refresh,
    "version": _Keepalived.nothing,
    **dict.fromkeys(OCCASIONS, _Keepalived.notify),
}
