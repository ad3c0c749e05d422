"""What the HTTP server is given to show."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry

from vipservice.core.frozen import dataclass
from vipservice.runtime.history import History
from vipservice.runtime.status import NodeStatus


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything here may be asked from any thread."""

    registry: CollectorRegistry
    """What `/metrics` shows."""
    snapshot: Callable[[], NodeStatus]
    """The loop's state, moments old; SnapshotUnavailableError where it does not answer."""
    history: History
    alive: Callable[[], bool]
    """Whether the loop has gone round lately."""
