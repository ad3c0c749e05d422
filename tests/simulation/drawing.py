"""The incident that belongs to a seed: who is there, with which settings and weather, and what happens."""

from random import Random

from tests.simulation.faults import draw
from tests.simulation.incident import Happening, Incident, seconds
from vipservice.core.timing import LAPSE_TAIL, UNKNOWN_LEASE

SETTLED = 4.0
"""Seconds after which everybody knows everybody; one run in eight begins its troubles at the start."""

CALM = 9.0
"""Seconds from the last step to the end of a run: a lease of 5 s, its tail of 2.5 s, and the takeover."""

LONG_PEACE = 70.0
"""Longer than the minute for which anybody is remembered; one run in 25 begins its troubles after it."""

NAMES = "abcdefg"


def incident_of(seed: int) -> Incident:
    """The same for the same seed, for as long as this file and `faults` are the same."""
    dice = Random(seed)
    count = dice.choices(range(2, 8), (6, 8, 4, 3, 2, 1))[0]
    names = list(NAMES[:count])
    interval = dice.choices((0.1, 0.01, 0.005, 0.002), (20, 4, 2, 1))[0]
    setup = (
        f"dice {seed}",
        f"nodes {' '.join(names)}",
        *_settings(dice, names, interval),
        *_weather(dice, interval),
    )
    blind = UNKNOWN_LEASE + LAPSE_TAIL + 1.0 if "probe off" in setup else 0.0
    happenings = _happenings(dice, names, blind)
    return Incident(setup, happenings, CALM + blind)


def _settings(dice: Random, names: list[str], interval: float) -> list[str]:
    lines = ["gateway"] if dice.random() < 0.75 else []
    lines += [f"interval {seconds(interval)}"] if interval != 0.1 else []
    lines += [
        f"priority {name} {priority}"
        for name in names
        if (priority := dice.choice((100, 100, 120, 150))) != 100
    ]
    failback = dice.choice(("never", "never", "immediate", "2s"))
    lines += [f"failback {failback}"] if failback != "never" else []
    # With `probe: off` nobody looks: a first start waits out a lease it has never heard of.
    lines += _unusual(dice, names, interval)
    return lines


def _unusual(dice: Random, names: list[str], interval: float) -> list[str]:
    """Settings that few have, or that not all nodes share."""
    chance = dice.random()
    if chance < 0.04 and interval == 0.1:
        return ["probe off"]
    if chance < 0.08:
        return ["arp_suppression on", "fabric answers arp"]
    if chance < 0.16:
        one = dice.choice(names)
        return [
            dice.choice(
                (f"interval {one} 50ms", f"misses {one} 2", f"lease {one} 5s", f"interval {one} 200ms")
            )
        ]
    if chance < 0.22:
        return [dice.choice(("on_isolation hold", "on_isolation 2s"))]
    return []


def _weather(dice: Random, interval: float) -> list[str]:
    slow = dice.random() < 0.4 and interval >= 0.01
    lines = ["kernels lapse up to 2s late", "delay 500us to 2ms" if slow else "delay 100us to 300us"]
    if dice.random() < 0.3:
        lines.append(f"lose {dice.choice((1, 1, 2))} percent")
    if dice.random() < 0.1:
        lines.append("duplicate 2 percent")
    return lines


def _happenings(dice: Random, names: list[str], blind: float) -> tuple[Happening, ...]:
    begin = SETTLED + blind if dice.random() < 0.875 else 0.0
    spread = dice.choice((0.3, 2.0, 6.0))
    begin += LONG_PEACE if dice.random() < 0.04 else 0.0
    used: set[str] = set()
    count = dice.choices((1, 2, 3, 4), (4, 4, 3, 1))[0]
    drawn = [draw(dice, names, begin + dice.uniform(0.0, spread), used) for _ in range(count)]
    return tuple(sorted(drawn, key=lambda happening: happening.at))
