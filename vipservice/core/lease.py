"""The lease on the address, and the one gate before every system call that may add it."""

from math import inf

from vipservice.core.timing import Timing
from vipservice.core.verdicts import Silent, Verdict


class Lease:
    """Our own view of the kernel's lifetime on the address; never longer than the kernel's.

    The clock counts suspended time and the kernel's lifetimes do not, so this ends first after a suspend.
    """

    def __init__(self, timing: Timing) -> None:
        self.timing = timing
        self.renewed_at = -inf
        self.lost_to_rival = False

    def renewed(self, now: float) -> None:
        """The kernel took a bind or a renewal."""
        self.renewed_at = now

    def adopted(self, left: float, now: float) -> None:
        """The kernel still holds an address of our earlier life for `left` seconds."""
        self.renewed_at = now + left - self.timing.lease
        self.lost_to_rival = False

    def ended(self) -> None:
        """The address is gone, by our hand or the kernel's."""
        self.renewed_at = -inf
        self.lost_to_rival = False

    @property
    def end(self) -> float:
        """When the kernel may free the address."""
        return self.renewed_at + self.timing.lease

    def left(self, now: float) -> float:
        """Seconds until then; 0 when it is over."""
        return max(0.0, self.end - now)

    def over(self, now: float) -> bool:
        """Whether the kernel may have freed the address already."""
        return now >= self.end

    def lapsing(self, now: float) -> bool:
        """Whether a removal seen now is the lease's work rather than somebody's hand."""
        return now - self.renewed_at >= self.timing.lease - self.timing.renew_period


def gate(lease: Lease, verdict: Verdict | None, right_until: float, now: float) -> float | None:
    """The one gate before bind, renew, repair and adopt: until when the address may be added, or None.

    It opens for a fresh Silent verdict, for an unexpired right from a handover, and for our own address
    whose last renewal is younger than the lease with no better rival heard since. Nothing else passes.
    """
    if isinstance(verdict, Silent) and now <= verdict.good_until:
        return verdict.good_until
    if now <= right_until:
        return right_until
    if not lease.over(now) and not lease.lost_to_rival:
        return lease.end
    return None
