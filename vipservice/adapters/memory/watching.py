"""What somebody who watches a LAN in memory is told: frames, binds, turns, and each moment of change."""

from vipservice.adapters.memory.frames import Frame
from vipservice.core.actions import Turned
from vipservice.core.values import Address


class Watcher:
    """Told of everything, at the moment it happens; the LAN looks the same to all watchers."""

    def changed(self) -> None:
        """Who holds what, who reaches whom or who is awake has changed by the event that has just ended."""

    def sent(self, source: str, frame: Frame) -> None:
        """A host has sent this."""

    def arrived(self, source: str, destination: str, frame: Frame) -> None:
        """A frame comes in at a host that takes it."""

    def lost(self, source: str, destination: str, frame: Frame) -> None:
        """The weather has taken this."""

    def bound(self, name: str, address: Address) -> None:
        """A daemon has just added the address to its kernel, which did not have it."""

    def turned(self, name: str, turned: Turned) -> None:
        """A node changes its role."""
