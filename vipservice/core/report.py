"""The snapshot of a group that everybody shows."""

from math import inf

from vipservice.core.contenders import Contender
from vipservice.core.duties import Duties
from vipservice.core.fitness import unfit_because
from vipservice.core.group import Group
from vipservice.core.roles import Role
from vipservice.core.status import GroupStatus, NodeView
from vipservice.core.values import Health
from vipservice.core.verdicts import HeldByPeer


def report(duties: Duties, now: float) -> GroupStatus:
    """The snapshot that everybody shows."""
    group = duties.group
    return GroupStatus(
        id=group.settings.id,
        name=group.settings.name,
        addresses=group.settings.addresses,
        role=group.role,
        since=group.since,
        reason=group.reason,
        detail=group.detail,
        priority=group.priority,
        term=group.term,
        lease_left=group.lease.left(now),
        owner=_owner(duties),
        verdict=type(duties.standby.verdict).__name__,
        nodes=tuple(_view(group, contender, now) for contender in group.contenders),
        conditions=dict(group.conditions),
        owners_observed=_owners(duties, now),
        maintenance=group.maintenance,
        healthy=group.health is not Health.BAD,
        failback_in=duties.standby.failback.waits(now) if duties.standing_by else None,
        recent_moves=group.damping.recent(now),
        held_back_for=max(0.0, group.damping.until - now),
    )


def _owner(duties: Duties) -> str | None:
    if duties.group.role is Role.ACTIVE:
        return duties.group.around.name
    if duties.standby.silence.watched:
        return duties.standby.silence.watched.name
    return None


def _owners(duties: Duties, now: float) -> int:
    group = duties.group
    actives = {contender.node for contender in group.contenders.actives(now)}
    held = duties.standby.verdict if duties.standing_by else None
    silent = 0
    if isinstance(held, HeldByPeer):
        holder = group.around.roster.owner_of(held.mac)
        silent = int(holder is not None and holder.node not in actives)
    return len(actives) + silent + (group.role is Role.ACTIVE)


def _view(group: Group, contender: Contender, now: float) -> NodeView:
    peer = group.around.roster.peers.get(contender.node)
    return NodeView(
        node=contender.node,
        name=contender.name,
        address=contender.address,
        role=contender.entry.role,
        priority=contender.entry.priority,
        term=contender.entry.term,
        heard_ago=now - contender.heard_at,
        hears_us_ago=now - peer.heard_us_at if peer else inf,
        living=contender.living(now),
        fit=contender.entry.fit,
        unfit_because=unfit_because(group, contender, now),
    )
