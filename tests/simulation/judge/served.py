"""Promise 4 and its limit: bounded time without an owner while a healthy node exists.

A node that is awake, allowed to serve and able to hear must see an owner again within a bound that follows
from the rules; the clock starts anew with each step of the incident, for each may cost the wait again.
"""

from math import inf

from tests.simulation.judge.moves import ACQUAINTED, Moves
from tests.simulation.judge.record import NEVER, Record, Way
from vipservice.adapters.memory.stage import VIP
from vipservice.adapters.memory.watching import Watcher
from vipservice.core.settings import ProbeMode
from vipservice.core.timing import HANDOVER_MIN_HOLD, LAPSE_TAIL, UNKNOWN_LEASE, WITNESS_PERIOD
from vipservice.core.yielding import MAX_YIELDS


class Served(Watcher):
    """Watches every node that could serve for how long it sees no owner."""

    def __init__(self, record: Record, moves: Moves, problems: list[str]) -> None:
        self._record = record
        self._moves = moves
        self._problems = problems
        self._unserved: dict[str, float] = {}
        self._ownerless_since: float | None = None
        self.longest_ownerless = 0.0
        """The longest time in which no kernel that a client could reach held the address, seconds."""

    def disturbed(self) -> None:
        """A step of the incident: every wait may begin anew."""
        self._unserved.clear()

    def changed(self) -> None:
        """Take stock, and look again when a bound is reached."""
        now = self._record.lan.now
        self._measure(now)
        for name, host in self._record.lan.hosts.items():
            if not host.groups:
                continue
            if not self._could_serve(name) or self._sees_an_owner(name):
                self._unserved.pop(name, None)
            elif name not in self._unserved:
                self._unserved[name] = now
                self._expect(name, now)

    def _expect(self, name: str, since: float) -> None:
        bound = self._bound() + self._blind(name)
        self._record.lan.at(since + bound, lambda: self._check(name, since))

    def _check(self, name: str, since: float) -> None:
        if self._unserved.get(name) == since:
            now = self._record.lan.now
            self._problems.append(
                f"{now:.4f} nobody serves: {name} is well and sees no owner since {since:.4f}"
            )

    def _measure(self, now: float) -> None:
        record = self._record
        client = any(record.both_ways_since(name, "client", Way.ARP) < NEVER for name in record.holders)
        if client and self._ownerless_since is not None:
            self.longest_ownerless = max(self.longest_ownerless, now - self._ownerless_since)
        if client:
            self._ownerless_since = inf
        elif self._ownerless_since == inf:
            self._ownerless_since = now

    # Whose duty it is

    def _could_serve(self, name: str) -> bool:
        host, moves = self._record.node(name), self._moves
        configured = host.kernel.holds(VIP) and not self._record.leased(name)
        barred = configured or name in moves.drained | moves.stopping or moves.robbed(name)
        if barred or moves.cloned or name not in self._record.awake_since:
            return False
        return host.link_up and self._hears(name)

    def _hears(self, name: str) -> bool:
        """Somebody's frames come in: the gateway's or another daemon's; or there is but one other host."""
        record = self._record
        others = [one for one in record.awake_since if one != name and record.node(one).groups]
        if any(record.adverts_since(one, name) < NEVER for one in others):
            return True
        return record.both_ways_since(name, "gateway", Way.ARP) < NEVER

    def _sees_an_owner(self, name: str) -> bool:
        record = self._record
        return any(self._sees(name, holder) for holder in record.holders)

    def _sees(self, name: str, holder: str) -> bool:
        """By ARP both ways, by its adverts, or by somebody who hears those and can be asked."""
        record = self._record
        if holder == name or record.both_ways_since(name, holder, Way.ARP) < NEVER:
            return True
        if holder not in record.awake_since:
            return False
        tellers = [one for one in record.awake_since if one != holder]
        return record.adverts_since(holder, name) < NEVER or any(
            record.adverts_since(holder, one) < NEVER and record.adverts_since(one, name) < NEVER
            for one in tellers
        )

    def _bound(self) -> float:
        """D twice (a count may have to start anew), a place in the queue, a handover that came to nothing.

        Where frames are blocked or lost, somebody unknown probes, or a node cannot bind, also: a second until
        signs are asked for, D and an interval for each better claimant, and three yields of up to 2 D.
        """
        record = self._record
        down, interval = record.down(), record.longest_interval
        nodes = sum(bool(host.groups) for host in record.lan.hosts.values())
        bound = 2 * down + nodes * interval + 2 * max(down, HANDOVER_MIN_HOLD) + 0.1
        if self._clean():
            return bound
        return bound + 2 * WITNESS_PERIOD + nodes * (down + interval) + MAX_YIELDS * 2 * down

    def _blind(self, name: str) -> float:
        """With `probe: off` nobody looks: the longest lease and its tail, else the wait for one unheard of.

        A daemon knows of a holder if it has begun before that one let go.
        """
        record = self._record
        if record.node(name).groups[0].probe is not ProbeMode.OFF:
            return 0.0
        leases = [host.groups[0].timing.lease for host in record.lan.hosts.values() if host.groups]
        known = max(record.held_until.values(), default=-inf) > record.awake_since[name] + ACQUAINTED
        return (max(leases) if known else UNKNOWN_LEASE) + LAPSE_TAIL

    def _clean(self) -> bool:
        lan = self._record.lan
        blocks, weather = lan.blocks, lan.weather
        blocked = blocks.everything or blocks.udp or blocks.raw or blocks.arp or blocks.into or blocks.out_of
        lossy = weather.loss or weather.arp_loss or weather.advert_loss or weather.late
        asleep = any(host.hung or host.paused_at is not None for host in lan.hosts.values())
        return not (blocked or lossy or asleep or self._moves.strangers)
