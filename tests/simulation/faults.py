"""What can befall a LAN, a kind a line: how long it lasts, and its steps in the words of a scenario."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.simulation.incident import Happening

Steps = tuple[tuple[float, str], ...]
Draw = Callable[[Random, list[str], float], Steps]
"""Steps by the dice, for these nodes, lasting so many seconds."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault: how it is drawn and how often, and how many seconds it lasts."""

    draw: Draw
    lasts: tuple[float, float]
    weight: int = 2
    exclusive: bool = False
    once: bool = False


def _blockage(line: str) -> Draw:
    return lambda _dice, _names, lasts: ((0.0, line), (lasts, f"end {line}"))


def _pair(begin: str, end: str) -> Draw:
    return lambda _dice, _names, lasts: ((0.0, begin), (lasts, end))


def _alone(line: str) -> Draw:
    return lambda _dice, _names, _lasts: ((0.0, line),)


def _split(dice: Random, names: list[str], lasts: float) -> Steps:
    """A partition of any shape, the client on one side or the other."""
    everybody = [*names, "client"] if dice.random() < 0.5 else names
    here = sorted(dice.sample(everybody, dice.randint(1, max(1, len(everybody) - 1))))
    line = f"split {' '.join(here)}"
    return (0.0, line), (lasts, f"end {line}")


def _loss(what: str) -> Draw:
    def draw(dice: Random, _names: list[str], lasts: float) -> Steps:
        percent = dice.choice((5, 20, 50, 90))
        return (0.0, f"lose {percent} percent{what}"), (lasts, f"lose 0 percent{what}")

    return draw


def _late(dice: Random, _names: list[str], lasts: float) -> Steps:
    by = dice.choice(("2ms", "20ms", "80ms"))
    return (0.0, f"late {dice.choice((10, 40))} percent by {by}"), (lasts, "late 0 percent by 0ms")


def _restart_changed(dice: Random, _names: list[str], lasts: float) -> Steps:
    """A stop, a new version or file, a start: what a rolling upgrade does to each node."""
    return (0.0, "stop @victim"), (1.1, _setting(dice, "@victim")), (max(1.2, lasts), "start @victim")


def _rolling(dice: Random, names: list[str], _lasts: float) -> Steps:
    steps: list[tuple[float, str]] = []
    change = _setting(dice, "@node")
    for index, name in enumerate(dice.sample(names, len(names))):
        begins = index * 1.7
        steps += [(begins, f"stop {name}"), (begins + 1.1, change.replace("@node", name))]
        steps += [(begins + 1.2, f"start {name}")]
    return tuple(steps)


def _setting(dice: Random, node: str) -> str:
    """Another priority, interval, patience, lease or failback of one node."""
    return dice.choice(
        (
            f"priority {node} {dice.choice((80, 100, 120, 150))}",
            f"interval {node} {dice.choice(('50ms', '100ms', '200ms'))}",
            f"misses {node} {dice.choice((2, 3, 5))}",
            f"lease {node} {dice.choice(('2s', '3s', '5s'))}",
            f"failback {node} {dice.choice(('never', 'immediate', '2s'))}",
        )
    )


def _reload(dice: Random, _names: list[str], _lasts: float) -> Steps:
    return ((0.0, _setting(dice, "@victim")),)


def _robbed(_dice: Random, _names: list[str], lasts: float) -> Steps:
    """The daemon dies, and somebody takes the address off before it is back."""
    return (0.0, "kill @victim"), (lasts / 2, "remove @victim"), (lasts, "start @victim")


def _robbed_often(dice: Random, _names: list[str], _lasts: float) -> Steps:
    """Somebody's script takes the address off again and again: within the budget of repairs, or beyond it."""
    every = dice.choice((0.1, 0.5, 1.5))
    return tuple((index * every, "remove @victim") for index in range(dice.randint(3, 9)))


def _clock(dice: Random, _names: list[str], lasts: float) -> Steps:
    """The wall clock steps, and the daemon starts with what it says then."""
    way, by = dice.choice(("ahead", "back")), dice.choice(("3s", "60m"))
    return (0.0, f"set clock @victim {way} {by}"), (lasts / 2, "kill @victim"), (lasts, "start @victim")


