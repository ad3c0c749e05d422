"""virtual_ipaddress of keepalived.conf(5): addresses with a mask, an interface, a label."""

from ipaddress import IPv4Interface

from vipservice.cli.importing.blocks import Statement
from vipservice.cli.importing.draft import Draft, Group

HOST_MASK = 32


def take_addresses(draft: Draft, group: Group, statement: Statement) -> None:
    """Add the IPv4 addresses of a block to a group; a mask where all of them have the same."""
    masks = set()
    for entry in statement.block:
        taken = _address(draft, group, entry)
        if taken is None:
            continue
        address = str(taken.ip)
        masks.add(taken.network.prefixlen)
        if address not in group["ip"]:
            group["ip"].append(address)
    if len(masks) == 1 and masks != {HOST_MASK}:
        group["netmask"] = f"/{masks.pop()}"


def _address(draft: Draft, group: Group, entry: Statement) -> IPv4Interface | None:
    try:
        taken = IPv4Interface(entry.keyword)
    except ValueError:
        draft.note("virtual_ipaddress: only IPv4 addresses are imported", entry.line)
        return None
    options = dict(zip(entry.arguments[::2], entry.arguments[1::2], strict=False))
    interface = options.pop("dev", None)
    if interface is not None and interface != group.setdefault("interface", interface):
        draft.note(
            "virtual_ipaddress: a group has one interface; what is on another ('dev') is left out", entry.line
        )
        return None
    if options:
        draft.note("virtual_ipaddress: labels, scopes and broadcast addresses are not set", entry.line)
    return taken
