"""Counting probes: is the address silent, or does somebody's kernel answer for it?"""

from dataclasses import dataclass
from math import inf

from vipservice.core.timing import (
    FAST_PROBES_FOR_SILENCE,
    MIN_PROBE_WAIT,
    PROBES_FOR_SILENCE,
)
from vipservice.core.values import Address, Mac

BROADCAST_EVERY = 3
"""Every third probe is broadcast even where the holder's MAC is known: it may have moved."""


@dataclass(slots=True)
class _Target:
    """The count for one address."""

    unanswered: int = 0
    fast_unanswered: int = 0
    unanswered_from: float = inf
    """When the first of them left."""
    slowest: float = 0.0
    """The longest that a first answer has taken so far, seconds."""
    holder: Mac | None = None
    suspect: Mac | None = None
    """Under ARP suppression: named in an answer that a switch may have given; nothing but whom to ask."""

    def silent(self, now: float, patience: float, waited: bool, fast_waited: bool) -> bool:
        if now - self.unanswered_from < min(self.slowest, patience):
            return False
        return (
            self.unanswered - (not waited) >= PROBES_FOR_SILENCE
            or self.fast_unanswered - (not fast_waited) >= FAST_PROBES_FOR_SILENCE
        )


class Probing:
    """The probes of one group: a round goes to each address, and any answer starts the count anew."""

    def __init__(self, addresses: tuple[Address, ...], arp_suppression: bool) -> None:
        self._targets = {address: _Target() for address in addresses}
        self._arp_suppression = arp_suppression
        self._rounds = 0
        self._broadcast = False
        self.due_at = inf
        """When the next round is due; inf while nobody probes."""
        self.sent_at = -inf
        self.spacing = MIN_PROBE_WAIT
        """The pace of the latest round."""

    @property
    def running(self) -> bool:
        """Whether rounds are being sent."""
        return self.due_at < inf

    @property
    def begun(self) -> bool:
        """Whether a round of this count has been sent."""
        return self.sent_at > -inf

    def begin(self, at: float) -> None:
        """Start counting anew; the first round is due at `at`."""
        self.forget()
        self.due_at = at

    def stop(self) -> None:
        """Send no more rounds; what was learned about holders is dropped."""
        self.forget()
        self.due_at = inf

    def forget(self) -> None:
        """Start the count anew: nothing that was silent before counts."""
        self._targets = {address: _Target() for address in self._targets}
        self.sent_at = -inf

    def hurry(self, by: float) -> None:
        """The pace has quickened: the next round is due at `by` at the latest."""
        self.due_at = min(self.due_at, by)

    def round(
        self, now: float, spacing: float, fast: bool, holder: Mac | None
    ) -> list[tuple[Address, Mac | None]]:
        """Send a round: for each address whom to ask, None for everybody.

        Args:
            now: Seconds on the clock.
            spacing: The pace kept now.
            fast: Whether the holder's lease can be lapsing, so that three such rounds decide.
            holder: The MAC of the silent active; a MAC that answered comes before it.
        """
        self._rounds += 1
        # The round that decides at the fast pace is always broadcast, so that other backups see it coming.
        deciding = self.progress() % BROADCAST_EVERY == BROADCAST_EVERY - 1
        self._broadcast = deciding or self._rounds % BROADCAST_EVERY == 0
        # A late wake-up shortens the next wait rather than shifting the whole schedule.
        self.due_at = max(self.due_at + spacing, now + MIN_PROBE_WAIT / 4)
        self.sent_at, self.spacing = now, spacing
        for target in self._targets.values():
            target.unanswered += 1
            target.unanswered_from = min(target.unanswered_from, now)
            target.fast_unanswered = target.fast_unanswered + 1 if fast else 0
        return [(address, self._ask(target, holder)) for address, target in self._targets.items()]

    def answered(self, address: Address, mac: Mac, now: float) -> Mac | None:
        """Somebody's kernel answers for `address`.

        Returns:
            Under ARP suppression a switch may have answered the broadcast for a dead host: then whom to ask
            directly, and only that answer counts. None otherwise.
        """
        target = self._targets.get(address)
        if target is None:
            return None
        if self._arp_suppression and (self._broadcast or mac not in {target.holder, target.suspect}):
            target.suspect = mac
            self._broadcast = False
            return mac
        if target.unanswered:
            target.slowest = max(target.slowest, now - target.unanswered_from)
        target.holder, target.unanswered, target.fast_unanswered = mac, 0, 0
        target.unanswered_from = inf
        return None

    def holder(self) -> Mac | None:
        """Who answered last, for any of the addresses; None once it is silent or if nobody ever did."""
        return next((target.holder for target in self._targets.values() if target.holder), None)

    def progress(self) -> int:
        """How many rounds in a row nobody has answered, of the least silent address."""
        return min(target.unanswered for target in self._targets.values())

    def silent(self, now: float, patience: float) -> bool:
        """Whether enough rounds in a row went unanswered, the last one waited for and none stale.

        Where answers were slow before (a radio link), silence is longer than the slowest of them; `patience`
        bounds what that may cost.
        """
        if now - self.sent_at > self.wait + 2 * max(self.spacing, MIN_PROBE_WAIT):
            return False
        waited = now - self.sent_at >= MIN_PROBE_WAIT - 1e-6
        fast_waited = now - self.sent_at >= self.wait - 1e-6
        return all(target.silent(now, patience, waited, fast_waited) for target in self._targets.values())

    @property
    def wait(self) -> float:
        """How long the answer to a fast probe is waited for: one spacing, at least 1 ms."""
        return max(self.spacing, MIN_PROBE_WAIT)

    def _ask(self, target: _Target, holder: Mac | None) -> Mac | None:
        return None if self._broadcast else target.holder or target.suspect or holder
