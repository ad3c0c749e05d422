"""Draws what happens on a LAN in memory, frame by frame: a Mermaid sequence diagram for the documents."""

from itertools import groupby
from typing import NamedTuple

from vipservice.adapters.memory.frames import ArpFrame, Frame
from vipservice.adapters.memory.lan import MemoryLan
from vipservice.adapters.memory.stage import VIP, Stage
from vipservice.adapters.memory.watching import Watcher
from vipservice.core.actions import Turned
from vipservice.core.roles import Role
from vipservice.core.values import Address

EVERYBODY = "lan"
"""The participant that stands for whoever hears a broadcast."""

BEFORE = 0.25
"""Seconds of peace that are shown before the incident: two adverts at the default pace."""


class Step(NamedTuple):
    """One arrow, or one note where `to` is empty."""

    source: str
    to: str
    text: str


class Recorder(Watcher):
    """Writes down what concerns the floating address, from a moment on."""

    def __init__(self, lan: MemoryLan, nodes: tuple[str, ...], since: float) -> None:
        self.steps: list[Step] = []
        self._lan = lan
        self._nodes = nodes
        self._since = since

    def sent(self, source: str, frame: Frame) -> None:
        """An advert goes to the other node, ARP for the address to all."""
        if isinstance(frame, ArpFrame):
            if frame.target == VIP and source in self._nodes and not frame.answer:
                self._note(source, EVERYBODY, _arp(frame, source))
            return
        if frame.advert.entries and frame.advert.entries[0].role is not Role.BACKUP:
            other = next(name for name in self._nodes if name != source)
            self._note(source, other, f"advert: {frame.advert.entries[0].role.value}")

    def bound(self, name: str, address: Address) -> None:
        """The daemon's kernel has the address from here on."""
        self._note(name, "", f"binds {address}, leased")

    def turned(self, name: str, turned: Turned) -> None:
        """The sentence of the log."""
        self._note(name, "", f"{turned.old.value} to {turned.new.value}:<br/>{turned.detail}")

    def happened(self, name: str, text: str) -> None:
        """An incident that only the stage knows of."""
        self._note(name, "", text)

    def _note(self, source: str, to: str, text: str) -> None:
        if self._lan.now >= self._since:
            self.steps.append(Step(source, to, text))


def host_death() -> str:
    """The active of a pair loses power while all is well: the diagram until the other serves."""
    stage = Stage()
    stage.add_node("a")
    stage.add_node("b")
    stage.add_gateway()
    stage.start([])
    stage.lan.run(5.0 - BEFORE)
    recorder = Recorder(stage.lan, ("a", "b"), stage.lan.now)
    stage.lan.watch(recorder, frames=True)
    stage.lan.run(BEFORE)
    began = stage.lan.now
    recorder.happened("a", "the host dies")
    stage.lan.hosts["a"].die()
    while stage.lan.owners(VIP) != {"b"}:
        stage.lan.run(0.001)
        assert stage.lan.now < began + 1.0
    return diagram(recorder.steps, ("a", "b"))


def diagram(steps: list[Step], nodes: tuple[str, ...]) -> str:
    """Mermaid's text; what is repeated without a break is one arrow."""
    lines = ["sequenceDiagram", *(f"    participant {name} as node {name}" for name in nodes)]
    lines.append(f"    participant {EVERYBODY} as clients and switches")
    for step, times in groupby(steps):
        count = len(list(times))
        text = step.text if count == 1 else f"{step.text}, {count} times"
        lines.append(
            f"    {step.source}->>{step.to}: {text}" if step.to else f"    Note over {step.source}: {text}"
        )
    return "\n".join(lines)


def _arp(frame: ArpFrame, source: str) -> str:
    if frame.sender is None:
        return f"who has {frame.target}?"
    return f"{frame.target} is at node {source}"
