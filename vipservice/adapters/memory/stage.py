"""Where a scenario plays: a LAN, its hosts and bystanders, and what an operator may expect of them."""

from dataclasses import replace
from ipaddress import IPv4Address

from vipservice.adapters.memory.frames import ArpFrame
from vipservice.adapters.memory.host import Disk, MemoryHost
from vipservice.adapters.memory.lan import MemoryLan, Weather
from vipservice.adapters.memory.ownership import CLIENT
from vipservice.core.events import Event, SettingsChanged
from vipservice.core.messages import Path
from vipservice.core.roles import Reason, Role
from vipservice.core.settings import BindMode, GroupSettings, Isolation, ProbeMode, WhenAllFail
from vipservice.core.timing import Timing
from vipservice.core.values import GroupId, Mac

VIP = IPv4Address("192.168.3.234")
SECOND_ADDRESS = IPv4Address("192.168.3.235")
GATEWAY = IPv4Address("192.168.3.1")
GROUP = GroupId(1)
FIRST_NUMBER = 20
"""The first node has 192.168.3.20, the next .19: who is named first is the best of equal priority."""

WIRE = 0.0002
"""Every frame takes this long, so that a trace changes only where behaviour does."""

LAPSE_LATE = 0.5
"""The kernels here free a lapsed address this late, seconds; real ones 0 to 2."""

PROBER_PERIOD = 0.05


class Expectation(Exception):  # noqa: N818 - it is what was expected, in a sentence
    """What a scenario expects is not so."""


def default_settings() -> GroupSettings:
    """One address, with the defaults of the configuration."""
    return GroupSettings(
        id=GROUP,
        name="vip",
        addresses=(VIP,),
        priority=100,
        timing=Timing(0.1, 3, 3),
        failback=None,
        probe=ProbeMode.ON,
        arp_suppression=False,
        on_isolation=Isolation.RELEASE,
        isolation_wait=0.0,
        announce_refresh=60.0,
        when_all_fail=WhenAllFail.KEEP,
        bind=BindMode.KERNEL,
    )


