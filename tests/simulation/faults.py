"""What can befall a LAN in the hunt: each fault begins, lasts, and ends; several may overlap."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from itertools import permutations
from random import Random

from vipservice.adapters.memory.host import MemoryHost
from vipservice.adapters.memory.lan import Blocks, MemoryLan
from vipservice.core.events import HandoverAsked, StopAsked
from vipservice.core.values import GroupId

STOP_TIME = 1.1
"""Seconds a stopping daemon has before its manager starts it again."""


class Kind(Enum):
    """What a fault is."""

    HANG_SHORT = auto()
    HANG_LONG = auto()
    KILL_RESTART_SHORT = auto()
    KILL_RESTART_LONG = auto()
    KILL = auto()
    HOST_DEATH = auto()
    CUT = auto()
    ONE_WAY_CUT = auto()
    PAIR_CUT = auto()
    ADVERTS_BLOCKED = auto()
    UDP_BLOCKED = auto()
    DEAF = auto()
    MUTE = auto()
    LINK_FLAP = auto()
    LINK_BLIP = auto()
    HANDOVER = auto()
    STOP_START = auto()
    PAUSE = auto()
    SUSPEND = auto()


LASTS = {
    Kind.HANG_SHORT: (0.06, 2.3),
    Kind.HANG_LONG: (3.0, 9.0),
    Kind.KILL_RESTART_SHORT: (0.05, 1.9),
    Kind.KILL_RESTART_LONG: (2.5, 8.0),
    Kind.KILL: (20.0, 20.0),
    Kind.HOST_DEATH: (0.5, 8.0),
    Kind.CUT: (0.05, 8.0),
    Kind.ONE_WAY_CUT: (0.05, 8.0),
    Kind.PAIR_CUT: (0.05, 8.0),
    Kind.ADVERTS_BLOCKED: (0.2, 9.0),
    Kind.UDP_BLOCKED: (0.2, 9.0),
    Kind.DEAF: (0.05, 8.0),
    Kind.MUTE: (0.05, 8.0),
    Kind.LINK_FLAP: (0.01, 4.0),
    Kind.LINK_BLIP: (0.01, 0.09),
    Kind.HANDOVER: (0.1, 0.1),
    Kind.STOP_START: (1.2, 4.0),
    Kind.PAUSE: (0.002, 4.0),
    Kind.SUSPEND: (0.05, 6.0),
}
"""Between how many and how many seconds."""

NETWORK = {
    Kind.CUT,
    Kind.ONE_WAY_CUT,
    Kind.PAIR_CUT,
    Kind.ADVERTS_BLOCKED,
    Kind.UDP_BLOCKED,
    Kind.DEAF,
    Kind.MUTE,
}
BY_DESIGN_HARMLESS = {
    Kind.HANG_SHORT,
    Kind.KILL_RESTART_SHORT,
    Kind.ADVERTS_BLOCKED,
    Kind.UDP_BLOCKED,
    Kind.LINK_BLIP,
}
"""What must not move the address though it befalls the active, as long as nothing else is wrong."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `victim` None is whoever is active when it begins."""

    kind: Kind
    at: float
    lasts: float
    victim: str | None
    other: str | None

    def __str__(self) -> str:
        whom = self.victim or "the active"
        also = f" and {self.other}" if self.other else ""
        return f"{self.at:6.3f} s {self.kind.name} of {whom}{also} for {self.lasts:.3f} s"


def draw(dice: Random, names: list[str], begin: float, spread: float) -> Fault:
    """A fault by the dice, within `spread` seconds of `begin`."""
    kind = dice.choice(list(Kind))
    victim = None if dice.random() < 0.6 else dice.choice(names)
    return Fault(
        kind,
        begin + dice.uniform(0.0, spread),
        dice.uniform(*LASTS[kind]),
        victim,
        dice.choice(names) if kind in {Kind.ONE_WAY_CUT, Kind.PAIR_CUT} else None,
    )


def block(blocks: Blocks, kind: Kind, victim: str, other: str | None, names: list[str]) -> None:
    """What a fault of the network does to the frames."""
    others = [name for name in names if name != victim]
    inward, outward = {(one, victim) for one in others}, {(victim, one) for one in others}
    pairs = set(permutations(names, 2))
    match kind:
        case Kind.CUT:
            blocks.everything |= inward | outward
        case Kind.DEAF:
            blocks.everything |= inward
        case Kind.MUTE:
            blocks.everything |= outward
        case Kind.ONE_WAY_CUT if other is not None:
            blocks.everything |= {(victim, other)}
        case Kind.PAIR_CUT if other is not None:
            blocks.everything |= {(victim, other), (other, victim)}
        case Kind.UDP_BLOCKED:
            blocks.udp |= pairs
        case _:
            blocks.udp |= pairs
            blocks.raw |= pairs


def begin_on_host(lan: MemoryLan, kind: Kind, host: MemoryHost, lasts: float) -> Callable[[], None]:
    """Do it to the host; returns what ends it."""
    match kind:
        case Kind.HANG_SHORT | Kind.HANG_LONG:
            host.hang()
            return host.resume
        case Kind.KILL | Kind.KILL_RESTART_SHORT | Kind.KILL_RESTART_LONG:
            host.kill()
            return (lambda: None) if kind is Kind.KILL else host.start
        case Kind.HOST_DEATH:
            host.die()
            return host.boot
        case Kind.LINK_FLAP | Kind.LINK_BLIP:
            host.unplug()
            return host.plug
        case Kind.PAUSE:
            host.pause()
            return host.unpause
        case Kind.SUSPEND:
            return _suspend(host)
        case Kind.STOP_START:
            host.tell(StopAsked())
            lan.at(lan.now + min(STOP_TIME, lasts), host.kill)
            return host.start
        case _:
            host.tell(HandoverAsked(GroupId(1), 1))
            return lambda: None


def _suspend(host: MemoryHost) -> Callable[[], None]:
    """Frames and the loop stand still, and the clock is right again afterwards."""
    host.hang()
    host.powered = False

    def resume() -> None:
        host.powered = True
        host.resume()

    return resume
