"""What this host does to a group: its interface, its link, its kernel's addresses, and its own stalls."""

from math import inf

from vipservice.core.duties import Duties
from vipservice.core.events import BindFailed, InterfaceReady, Leftover
from vipservice.core.group import PendingBind
from vipservice.core.roles import Reason, Role
from vipservice.core.timing import ADOPT_MIN_LEASE
from vipservice.core.values import Address

BIND_RETRY = 5.0
"""Seconds in fault after the kernel refused a bind."""


class Hosting:
    """The host's side of one group."""

    def __init__(self, duties: Duties) -> None:
        self._duties = duties
        self._group = duties.group
        self._on_host: set[Address] = set()
        """Addresses of the group that somebody else has put on this host."""

    def interface_ready(self, event: InterfaceReady, now: float) -> None:
        """The interface and our own address are known: adopt, stand by, or say why not."""
        self._duties.faults.pop(Reason.INTERFACE_LOST, None)
        if self._duties.active:
            if event.link_up is self._duties.holding.link_lost:  # its own event may say nothing new any more
                self.link_changed(event.link_up, now)
            return
        leftovers = [one for one in event.leftovers if one.address in self._group.settings.addresses]
        self._on_host.clear()
        self._duties.faults.pop(Reason.ADDRESS_ON_HOST, None)
        for one in leftovers:
            if not one.ours:
                self._address_on_host(one.address, now)
        self.link_changed(event.link_up, now)
        if self._duties.faults or self._group.role is not Role.INITIALIZE:
            self._duties.recover(now)
        elif not self._adopt(leftovers, now):
            self._group.release()
            self._duties.become(Role.BACKUP, Reason.STARTED, "started", now)

    def interface_lost(self, problem: str, now: float) -> None:
        """The interface is gone, or has no address of its own."""
        self._duties.fault(Reason.INTERFACE_LOST, problem, now)

    def link_changed(self, up: bool, now: float) -> None:
        """The carrier came or went."""
        if self._duties.active:
            self._duties.holding.link_changed(up, now)
        elif not up:
            self._duties.fault(Reason.LINK_LOST, "no carrier", now)
        else:
            self._duties.over(Reason.LINK_LOST, now)

    def mac_changed(self, now: float) -> None:
        """The interface has another MAC now."""
        if self._duties.active:
            self._duties.holding.moved_in(now)

    def expire(self, now: float) -> None:
        """Before anything else: an active whose lease is over is none, and must not say so to anybody."""
        if self._duties.active and self._group.lease.over(now):
            self._duties.holding.lapse(f"not renewed for {now - self._group.lease.renewed_at:.3f} s", now)
            self._duties.left_active(now)

    def address_removed(self, address: Address, now: float) -> None:
        """The kernel says that one of our addresses is gone."""
        if address not in self._group.settings.addresses:
            return
        if self._duties.active:
            self._duties.holding.address_removed(address, now)
            self._duties.left_active(now)
            return
        self._on_host.discard(address)
        if not self._on_host:
            self._duties.over(Reason.ADDRESS_ON_HOST, now)

    def address_added(self, address: Address, ours: bool, now: float) -> None:
        """The kernel has one of our addresses though we do not hold it."""
        if address not in self._group.settings.addresses or self._duties.active:
            return
        if ours:
            self._group.release()
        else:
            self._address_on_host(address, now)

    def bound(self, now: float) -> None:
        """The kernel took the addresses: a renewal, a repair, or the moment we become active."""
        group, pending = self._group, self._group.pending
        group.pending = None
        group.lease.renewed(now)
        if pending is None or group.role is Role.ACTIVE:
            return
        if not pending.adopt:
            group.raise_term()
        group.lease.lost_to_rival = False
        group.phase("bind", now - pending.asked_at)
        self._duties.holding.enter(pending.asked_at, now)
        self._duties.become(Role.ACTIVE, pending.reason, pending.detail, now)

    def bind_failed(self, event: BindFailed, now: float) -> None:
        """The addresses are not bound, or may not be renewed."""
        group, pending = self._group, self._group.pending
        group.pending = None
        if group.role is Role.ACTIVE:
            if event.late or group.lease.over(now):
                self._duties.holding.lapse(event.problem, now)
                self._duties.left_active(now)
            return  # else the next renewal tries again: the lease is the limit
        group.release()
        if group.role is Role.INITIALIZE:
            self._duties.become(Role.BACKUP, Reason.STARTED, event.problem, now)
        elif event.late:
            self._duties.standby.stalled(now)
        elif pending is not None:
            self._duties.fault(Reason.BIND_FAILED, event.problem, now, until=now + BIND_RETRY)

    def send_failed(self, problem: str, now: float) -> None:
        """A probe did not leave: we could not look."""
        if self._group.role in {Role.BACKUP, Role.PROBING}:
            self._duties.standby.cannot_look(problem, now)
            self._duties.taking.cannot_look()

    def stalled(self, seconds: float, now: float) -> None:
        """We stood still; all sockets have been read since."""
        down = self._group.settings.timing.down_interval(self._group.pace.advertised, 0)
        if seconds <= down:
            return
        if self._duties.active:
            self._duties.holding.stalled(now)
            self._duties.left_active(now)
        else:
            self._duties.standby.stalled(now)

    def _adopt(self, leftovers: list[Leftover], now: float) -> bool:
        """Our own address of an earlier life, with enough lease left: renew it at once, we are active."""
        lefts = [one.lease_left for one in leftovers if one.lease_left is not None]
        group = self._group
        if len(lefts) < len(group.settings.addresses) or min(lefts) < ADOPT_MIN_LEASE:
            return False
        group.lease.adopted(min(lefts), now)
        detail = f"found our own address with {min(lefts):.2f} s of lease left"
        pending = PendingBind(Reason.ADOPTED, detail, now, adopt=True)
        return group.ask_bind(pending, None, -inf, now)

    def _address_on_host(self, address: Address, now: float) -> None:
        self._on_host.add(address)
        detail = (
            f"{address} is on this host already and not by us: remove it from the host's own configuration"
        )
        self._duties.fault(Reason.ADDRESS_ON_HOST, detail, now, release=False)
