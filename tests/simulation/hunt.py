"""A hunt for schedules that break a promise: faults drawn by a seed, on the LAN in memory, with checks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from itertools import combinations
from random import Random

from tests.simulation.faults import BY_DESIGN_HARMLESS, NETWORK, Fault, Kind, begin_on_host, block, draw
from vipservice.adapters.memory.host import MemoryHost
from vipservice.adapters.memory.lan import Blocks, MemoryLan, Weather
from vipservice.adapters.memory.ownership import TwoOwners
from vipservice.core.roles import Reason, Role
from vipservice.core.settings import GroupSettings, Isolation, ProbeMode
from vipservice.core.timing import FAST_PROBES_FOR_SILENCE, FAST_SPACING, PROBES_FOR_SILENCE, Timing
from vipservice.core.values import GroupId

VIP = IPv4Address("192.168.3.234")
GATEWAY = IPv4Address("192.168.3.1")
SETTLED = 6.0
"""Faults begin after this many seconds: one owner, everybody knows everybody."""
CALM = 12.0
"""Seconds from the end of the last fault to the end of the run; a lease and its tail are 5 of them."""
STEP = 0.02
HEAL = 1.0
"""Two owners that can exchange adverts are none after this long."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run, all of it drawn from its seed."""

    seed: int
    nodes: int
    gateway: bool
    priorities: tuple[int, ...]
    failback: float | None
    loss: float
    delay: tuple[float, float]
    interval: float
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        head = (
            f"seed {self.seed}: {self.nodes} nodes, priorities {self.priorities}, failback {self.failback}, "
            f"{'a' if self.gateway else 'no'} gateway, loss {self.loss}, delay {self.delay}"
        )
        return "\n".join([head, *(f"  {fault}" for fault in self.faults)])


def plan_of(seed: int, interval: float = 0.1) -> Plan:
    """The plan that belongs to a seed."""
    dice = Random(seed)
    nodes = dice.randint(2, 5)
    names = list("abcde"[:nodes])
    faults = [draw(dice, names, SETTLED, dice.choice((0.5, 3.0, 8.0))) for _ in range(dice.randint(1, 3))]
    return Plan(
        seed=seed,
        nodes=nodes,
        gateway=dice.random() < 0.75,
        priorities=tuple(dice.choice((100, 100, 120, 150)) for _ in names),
        failback=dice.choice((None, None, 0.0, 2.0)),
        loss=dice.choice((0.0, 0.01)),
        delay=dice.choice(((0.0001, 0.0003), (0.0005, 0.002))),
        interval=interval,
        faults=tuple(sorted(faults, key=lambda fault: fault.at)),
    )


def nothing() -> None:
    """What ends a fault that its removal from the network has ended."""


def pair_of(found: TwoOwners) -> tuple[str, str]:
    """The two, in order."""
    return min(found.binder, found.other), max(found.binder, found.other)


