"""What a reload changes, and how: a comparison, nothing is touched here.

Each key applies in the first of these ways that does it: *live* (the numbers of a group, keys, peers, the
name, the log's level), *in place* (a group begins anew with the addresses that it holds: it drops some, or
looks in another way), *by moving* (a group that gets an address, another prefix or interface, or goes, hands
over first), by an *upgrade*, which executes the daemon anew within the lease, or by a *restart*.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter

from vipservice.config.settings import FloatingIpSettings, ResolvedGroup, Settings
from vipservice.core.frozen import dataclass
from vipservice.core.values import GroupId

NEED_RESTART = frozenset({"node.state_directory", "node.control_socket"})
"""With these it is another node, or nobody finds it."""

NEED_UPGRADE = frozenset(
    {"adverts.group", "adverts.port", "metrics.listen", "metrics.web_config", "log.format"}
)
"""Sockets and streams are opened at the start only."""

BUILT_ON = {"probe": attrgetter("core.probe"), "arp_suppression": attrgetter("core.arp_suppression")}
"""Keys of a group, and where it has them, on which its election is built: with others it begins anew."""

PLACE = {
    "interface": attrgetter("interface"),
    "netmask": attrgetter("prefix_length"),
    "bind": attrgetter("core.bind"),
}
"""Keys of a group, and where it has them, that say where its addresses are: it lets go first."""

LISTEN = {"metrics.host": "metrics.listen", "metrics.port": "metrics.listen"}
"""Where the settings have two names for one key of the file."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between the settings in force and the file."""

    live: tuple[ResolvedGroup, ...] = ()
    in_place: tuple[ResolvedGroup, ...] = ()
    leaving: tuple[GroupId, ...] = ()
    """Groups that went, and those that must let go before they can be what they shall be."""
    joining: tuple[ResolvedGroup, ...] = ()
    """Groups that came, and those that come back."""
    upgrade: tuple[str, ...] = ()
    """Keys whose change takes effect with `vipservice upgrade`."""
    restart: tuple[str, ...] = ()
    """Keys whose change takes effect with a restart."""

    @property
    def impossible(self) -> str:
        """What a reload can't do, in words; empty where it can do everything."""
        said = [f"{key} needs a restart" for key in self.restart]
        return "; ".join([*said, *(f"{key} needs 'vipservice upgrade'" for key in self.upgrade)])

    def summary(self) -> str:
        """What was done, by numbers."""
        back = {group.core.id for group in self.joining} & set(self.leaving)
        counts = {
            "changed": len(self.live) + len(self.in_place),
            "moved": len(back),
            "added": len(self.joining) - len(back),
            "removed": len(self.leaving) - len(back),
        }
        return "groups " + ", ".join(f"{what} {count}" for what, count in counts.items())


def compare(
    old: Settings, new: Settings, running: Mapping[GroupId, ResolvedGroup], wanted: Sequence[ResolvedGroup]
) -> Changes:
    """Compare the settings in force with those of the file.

    Args:
        old: What is in force.
        new: The file.
        running: The groups that take part now.
        wanted: Those of the file whose interfaces are there.
    """
    changed = _changed_keys(old, new)
    found = {group.core.id: group for group in wanted}
    common = [(running[group], found[group]) for group in running if group in found]
    moving = [after for before, after in common if _moves(before, after)]
    staying = [after for before, after in common if before != after and not _moves(before, after)]
    in_place = [after for after in staying if _begins_anew(running[after.core.id], after)]
    gone = [group for group in running if group not in found and not _lost_its_interface(old, new, group)]
    return Changes(
        live=tuple(after for after in staying if after not in in_place),
        in_place=tuple(in_place),
        leaving=(*gone, *(after.core.id for after in moving)),
        joining=(*moving, *(group for group in wanted if group.core.id not in running)),
        upgrade=tuple(sorted(changed & NEED_UPGRADE)),
        restart=tuple(sorted(changed & NEED_RESTART)),
    )


def _moves(before: ResolvedGroup, after: ResolvedGroup) -> bool:
    """Whether it must let go: an address that it does not hold is bound with all others or not at all."""
    gets_one = not set(after.core.addresses) <= set(before.core.addresses)
    return gets_one or any(get(before) != get(after) for get in PLACE.values())


def _begins_anew(before: ResolvedGroup, after: ResolvedGroup) -> bool:
    """Whether what an election is built on has changed."""
    drops_one = set(before.core.addresses) != set(after.core.addresses)
    return drops_one or any(get(before) != get(after) for get in BUILT_ON.values())


def _lost_its_interface(old: Settings, new: Settings, group: GroupId) -> bool:
    """Whether the file still wants a group where it runs: its interface is not there just now."""
    before, after = _written(old.groups, group), _written(new.groups, group)
    return before is not None and after is not None and after.enabled and before.interface == after.interface


def _written(groups: Iterable[FloatingIpSettings], group: GroupId) -> FloatingIpSettings | None:
    return next((one for one in groups if one.id == group), None)


def _changed_keys(old: Settings, new: Settings) -> frozenset[str]:
    """The keys outside the groups that differ, as the file has them."""
    changed = set()
    for section in ("node", "adverts", "metrics", "log"):
        before, after = getattr(old, section), getattr(new, section)
        for one in fields(before):
            if getattr(before, one.name) != getattr(after, one.name):
                key = f"{section}.{one.name}"
                changed.add(LISTEN.get(key, key))
    return frozenset(changed)
