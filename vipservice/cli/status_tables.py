"""What `vipservice status` says, as rows and sentences; who draws them decides how."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from vipservice.cli.asking import Answer

COLUMNS = ("GROUP", "ROLE", "FOR", "ADDRESS", "INTERFACE", "OWNER", "STANDBYS", "WHY")
NODE_COLUMNS = ("NODE", "GROUP", "ROLE", "PRIORITY", "HEARD", "HEARS US", "ADDRESS", "ROUND TRIP")

Row = tuple[str, ...]


def heading(status: Answer) -> str:
    """Which node this is."""
    return f"{status['name']}, vipservice {status['version']}, up for {ago(status['up_for'])}"


def group_rows(status: Answer) -> list[Row]:
    """A row for each group, as `COLUMNS` names its cells."""
    return [_group_row(group) for group in status["groups"]]


def node_rows(status: Answer) -> list[Row]:
    """A row for each other node of each group, as `NODE_COLUMNS` names its cells."""
    return [_node_row(group, node) for group in status["groups"] for node in group["nodes"]]


def sentences(status: Answer) -> Iterator[str]:
    """What deserves a look."""
    if not status["groups"] and not status["waiting"]:
        yield "no floating address is enabled"
    for group in status["groups"]:
        for kind, detail in group["conditions"].items():
            yield f"{group['name']}: {kind.replace('_', ' ')}: {detail}"
        for check in group.get("checks", ()):
            if check["state"] == "failing":
                yield f"{group['name']}: check {check['name']} fails: {check['detail']}"
        for hook in group.get("hooks", ()):
            if hook["result"] not in {None, "ok"}:
                words = hook["result"].replace("_", " ")
                yield f"{group['name']}: hook {hook['name']} for {hook['event']} {words}: {hook['output']}"
    yield from status["waiting"]
    yield from status["problems"]
    if not status["reload"]["ok"]:
        yield "the last reload failed; the configuration before it is in force"


def plans(status: Answer) -> Iterator[str]:
    """What would move an address by itself, and what holds that back; other words at each look."""
    for group in status["groups"]:
        for sentence in group["plans"]:
            yield f"{group['name']}: {sentence}"


def owner(group: dict[str, Any]) -> str:
    """Who has the address; whether several do is what matters most."""
    if group["owners_observed"] > 1:
        return f"{group['owners_observed']} OWNERS"
    return str(group["owner"] or "nobody")


def addresses(group: dict[str, Any]) -> str:
    """The addresses, with a word where kernel and role disagree."""
    return ", ".join(_address(group, one) for one in group["addresses"])


def echoes(group: dict[str, Any], address: str) -> Sequence[float | None]:
    """The last round trips to an address, oldest first, in seconds; None for a lost one."""
    for target in group["round_trips"]:
        if target["address"] == address:
            return list(target["recent"])
    return ()


def ago(seconds: float | None) -> str:
    """A duration as people say it, in its two largest units."""
    if seconds is None:
        return "never"
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, left = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {left}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h {minutes}m"
    return f"{hours // 24}d {hours % 24}h"


def printable(text: str) -> str:
    """Without control characters: names of nodes come from the network."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _group_row(group: dict[str, Any]) -> Row:
    row = (group["name"], group["role"], ago(group["since_ago"]), addresses(group), group["interface"])
    return (*row, owner(group), str(group["standbys"] or "none"), group["detail"])


def _address(group: dict[str, Any], one: dict[str, Any]) -> str:
    if group["role"] == "active" and not one["bound"]:
        return f"{one['address']} (not bound)"
    if group["role"] != "active" and one["bound"]:
        return f"{one['address']} (bound)"
    return str(one["address"])


def _node_row(group: dict[str, Any], node: dict[str, Any]) -> Row:
    role = node["role"] if node["fit"] else f"{node['role']} (unfit)"
    state = (role if node["living"] else "silent", str(node["priority"]), ago(node["heard_ago"]))
    trips = _median(echoes(group, node["address"]))
    return (node["name"], group["name"], *state, ago(node["hears_us_ago"]), node["address"], trips)


def _median(recent: Sequence[float | None]) -> str:
    """`0.21 ms`, with the count of the lost ones."""
    if not recent:
        return ""
    came = [rtt for rtt in recent if rtt is not None]
    lost = len(recent) - len(came)
    trips = f"{1000 * median(came):.2f}ms" if came else "no answer"
    return f"{trips}, {lost} of {len(recent)} lost" if lost else trips
