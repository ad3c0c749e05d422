"""The roles of RFC 9568 and the one literal table of who may become what."""

from enum import Enum


class Role(Enum):
    """What a node is for one group. Only ACTIVE holds the address."""

    INITIALIZE = "initialize"
    BACKUP = "backup"
    PROBING = "probing"
    ACTIVE = "active"
    FAULT = "fault"

    __hash__ = object.__hash__
    """Each role is one object; Enum's own hash is a Python function, called in every round."""


TRANSITIONS: dict[Role, frozenset[Role]] = {
    Role.INITIALIZE: frozenset({Role.BACKUP, Role.ACTIVE, Role.FAULT}),
    Role.BACKUP: frozenset({Role.PROBING, Role.ACTIVE, Role.FAULT}),
    Role.PROBING: frozenset({Role.ACTIVE, Role.BACKUP, Role.FAULT}),
    Role.ACTIVE: frozenset({Role.BACKUP, Role.FAULT}),
    Role.FAULT: frozenset({Role.BACKUP}),
}
"""Every change of role that exists; an unlisted pair is a bug and raises.

backup -> active is the handover: the old active's resign is the proof of silence.
initialize -> active is the adoption of an address from our own earlier life.
"""


class Reason(Enum):
    """Why a role changed: the code in metrics, beside a sentence that gives the inputs."""

    STARTED = "started"
    ADOPTED = "adopted"
    ADVERTS_SILENT = "adverts_silent"
    SILENCE_PROVED = "silence_proved"
    HANDOVER_TAKEN = "handover_taken"
    HANDOVER_GIVEN = "handover_given"
    STOPPED = "stopped"
    ACTIVE_HEARD = "active_heard"
    BETTER_ACTIVE = "better_active"
    BETTER_CLAIMANT = "better_claimant"
    HELD_BY_PEER = "held_by_peer"
    CONFLICT = "conflict"
    LEASE_LAPSED = "lease_lapsed"
    LINK_LOST = "link_lost"
    INTERFACE_LOST = "interface_lost"
    ISOLATED = "isolated"
    UNHEALTHY = "unhealthy"
    REPAIRS_EXHAUSTED = "repairs_exhausted"
    ADDRESS_ON_HOST = "address_on_host"
    BIND_FAILED = "bind_failed"
    DUPLICATE_NODE = "duplicate_node"
    RECOVERED = "recovered"


def diagram() -> str:
    """Print the table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", "    [*] --> initialize"]
    lines += [
        f"    {role.value} --> {target.value}"
        for role, targets in TRANSITIONS.items()
        for target in sorted(targets, key=lambda target: target.value)
    ]
    return "\n".join(lines)
