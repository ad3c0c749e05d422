"""What maintenance means for a group, and what would move its address by itself: sentences for operators."""

from collections.abc import Iterator

from vipservice.core.roles import Role
from vipservice.core.status import GroupStatus, NodeView

STANDBY = {Role.BACKUP, Role.PROBING}


def successors(core: GroupStatus) -> list[NodeView]:
    """Who else could take over now, the best first."""
    able = [node for node in core.nodes if node.role in STANDBY and node.unfit_because is None]
    return sorted(able, key=lambda node: (node.priority, node.address.packed), reverse=True)


def last_node(core: GroupStatus) -> str | None:
    """Why it matters that this node leaves, in words; None where somebody else stands by."""
    if successors(core):
        return None
    reasons = "; ".join(f"{node.name} {node.unfit_because}" for node in core.nodes if node.unfit_because)
    why = f" ({reasons})" if reasons else ""
    if core.role is Role.ACTIVE:
        return (
            f"{core.name}: this is the last node{why}: it keeps the address until another is able to take "
            "over, and stopping it leaves nobody"
        )
    owner = f"takes over from {core.owner}" if core.owner else "holds the address"
    return f"{core.name}: with this node out nobody {owner}{why}"


def begun(core: GroupStatus) -> str:
    """What going into maintenance does to this group."""
    if warning := last_node(core):
        return f"warning: {warning}"
    if core.role is Role.ACTIVE:
        return f"{core.name}: in maintenance, handing over to {successors(core)[0].name}"
    return f"{core.name}: in maintenance, this node stays out"


def ended(core: GroupStatus) -> str:
    """What the end of maintenance does to this group."""
    return f"{core.name}: this node takes part again"


def plans(core: GroupStatus) -> Iterator[str]:
    """What would move the address by itself, and what holds that back."""
    if core.held_back_for > 0:
        moves = f"{core.recent_moves} moves in 60 s" if core.recent_moves else "too many moves"
        yield f"held back: {moves}, for another {core.held_back_for:.0f} s"
    elif core.failback_in is not None:
        yield f"would fail back in {core.failback_in:.0f} s"
