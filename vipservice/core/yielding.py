"""Standing back for somebody else who probes for the address too (RFC 5227 section 2.1.1)."""

from hashlib import sha256
from math import inf

from vipservice.core.values import Mac, NodeId

MAX_YIELDS = 3
"""A host that probes without end must not hold off everybody."""


def share(node: NodeId, attempt: int) -> float:
    """A fraction of D, 0 up to 1, that differs between nodes and attempts and needs no dice."""
    return int.from_bytes(sha256(node + bytes([attempt])).digest()[:4]) / 2**32


class Yielding:
    """Our yields in one spell of silence. The address is heard or bound: all is forgotten."""

    def __init__(self, node: NodeId) -> None:
        self._node = node
        self.reset()

    def reset(self) -> None:
        """The spell is over."""
        self.attempts = 0
        self.until = -inf
        self.rival: Mac | None = None
        self.silent_at: float | None = None
        """Our own first Silent verdict while a better claimant probed."""
        self._claims: dict[Mac, float] = {}
        self._waited_for: set[Mac] = set()

    def to_stranger(self, mac: Mac, down_interval: float, now: float) -> bool:
        """A claimant of unknown rank: stand back for D and a share of D, three times in a row at most.

        Returns:
            Whether we stand back now (the count of silent probes starts anew).
        """
        if now < self.until or self.attempts >= MAX_YIELDS:
            return False
        self.attempts += 1
        self.rival = mac
        self.until = now + down_interval * (1 + share(self._node, self.attempts))
        return True

    def better_claims(self, mac: Mac, now: float) -> None:
        """A claimant whose signed rank is above ours has probed."""
        self._claims[mac] = now

    def waits_for(self, recent: float, patience: float, now: float) -> tuple[Mac, float] | None:
        """Whether our Silent verdict must wait for a better claimant, and until when.

        Args:
            recent: A claim older than this many seconds is no claim any more.
            patience: D + one interval: the longest we wait for one rival from our own Silent verdict.
            now: Seconds on the clock.
        """
        rivals = [m for m, at in self._claims.items() if now - at <= recent and m not in self._waited_for]
        if not rivals:
            return None
        if self.silent_at is None:
            self.silent_at = now
        if now < self.silent_at + patience:
            return rivals[0], self.silent_at + patience
        self._waited_for.update(rivals)
        self.silent_at = None
        return None