KINDS: dict[str, Kind] = {
    # The network
    "cut off": Kind(_blockage("isolate @victim"), (0.05, 8.0), 3),
    "one-way cut": Kind(_blockage("cut one way @victim @other"), (0.05, 8.0)),
    "one-way cut, inward": Kind(_blockage("cut one way @other @victim"), (0.05, 8.0)),
    "pair cut": Kind(_blockage("cut @victim @other"), (0.05, 8.0), 3),
    "partition": Kind(_split, (0.05, 8.0), 4),
    "deaf": Kind(_blockage("deafen @victim"), (0.05, 8.0)),
    "mute": Kind(_blockage("mute @victim"), (0.05, 8.0)),
    "adverts blocked": Kind(_blockage("block adverts"), (0.2, 9.0), 3),
    "adverts blocked but raw": Kind(_blockage("block adverts but raw"), (0.2, 9.0)),
    "adverts blocked between two": Kind(_blockage("block adverts between @victim @other"), (0.2, 9.0)),
    "adverts blocked one way": Kind(_blockage("block adverts from @victim to @other"), (0.2, 9.0)),
    "ARP blocked": Kind(_blockage("block arp"), (0.2, 9.0)),
    "ARP blocked between two": Kind(_blockage("block arp between @victim @other"), (0.2, 9.0)),
    "ARP blocked one way": Kind(_blockage("block arp from @victim to @other"), (0.2, 9.0)),
    "frames lost": Kind(_loss(""), (0.1, 4.0), 1),
    "ARP lost": Kind(_loss(" of arp"), (0.1, 4.0), 1),
    "adverts lost": Kind(_loss(" of adverts"), (0.1, 6.0), 1),
    "frames late and reordered": Kind(_late, (0.1, 6.0), 1),
    # The daemon
    "hang within the lease": Kind(_pair("hang @victim", "resume @victim"), (0.01, 2.3), 3, True),
    "hang beyond the lease": Kind(_pair("hang @victim", "resume @victim"), (2.9, 9.0), 3, True),
    "kill, restart at once": Kind(_pair("kill @victim", "start @victim"), (0.05, 1.9), 3, True),
    "kill, restart late": Kind(_pair("kill @victim", "start @victim"), (2.0, 8.0), 2, True),
    "kill, restart without the address": Kind(
        _robbed,
        (0.05, 3.0), 1, True,
    ),
    "kill, restart without state": Kind(_pair("kill @victim", "wiped start @victim"), (0.05, 6.0), 1, True),
    "kill, never restarted": Kind(_alone("kill @victim"), (0.0, 0.0), 1, True),
    "stop and start": Kind(_pair("stop @victim", "start @victim"), (1.2, 4.0), 2, True),
    "upgrade with other settings": Kind(_restart_changed, (1.2, 3.0), 2, True),
    "rolling upgrade": Kind(_rolling, (0.0, 0.0), 1, True, True),
    "reload": Kind(_reload, (0.0, 0.0), 2),
    # The host
    "host death": Kind(_pair("die @victim", "boot @victim"), (0.3, 8.0), 3, True),
    "pause": Kind(_pair("pause @victim", "unpause @victim"), (0.002, 4.0), 3, True),
    "suspend": Kind(_pair("suspend @victim", "wake @victim"), (0.05, 7.0), 2, True),
    "cable out": Kind(_pair("unplug @victim", "plug @victim"), (0.1, 4.0), 2, True),
    "link flap": Kind(_pair("unplug @victim", "plug @victim"), (0.001, 0.09), 2, True),
    "clock step": Kind(_clock, (0.2, 3.0), 1, True),
    "address removed by hand": Kind(_alone("remove @victim"), (0.0, 0.0), 1),
    "address removed again and again": Kind(_robbed_often, (0.0, 0.0), 2),
    "address configured by hand": Kind(_pair("configure @victim", "remove @victim"), (0.2, 6.0), 2),
    # Operators
    "handover": Kind(_alone("handover @victim"), (0.0, 0.0), 3),
    "handover to another": Kind(_alone("handover @victim to @other by force"), (0.0, 0.0), 2),
    "drain": Kind(_pair("maintenance @victim on", "maintenance @victim off"), (0.1, 4.0)),
    "health lost": Kind(_pair("unhealthy @victim", "healthy @victim"), (0.1, 4.0)),
    # Others on the link
    "stranger": Kind(_pair("stranger answers", "stranger leaves"), (0.2, 5.0), 1, False, True),
    "prober": Kind(_alone("prober for 4s"), (0.0, 0.0), 1),
    "replay": Kind(_pair("record", "replay @victim"), (1.0, 3.0), 1, False, True),
    "clone": Kind(
        lambda _d, _n, lasts: ((0.0, "clone @victim as z"), (0.0, "start z"), (lasts, "die z")),
        (1.0, 6.0), 1, True, True,
    ),
}  # fmt: skip


def draw(dice: Random, names: list[str], begins: float, used: set[str]) -> Happening:
    """One happening by the dice."""
    open_to = [name for name, kind in KINDS.items() if not (kind.once and name in used)]
    chosen = dice.choices(open_to, [KINDS[name].weight for name in open_to])[0]
    kind = KINDS[chosen]
    used.add(chosen)
    shortest, longest = kind.lasts
    lasts = round(shortest + (longest - shortest) * dice.random() ** 1.5, 6)
    victim = dice.choices(("@active", "@standby", dice.choice(names)), (5, 2, 3))[0]
    steps = tuple((round(after, 6), line) for after, line in kind.draw(dice, names, lasts))
    return Happening(chosen, round(begins, 6), steps, victim, dice.choice(names), kind.exclusive)
