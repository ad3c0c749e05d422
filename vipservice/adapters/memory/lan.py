"""A LAN in memory: virtual time, links that delay, lose, duplicate and cut, and a record of who owned what.

Deterministic: the same seed and the same commands give the same run.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count, permutations
from random import Random

from vipservice.adapters.memory.fabric import Fabric
from vipservice.adapters.memory.frames import AdvertFrame, ArpFrame, Frame
from vipservice.adapters.memory.host import MemoryHost
from vipservice.adapters.memory.ownership import Ownership, Pair, TwoOwners
from vipservice.core.messages import Path
from vipservice.core.values import Address


@dataclass(slots=True)
class Weather:
    """What the network does to every frame."""

    delay: tuple[float, float] = (0.0001, 0.0003)
    loss: float = 0.0
    duplication: float = 0.0


@dataclass(slots=True)
class Blocks:
    """Which directed pairs cannot pass which frames."""

    everything: set[Pair] = field(default_factory=set)
    udp: set[Pair] = field(default_factory=set)
    raw: set[Pair] = field(default_factory=set)
    arp: set[Pair] = field(default_factory=set)


class MemoryLan:
    """The wire, the clock, and the hosts on it."""

    def __init__(self, seed: int = 0, weather: Weather | None = None) -> None:
        self.now = 0.0
        self.dice = Random(seed)  # noqa: S311 - a simulation wants repeatable dice, not secret ones
        self.weather = weather or Weather()
        self.blocks = Blocks()
        self.hosts: dict[str, MemoryHost] = {}
        self.trace: list[str] = []
        self.lost: list[tuple[float, str, str]] = []
        """When a frame was lost, between whom."""
        self.ownership = Ownership(self)
        self.fabric: Fabric | None = None
        self.floating: frozenset[Address] = frozenset()
        self.recording: list[tuple[float, str, AdvertFrame]] | None = None
        """Every advert that is sent, while somebody records."""
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    # Building

    def add(self, host: MemoryHost) -> MemoryHost:
        """Plug a host in."""
        self.hosts[host.name] = host
        self.floating |= {address for group in host.groups for address in group.addresses}
        host.plug_in(self)
        return host

    # Time

    def at(self, when: float, call: Callable[[], None]) -> None:
        """Do `call` at `when`."""
        heappush(self._heap, (max(when, self.now), next(self._order), call))

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        end = self.now + seconds
        self.ownership.observe()
        while self._heap and self._heap[0][0] <= end:
            self.now, _, call = heappop(self._heap)
            call()
            self.ownership.observe()
        self.now = end

    def note(self, host: str, text: str) -> None:
        """One line of the incident's record."""
        self.trace.append(f"{self.now:9.4f} {host}: {text}")

    # Faults

    def cut(self, one: str, other: str) -> None:
        """Nothing passes between these two."""
        self.blocks.everything |= {(one, other), (other, one)}

    def isolate(self, name: str) -> None:
        """Nothing passes between this host and anybody."""
        for other in self.hosts:
            if other != name:
                self.cut(name, other)

    def deafen(self, name: str) -> None:
        """Nothing reaches this host; what it sends still leaves."""
        self.blocks.everything |= {(other, name) for other in self.hosts if other != name}

    def mute(self, name: str) -> None:
        """Nothing leaves this host; what is sent to it still comes in."""
        self.blocks.everything |= {(name, other) for other in self.hosts if other != name}

    def block_adverts(self, raw: bool = True, pairs: set[Pair] | None = None) -> None:
        """No UDP adverts pass anywhere (or in `pairs`), nor raw ones unless `raw` is False; ARP does."""
        pairs = pairs or set(permutations(self.hosts, 2))
        self.blocks.udp |= pairs
        if raw:
            self.blocks.raw |= pairs

    def heal(self) -> None:
        """Everything passes again."""
        self.blocks = Blocks()

    # The wire

    def passes(self, source: str, destination: str, frame: Frame | None = None) -> bool:
        """Whether this frame (or any at all) gets from one host to the other."""
        pair = (source, destination)
        sender, receiver = self.hosts[source], self.hosts[destination]
        takes_in = receiver.on_line if frame is None else receiver.plugged
        if pair in self.blocks.everything or not (sender.on_line and takes_in):
            return False
        match frame:
            case AdvertFrame(path=Path.RAW):
                return pair not in self.blocks.raw
            case AdvertFrame():
                return pair not in self.blocks.udp
            case ArpFrame():
                return pair not in self.blocks.arp
            case None:
                return True

    def reach_each_other(self, one: str, other: str) -> bool:
        """Whether frames pass both ways between two hosts; none does where one stands still."""
        return self.passes(one, other) and self.passes(other, one)

    def send(self, source: str, frame: Frame) -> None:
        """Deliver to whom it is for; each copy meets its own weather."""
        if self.recording is not None and isinstance(frame, AdvertFrame):
            self.recording.append((self.now, source, frame))
        if self.fabric is not None and isinstance(frame, ArpFrame):
            reply = self.fabric.takes(frame)
            if reply is not None:
                self._deliver(source, self.hosts[source], reply)
            if self.fabric.keeps_from_flooding(frame):
                return
        for name, host in self.hosts.items():
            wanted = frame.destination is None or frame.destination in host.macs
            if name != source and wanted and self.passes(source, name, frame):
                self._deliver(source, host, frame)

    def _deliver(self, source: str, host: MemoryHost, frame: Frame) -> None:
        weather = self.weather
        if self.dice.random() < weather.loss:
            self.lost.append((self.now, source, host.name))
            return
        copies = 2 if self.dice.random() < weather.duplication else 1
        for _ in range(copies):
            self.at(self.now + self.dice.uniform(*weather.delay), lambda: self._arrive(source, host, frame))

    def _arrive(self, source: str, host: MemoryHost, frame: Frame) -> None:
        if isinstance(frame, AdvertFrame) and host.awake:
            self.ownership.advert_passed(source, host.name)
        host.receive(frame)

    # Who owns it

    def owners(self, address: Address) -> set[str]:
        """The hosts whose kernels hold the address now and whose frames can leave them."""
        return {name for name, host in self.hosts.items() if host.powered and host.kernel.holds(address)}

    @property
    def violations(self) -> list[TwoOwners]:
        """Every breach of promise 1 so far."""
        return self.ownership.violations
