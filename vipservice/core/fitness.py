"""Why another node could not take over now, in words for whoever wants to hand it the address."""

from vipservice.core.contenders import Contender
from vipservice.core.group import UNHEALTHY_PRIORITY, Group
from vipservice.core.roles import Role


def unfit_because(group: Group, contender: Contender, now: float) -> str | None:
    """What follows the node's name in a sentence; None for a node that could."""
    entry = contender.entry
    if not contender.living(now):
        return f"was last heard {now - contender.heard_at:.1f} s ago"
    if entry.digest != group.digest:
        return "has other addresses in this group"
    if entry.maintenance:
        return "is in maintenance"
    if entry.role in {Role.FAULT, Role.INITIALIZE}:
        return f"is in {entry.role.value}: see its own status"
    if entry.role is Role.ACTIVE:
        return "is active itself"
    if not entry.fit:
        if entry.priority == UNHEALTHY_PRIORITY:
            return "is not healthy, or somebody keeps removing the address there"
        return "is stopping or not checked yet"
    return _deaf_to_us(group, contender, now)


def _deaf_to_us(group: Group, contender: Contender, now: float) -> str | None:
    peer = group.around.roster.peers.get(contender.node)
    if peer is not None and not peer.hears_us(now, group.interval()):
        return f"does not hear this node: it did {now - peer.heard_us_at:.1f} s ago"
    return None