@dataclass(slots=True)
class Run:
    """A plan being carried out, and what was found wrong."""

    plan: Plan
    lan: MemoryLan = field(init=False)
    problems: list[str] = field(default_factory=list)
    _blocking: dict[int, tuple[Kind, str, str | None]] = field(default_factory=dict)
    _busy: dict[str, Kind] = field(default_factory=dict)
    _met_at: dict[tuple[str, str], float] = field(default_factory=dict)
    _both_since: dict[tuple[str, str], float] = field(default_factory=dict)
    _harmless: bool = True

    def __post_init__(self) -> None:
        plan = self.plan
        self.lan = MemoryLan(plan.seed, Weather(plan.delay, plan.loss))
        gateway = GATEWAY if plan.gateway else None
        for index, priority in enumerate(plan.priorities):
            self.lan.add(MemoryHost("abcde"[index], 10 + index, (self._group(priority),), gateway))
        if plan.gateway:
            self.lan.add(MemoryHost("gateway", 1))

    @property
    def nodes(self) -> list[MemoryHost]:
        """The hosts with a daemon."""
        return [host for host in self.lan.hosts.values() if host.groups]

    def go(self) -> "Run":
        """Carry it out."""
        for host in self.nodes:
            host.start()
        for index, fault in enumerate(self.plan.faults):
            self.lan.at(fault.at, self._beginning(index, fault))
        end = max(fault.at + (0 if fault.kind is Kind.KILL else fault.lasts) for fault in self.plan.faults)
        while self.lan.now < end + CALM:
            self.lan.run(STEP)
            self._watch()
        self._judge_end()
        self._judge_moves()
        return self

    def _group(self, priority: int) -> GroupSettings:
        return GroupSettings(
            id=GroupId(1),
            name="vip",
            addresses=(VIP,),
            priority=priority,
            timing=Timing(self.plan.interval, 3, 3),
            failback=self.plan.failback,
            probe=ProbeMode.ON,
            arp_suppression=False,
            on_isolation=Isolation.RELEASE,
            isolation_wait=0,
            announce_refresh=60,
        )

    # Faults

    def _beginning(self, index: int, fault: Fault) -> Callable[[], None]:
        return lambda: self._begin(index, fault)

    def _begin(self, index: int, fault: Fault) -> None:
        self._watch()
        before = self._reachable()
        active = min(self._answering(), default=None)
        victim = fault.victim or active or "a"
        other = fault.other if fault.other != victim else self._somebody_but(victim)
        if self._busy.get(victim) and fault.kind not in NETWORK:
            return
        self._weigh(fault, victim, active, other)
        self.lan.note(victim, f"# {fault.kind.name} {other or ''} begins")
        if fault.kind in NETWORK:
            self._blocking[index] = (fault.kind, victim, other)
            undo = nothing
        else:
            self._busy[victim] = fault.kind
            undo = begin_on_host(self.lan, fault.kind, self.lan.hosts[victim], fault.lasts)
        self._block()
        self._note_meetings(before)
        self.lan.at(fault.at + fault.lasts, lambda: self._end(index, fault, victim, undo))

    def _end(self, index: int, fault: Fault, victim: str, undo: Callable[[], None]) -> None:
        if fault.kind is Kind.KILL:
            return
        self._watch()
        before = self._reachable()
        self.lan.note(victim, f"# {fault.kind.name} ends")
        self._blocking.pop(index, None)
        if fault.kind not in NETWORK:
            del self._busy[victim]
        self._block()
        # Meetings are noted before the host acts: frames pass from this moment on.
        undo()
        self._note_meetings(before)

    def _somebody_but(self, victim: str) -> str:
        return next(host.name for host in self.nodes if host.name != victim)

    def _block(self) -> None:
        self.lan.blocks = Blocks()
        for kind, victim, other in self._blocking.values():
            block(self.lan.blocks, kind, victim, other, list(self.lan.hosts))

    def _weigh(self, fault: Fault, victim: str, active: str | None, other: str | None) -> None:
        """Whether the address must stay: nothing that justifies a move has befallen the active."""
        kind = fault.kind
        touched = active in {victim, other}
        single = len(self.plan.faults) == 1
        exempt = self.plan.nodes == 2 and not self.plan.gateway
        flap = kind is not Kind.LINK_BLIP or fault.lasts < self.plan.interval
        if kind in BY_DESIGN_HARMLESS and single and flap:
            return
        if kind is Kind.PAIR_CUT and single and (self.plan.nodes > 2 or not touched):
            return
        if not touched and single and kind in NETWORK and not exempt:
            return
        if not touched and kind not in NETWORK and kind is not Kind.HANDOVER:
            return
        self._harmless = False

    # Checks

    def _answering(self) -> set[str]:
        return {name for name in self.lan.owners(VIP) if self.lan.hosts[name].on_line}

    def _reachable(self) -> set[tuple[str, str]]:
        names = sorted(host.name for host in self.nodes)
        return {(x, y) for x, y in combinations(names, 2) if self.lan.passes(x, y) and self.lan.passes(y, x)}

    def _note_meetings(self, before: set[tuple[str, str]]) -> None:
        for pair in self._reachable() - before:
            self._met_at[pair] = self.lan.now

    def _watch(self) -> None:
        self._judge_binds()
        self._judge_pairs()

    def _judge_binds(self) -> None:
        """A bind over a kernel that would have answered the last probe, or two that should be one."""
        for found in self.lan.violations:
            met_for = found.at - self._met_at.get(pair_of(found), 0.0)
            if found.seconds:
                self._judge_overlap(found)
            elif met_for > self._patience and not self._passed_on(found) and not self._all_lost(found):
                self.problems.append(f"{found.at:.4f}: {found.binder} bound while {found.other} held it")
        self.lan.violations.clear()

    @property
    def _patience(self) -> float:
        """How long a verdict may be older than the heal: one probe, or with loss all six of them."""
        return 0.061 if not self.plan.loss else 0.3

    def _judge_overlap(self, found: TwoOwners) -> None:
        """Adverts have passed both ways since, so one of the two must have let go."""
        heard = any(
            overlap.condemned and overlap.until is None and len(overlap.passed) == 2
            for overlap in self.lan.ownership.overlaps
            if overlap.pair == pair_of(found)
        )
        if heard and not self.plan.loss:
            self.problems.append(f"{found.at:.4f}: {pair_of(found)} heard each other and both hold it")

    def _all_lost(self, found: TwoOwners) -> bool:
        """Question or answer of each of the three or six probes was really lost, by the LAN's record."""
        pair = {found.binder, found.other}
        lost = [at for at, source, to in self.lan.lost if {source, to} == pair and at <= found.at]
        fast, slow = found.at - 4 * FAST_SPACING, found.at - 7 * self.plan.interval / 2
        return sum(at >= fast for at in lost) >= FAST_PROBES_FOR_SILENCE or (
            sum(at >= slow for at in lost) >= PROBES_FOR_SILENCE
        )

    def _passed_on(self, found: TwoOwners) -> bool:
        """A handover between nodes that hold it beside a third: there were two before, and are two now."""
        turns = self.lan.hosts[found.binder].turned
        taken = any(turned.reason is Reason.HANDOVER_TAKEN and at >= found.at for at, turned in turns)
        gave = [turned.reason for at, turned in self.lan.hosts[found.other].turned if found.at - at < HEAL]
        return taken and Reason.HANDOVER_GIVEN not in gave

    def _judge_pairs(self) -> None:
        """Two daemons that can exchange adverts and both hold the address, for more than a second."""
        owners = sorted(self._answering())
        pairs = {(x, y) for x, y in combinations(owners, 2) if self._talk(x, y) and self._talk(y, x)}
        self._both_since = {pair: self._both_since.get(pair, self.lan.now) for pair in pairs}
        for pair, since in self._both_since.items():
            if self.lan.now - since > HEAL:
                self.problems.append(f"{self.lan.now:.4f}: {pair} both hold it since {since:.4f}")
                self._both_since[pair] = float("inf")

    def _talk(self, one: str, other: str) -> bool:
        host = self.lan.hosts[one]
        working = host.segment is not None and not host.hung and (one, other) not in self.lan.blocks.raw
        return working and self.lan.passes(one, other)

    def _judge_end(self) -> None:
        running = [host for host in self.nodes if host.segment is not None]
        owners = self.lan.owners(VIP)
        if len(owners) != min(1, len(running)):
            self.problems.append(f"owners at the end: {sorted(owners)}")
        if self.plan.failback == 0.0 and len(owners) == 1:
            best = max(host.groups[0].priority for host in running)
            held = self.lan.hosts[owners.pop()].groups[0].priority
            if held < best:
                self.problems.append(f"failback is immediate, but priority {held} holds it, not {best}")

    def _judge_moves(self) -> None:
        if not self._harmless or self.plan.failback is not None:
            return
        for host in self.nodes:
            for at, turned in host.turned:
                if at > SETTLED and Role.ACTIVE in {turned.old, turned.new}:
                    if turned.old is Role.INITIALIZE:
                        continue  # an adoption: the address did not move
                    self.problems.append(f"{at:.4f}: needless: {host.name} {turned.old} -> {turned.new}")
