"""A LAN in memory: virtual time, links that delay, lose, duplicate and cut, and a record of who owned what.

Deterministic: the same seed and the same commands give the same run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import TYPE_CHECKING

from vipservice.adapters.memory.fabric import Fabric
from vipservice.adapters.memory.frames import AdvertFrame, ArpFrame, Frame
from vipservice.adapters.memory.ownership import Ownership, Pair, TwoOwners
from vipservice.adapters.memory.watching import Watcher
from vipservice.core.actions import Turned
from vipservice.core.messages import Path
from vipservice.core.values import Address

if TYPE_CHECKING:
    from vipservice.adapters.memory.host import MemoryHost


@dataclass(slots=True)
class Weather:
    """What the network does to every frame; each copy meets its own."""

    delay: tuple[float, float] = (0.0001, 0.0003)
    loss: float = 0.0
    arp_loss: float = 0.0
    """ARP alone suffers this beside `loss`: storm control, a busy neighbour table."""
    advert_loss: float = 0.0
    duplication: float = 0.0
    late: float = 0.0
    """Share of frames that overtaking ones leave behind, by up to `late_by` seconds."""
    late_by: float = 0.0

    @property
    def longest_delay(self) -> float:
        """No frame is longer under way, seconds."""
        return self.delay[1] + (self.late_by if self.late else 0.0)

    def takes(self, frame: Frame, dice: Random) -> bool:
        """Whether this copy is lost."""
        if dice.random() < self.loss:
            return True
        special = self.arp_loss if isinstance(frame, ArpFrame) else self.advert_loss
        return special > 0 and dice.random() < special

    def copies(self, dice: Random) -> list[float]:
        """The delays of the copies that come through."""
        count = 2 if dice.random() < self.duplication else 1
        return [self._one_delay(dice) for _ in range(count)]

    def _one_delay(self, dice: Random) -> float:
        delay = dice.uniform(*self.delay)
        if self.late and dice.random() < self.late:
            delay += dice.uniform(0.0, self.late_by)
        return delay


@dataclass(slots=True)
class Blocks:
    """Which directed pairs cannot pass which frames."""

    everything: set[Pair] = field(default_factory=set)
    udp: set[Pair] = field(default_factory=set)
    raw: set[Pair] = field(default_factory=set)
    arp: set[Pair] = field(default_factory=set)
    into: set[str] = field(default_factory=set)
    """Hosts that nothing reaches."""
    out_of: set[str] = field(default_factory=set)
    """Hosts that nothing leaves."""

    def add(self, other: Blocks) -> None:
        """What the other blocks is blocked too."""
        for part in fields(self):
            getattr(self, part.name).update(getattr(other, part.name))


class MemoryLan:
    """The wire, the clock, and the hosts on it."""

    def __init__(self, seed: int = 0, weather: Weather | None = None) -> None:
        self.now = 0.0
        self.dice = Random(seed)  # noqa: S311 - a simulation wants repeatable dice, not secret ones
        self.weather = weather or Weather()
        self.blocks = Blocks()
        """The sum of what is blocked now; change it by `block` and `unblock`."""
        self.hosts: dict[str, MemoryHost] = {}
        self.trace: list[str] = []
        self.ownership = Ownership(self)
        self._watchers: list[Watcher] = []
        self._listeners: list[Watcher] = []
        self.watch(self.ownership, frames=True)
        self.fabric: Fabric | None = None
        self.floating: frozenset[Address] = frozenset()
        self.recording: list[tuple[float, str, AdvertFrame]] | None = None
        """Every advert that is sent, while somebody records."""
        self._blockages: list[tuple[str, Blocks]] = []
        self._stale = True
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    # Building

    def add(self, host: MemoryHost) -> MemoryHost:
        """Plug a host in."""
        self.hosts[host.name] = host
        self.floating |= {address for group in host.groups for address in group.addresses}
        host.plug_in(self)
        self.touch()
        return host

    def watch(self, watcher: Watcher, frames: bool = False) -> None:
        """Tell it of every bind, turn and change from now on, and of every frame if it wants that too."""
        self._watchers.append(watcher)
        if frames:
            self._listeners.append(watcher)

    # Time

    def at(self, when: float, call: Callable[[], None]) -> None:
        """Do `call` at `when`."""
        heappush(self._heap, (max(when, self.now), next(self._order), call))

    def run(self, seconds: float) -> None:
        """Let virtual time pass."""
        end = self.now + seconds
        self._observe()
        while self._heap and self._heap[0][0] <= end:
            self.now, _, call = heappop(self._heap)
            call()
            if self._stale:
                self._observe()
        self.now = end

    def touch(self) -> None:
        """Who holds what, who reaches whom or who is awake may change within this event."""
        self._stale = True

    def _observe(self) -> None:
        self._stale = False
        for watcher in self._watchers:
            watcher.changed()

    def note(self, host: str, text: str) -> None:
        """One line of the incident's record."""
        self.trace.append(f"{self.now:9.4f} {host}: {text}")

    # Faults

    def block(self, words: str, blocks: Blocks) -> None:
        """From now on these frames do not pass; `words` name the blockage for whoever ends it."""
        self._blockages.append((words, blocks))
        self._sum_up()

    def unblock(self, words: str) -> bool:
        """One blockage of this name ends, whatever others block still; True if it was there."""
        found = next((index for index, (name, _) in enumerate(self._blockages) if name == words), None)
        if found is not None:
            del self._blockages[found]
        self._sum_up()
        return found is not None

    def heal(self) -> None:
        """Everything passes again."""
        self._blockages.clear()
        self._sum_up()

    def _sum_up(self) -> None:
        self.blocks = Blocks()
        for _, blocks in self._blockages:
            self.blocks.add(blocks)
        self.touch()

    # The wire

    def passes(self, source: str, destination: str, frame: Frame | None = None) -> bool:
        """Whether this frame (or any at all) gets from one host to the other."""
        pair = (source, destination)
        sender, receiver = self.hosts[source], self.hosts[destination]
        takes_in = receiver.on_line if frame is None else receiver.plugged
        if not (sender.on_line and takes_in) or self._blocked(pair):
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

    def _blocked(self, pair: Pair) -> bool:
        blocks = self.blocks
        return pair in blocks.everything or pair[0] in blocks.out_of or pair[1] in blocks.into

    def reach_each_other(self, one: str, other: str) -> bool:
        """Whether frames pass both ways between two hosts; none does where one stands still."""
        return self.passes(one, other) and self.passes(other, one)

    def send(self, source: str, frame: Frame) -> None:
        """Deliver to whom it is for; each copy meets its own weather."""
        for watcher in self._listeners:
            watcher.sent(source, frame)
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
        if self.weather.takes(frame, self.dice):
            for watcher in self._listeners:
                watcher.lost(source, host.name, frame)
            return
        for delay in self.weather.copies(self.dice):
            self.at(self.now + delay, lambda: self._arrive(source, host, frame))

    def _arrive(self, source: str, host: MemoryHost, frame: Frame) -> None:
        for watcher in self._listeners:
            watcher.arrived(source, host.name, frame)
        host.receive(frame)

    # What hosts tell

    def tell_bound(self, name: str, address: Address) -> None:
        """A daemon has added the address to its kernel."""
        for watcher in self._watchers:
            watcher.bound(name, address)

    def tell_turned(self, name: str, turned: Turned) -> None:
        """A node changes its role."""
        for watcher in self._watchers:
            watcher.turned(name, turned)

    # Who owns it

    def owners(self, address: Address) -> set[str]:
        """The hosts whose kernels hold the address now and whose frames can leave them."""
        return {name for name, host in self.hosts.items() if host.powered and host.kernel.holds(address)}

    @property
    def violations(self) -> list[TwoOwners]:
        """Every breach of promise 1 so far."""
        return self.ownership.violations
