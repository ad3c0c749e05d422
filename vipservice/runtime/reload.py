"""What a reload can change in place, and what needs a restart: a comparison, nothing is touched here."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from vipservice.config.settings import ResolvedGroup, Settings
from vipservice.core.frozen import dataclass
from vipservice.core.settings import GroupSettings
from vipservice.core.values import GroupId


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between the settings in force and the file."""

    live: tuple[GroupSettings, ...]
    """Groups whose numbers (timing, priority, failback, ...) can change under way."""
    restart: tuple[str, ...]
    """Key paths whose change needs `systemctl restart`, which hands the address over first."""


def compare(
    old: Settings, new: Settings, running: Mapping[GroupId, ResolvedGroup], wanted: Sequence[ResolvedGroup]
) -> Changes:
    """Compare the settings in force with those of the file."""
    restart = [name for name in ("node", "metrics", "log") if getattr(old, name) != getattr(new, name)]
    if replace(old.adverts, keys=()) != replace(new.adverts, keys=()):
        restart.append("adverts (other than their keys)")
    found = {group.core.id: group for group in wanted}
    restart += [f"floating_ip {name} (added or removed)" for name in _moved(running, found)]
    live = []
    for group_id in running.keys() & found.keys():
        before, after = running[group_id], found[group_id]
        if _place(before) != _place(after):
            restart.append(f"floating_ip {before.core.name} (its name, addresses, interface or witnesses)")
        elif (before.core, before.checks, before.hooks) != (after.core, after.checks, after.hooks):
            live.append(after.core)
    return Changes(tuple(live), tuple(restart))


def _place(group: ResolvedGroup) -> tuple[object, ...]:
    core = group.core
    return (
        core.name,
        core.addresses,
        core.probe,
        core.bind,
        core.arp_suppression,
        group.interface,
        group.prefix_length,
        group.witnesses,
        group.nodes,
        group.ping_interval,
    )


def _moved(running: Mapping[GroupId, ResolvedGroup], found: Mapping[GroupId, ResolvedGroup]) -> list[str]:
    """Groups that went, and groups that came to an interface that is in use; others can just begin."""
    used = {group.interface for group in running.values()}
    gone = [running[group] for group in running.keys() - found.keys()]
    came = [found[group] for group in found.keys() - running.keys() if found[group].interface in used]
    return sorted(group.core.name for group in (*gone, *came))
