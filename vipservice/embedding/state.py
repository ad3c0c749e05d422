"""What an application is told of its floating address, read from the daemon's status."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class State:
    """This node's part in a group, since its last turn."""

    role: str
    """`initialize`, `backup`, `probing`, `active` or `fault`, as `vipservice status` says it."""
    active: bool
    """The role is active and the kernel has every address: what arrives for them arrives here."""
    reason: str
    """Why it has this role, in one word of a short list (docs/metrics.md)."""
    detail: str
    """The same as a sentence, with what it was decided by."""
    owner: str | None
    """Name of the node that has the address, as far as known here."""
    since: str
    """When the role was taken: RFC 3339, UTC."""
    addresses: tuple[str, ...]


UNKNOWN = State("initialize", False, "unknown", "the daemon has said nothing yet", None, "", ())
"""Before the first word of a daemon."""


def gone(last: State) -> State:
    """What is known once the lease of a daemon that ended may be over: nothing, so not active."""
    return State("initialize", False, "daemon_gone", "the daemon has ended", None, "", last.addresses)


def read_state(group: Mapping[str, Any]) -> State:
    """A group of the daemon's status (`runtime.status.to_json`)."""
    return State(
        role=group["role"],
        active=group["serving"],
        reason=group["reason"],
        detail=group["detail"],
        owner=group["owner"],
        since=group["since"],
        addresses=tuple(address["address"] for address in group["addresses"]),
    )