class Stage:
    """The LAN of one scenario."""

    def __init__(self) -> None:
        self.lan = MemoryLan(seed=1, weather=Weather(delay=(WIRE, WIRE)))
        self.started = False
        self.allowed_overlap = 0.0
        self._asked_at = 0.0
        self._moves_asked = 0
        self._adverts_asked: dict[str, int] = {}
        self._adverts_counted: dict[str, int] = {}
        self._bystander(CLIENT, 200)

    @property
    def nodes(self) -> list[MemoryHost]:
        """The hosts with a daemon."""
        return [host for host in self.lan.hosts.values() if host.groups]

    # Building

    def throw(self, seed: int) -> None:
        """Other dice, for the network and for every host that is plugged in from now on."""
        self.lan.dice.seed(seed)

    def add_node(self, name: str) -> None:
        """One more node, not started."""
        number = FIRST_NUMBER - len(self.nodes)
        self._plug_in(MemoryHost(name, number, (default_settings(),)))

    def add_gateway(self) -> None:
        """A gateway that answers ARP; every node knows it."""
        self._bystander("gateway", 1)
        for host in self.nodes:
            host.gateway = GATEWAY

    def add_stranger(self) -> None:
        """A host that was given the floating address by hand."""
        host = self._bystander("stranger", 66)
        host.kernel.add_permanent(VIP)

    def clone(self, name: str, copy: str) -> None:
        """A cloned machine: another MAC and address, the same state directory."""
        original = self.lan.hosts[name]
        self.add_node(copy)
        host = self.lan.hosts[copy]
        host.node, host.gateway, host.groups = original.node, original.gateway, original.groups
        host.disk = Disk(original.disk.incarnation, dict(original.disk.terms), list(original.disk.peers))

    def change(self, names: list[str], **values: object) -> None:
        """Other settings: before the start as configured, afterwards by a reload."""
        for host in [self.lan.hosts[name] for name in names] or self.nodes:
            host.groups = tuple(replace(group, **values) for group in host.groups)  # type: ignore[arg-type] # the table's own words
            if host.segment is not None:
                host.tell(SettingsChanged(host.groups[0]))

    def change_timing(self, names: list[str], **values: object) -> None:
        """The same for interval, misses and lease."""
        for host in [self.lan.hosts[name] for name in names] or self.nodes:
            timing = replace(host.groups[0].timing, **values)  # type: ignore[arg-type] # the table's own words
            self.change([host.name], timing=timing)

    def start(self, names: list[str], wiped: bool = False) -> None:
        """Start daemons."""
        self.started = True
        for host in [self.lan.hosts[name] for name in names] or self.nodes:
            host.start(wiped)

    def tell(self, name: str, event: Event) -> None:
        """An operator's word, or a health check's."""
        self.lan.hosts[name].tell(event)

    # Enemies

    def probe_without_end(self, seconds: float) -> None:
        """A host that asks for the address as one does before taking it, and never takes it."""
        host = self.lan.hosts.get("prober") or self._bystander("prober", 77)
        for turn in range(round(seconds / PROBER_PERIOD)):
            at = self.lan.now + turn * PROBER_PERIOD
            self.lan.at(at, lambda: self.lan.send("prober", ArpFrame(host.macs[0], None, None, VIP)))

    def record(self) -> None:
        """An attacker without a key writes down every advert from now on."""
        self.lan.recording = []

    def replay(self, name: str) -> None:
        """It sends again what it has of one node, at the old pace and to everybody."""
        tape, self.lan.recording = self.lan.recording or [], None
        host = self.lan.hosts.get("attacker") or self._bystander("attacker", 88)
        own = [(at, frame) for at, source, frame in tape if source == name]
        for at, frame in own:
            again = replace(frame, source=host.macs[0], destination=None, path=Path.MULTICAST)
            delay = at - own[0][0]
            self.lan.at(self.lan.now + delay, lambda again=again: self.lan.send("attacker", again))  # type: ignore[misc] # a default binds the loop's value

    # What the operator sees

    def expect_owners(self, names: list[str]) -> None:
        """Exactly these kernels hold the address; a client that reaches the owner has learned its MAC."""
        owners = sorted(name for name in self.lan.owners(VIP))
        if owners != sorted(names):
            raise Expectation(f"the address is held by {' and '.join(owners) or 'nobody'}")
        if len(owners) == 1 and self.lan.hosts[owners[0]].groups:
            self._expect_learned(owners[0])

    def _expect_learned(self, owner: str) -> None:
        client, mac = self.lan.hosts[CLIENT], self.lan.hosts[owner].macs[0]
        if not self.lan.reach_each_other(owner, CLIENT) or client.neighbours.get(VIP) == mac:
            return
        raise Expectation(
            f"clients still send to {self._name_of(client.neighbours.get(VIP))}, not to {owner}"
        )

    def expect_role(self, name: str, role: Role) -> None:
        """The daemon's own view."""
        segment = self.lan.hosts[name].segment
        found = segment.elections[GROUP].group.role.value if segment else "not running"
        if found != role.value:
            raise Expectation(f"{name} is {found}")

    def expect_moves(self, count: int) -> None:
        """How often somebody became active since this was last asked; adoption is no move."""
        moves = [
            turn
            for host in self.nodes
            for _, turn in host.turned
            if turn.new is Role.ACTIVE and turn.reason is not Reason.ADOPTED
        ]
        found, self._moves_asked = len(moves) - self._moves_asked, len(moves)
        if found != count:
            raise Expectation(f"it moved {found} times")

    def expect_gap(self, seconds: float) -> None:
        """The longest time a client saw no owner, since this was last asked."""
        found = self.lan.ownership.longest_gap(self._asked_at)
        self._asked_at = self.lan.now
        if found > seconds + 1e-9:
            raise Expectation(f"the longest was {found * 1000:.1f} ms")

    def expect_adverts(self, most: int) -> None:
        """How many adverts all nodes together have sent since this was last asked."""
        sent = {host.name: len(host.sent) for host in self.nodes}
        new = {name: count - self._adverts_asked.get(name, 0) for name, count in sent.items()}
        self._adverts_asked = sent
        if sum(new.values()) > most:
            raise Expectation(f"{sum(new.values())} were sent: {new}")

    def count_adverts(self) -> None:
        """Write into the trace how many adverts each node has sent since this was last asked."""
        for host in self.nodes:
            new = host.sent[self._adverts_counted.get(host.name, 0) :]
            self._adverts_counted[host.name] = len(host.sent)
            by_path = [f"{sum(path in sent.paths for sent in new)} {path.value}" for path in Path]
            self.lan.note(host.name, f"{len(new)} adverts: {', '.join(by_path)}")

    def expect_one_owner(self) -> None:
        """Promise 1 over the whole run, and no longer overlap than the file allows."""
        inexcusable = [
            found for found in self.lan.violations if not 0 < found.seconds <= self.allowed_overlap
        ]
        if inexcusable:
            raise Expectation(f"there were: {inexcusable[0]}")
        for overlap in self.lan.ownership.overlaps:
            lasted = (overlap.until or self.lan.now) - overlap.since
            if lasted > self.allowed_overlap + 1e-9:
                raise Expectation(f"{' and '.join(overlap.pair)} held it for {lasted:.4f} s")

    def _name_of(self, mac: Mac | None) -> str:
        return next((host.name for host in self.lan.hosts.values() if mac in host.macs), "nobody")

    def _bystander(self, name: str, number: int) -> MemoryHost:
        return self._plug_in(MemoryHost(name, number))

    def _plug_in(self, host: MemoryHost) -> MemoryHost:
        self.lan.add(host)
        host.kernel.earliest_lapse = host.kernel.latest_lapse = LAPSE_LATE
        return host
