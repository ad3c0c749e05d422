"""Who could exchange frames with whom, and when: the lab's own record of its cuts and heals.

A cut counts from the moment it was complete, a heal from the moment it began, so that doubt about the
moments between makes two owners look longer, never shorter. A filter that drops some frames, or all frames in
one direction, is no cut here: hosts between which any frame can pass either way stay one broadcast domain.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Segments = Mapping[str, str | None]
"""Host to the name of the broadcast domain it is in; None for a host that reaches nobody."""


@dataclass(frozen=True, slots=True)
class ReachChange:
    """From `at` on (seconds, the lab's clock) the domains were these."""

    at: float
    segments: Segments


class Reach:
    """The history of the broadcast domains."""

    def __init__(self) -> None:
        self._changes: list[ReachChange] = []

    def change(self, at: float, segments: Segments) -> None:
        """The domains are these from `at` on."""
        self._changes.append(ReachChange(at, dict(segments)))

    def __iter__(self) -> Iterator[ReachChange]:
        return iter(tuple(self._changes))
