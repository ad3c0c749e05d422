"""One incident: who is there, and what befalls them when, in the words of the scenario files.

A happening has steps, each a line of a scenario. `@victim` and `@other` in a line stand for nodes that are
known only when it begins ("the active"); a run writes down the incident with their names, so that dropping a
part of it leaves the rest as it was. Written out it is a scenario file without its expectations.
"""

from dataclasses import dataclass, replace

ACTIVE = "@active"
STANDBY = "@standby"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that befalls the LAN: its steps are lines, each so many seconds after it has begun."""

    kind: str
    at: float
    steps: tuple[tuple[float, str], ...]
    victim: str = ACTIVE
    other: str = STANDBY
    exclusive: bool = False
    """It concerns the victim's machine or daemon, so that nothing else of this sort fits in until its end."""

    @property
    def lasts(self) -> float:
        """Seconds from its first step to its last."""
        return self.steps[-1][0]

    @property
    def ends(self) -> float:
        """When its last step is taken."""
        return self.at + self.lasts

    def named(self, victim: str, other: str) -> "Happening":
        """The same with the names of those whom it really befell."""
        steps = tuple((at, spell(line, victim, other)) for at, line in self.steps)
        return replace(self, steps=steps, victim=victim, other=other)


def spell(line: str, victim: str, other: str) -> str:
    """A line with names in the places of `@victim` and `@other`."""
    return line.replace("@victim", victim).replace("@other", other)


@dataclass(frozen=True, slots=True)
class Incident:
    """A whole run."""

    setup: tuple[str, ...]
    happenings: tuple[Happening, ...]
    calm: float
    """Seconds from the last step to the end of the run."""

    @property
    def ends(self) -> float:
        """When the last step has been taken."""
        return max((one.ends for one in self.happenings), default=0.0)

    def timeline(self) -> list[tuple[float, Happening, str, bool]]:
        """Every step in the order of time: when, of which happening, its line, whether it is the first."""
        steps = [
            (one.at + after, one, line, index == 0)
            for one in self.happenings
            for index, (after, line) in enumerate(one.steps)
        ]
        return sorted(steps, key=lambda step: step[0])

    def text(self) -> str:
        """As a scenario without expectations and trace."""
        lines, now = [*self.setup, "start"], 0.0
        for at, one, line, _ in self.timeline():
            if at > now:
                lines.append(f"run {seconds(at - now)}")
                now = round(at, 6)
            lines.append(spell(line, one.victim, one.other))
        return "\n".join([*lines, f"run {seconds(self.calm)}"]) + "\n"


def read(text: str) -> Incident:
    """The incident of a text, one happening a line; comments and what is expected are left out."""
    bare = [line.partition("#")[0].strip() for line in text.partition("\n---\n")[0].splitlines()]
    lines = [line for line in bare if line and not line.startswith("expect") and not line.startswith("allow")]
    setup = lines[: lines.index("start")]
    now, happenings, calm = 0.0, [], 0.0
    for line in lines[lines.index("start") + 1 :]:
        word, _, rest = line.partition(" ")
        if word == "run":
            calm = duration(rest)
            now += calm
        else:
            happenings.append(Happening(word, round(now, 6), ((0.0, line),)))
            calm = 0.0
    return Incident(tuple(setup), tuple(happenings), calm)


def seconds(value: float) -> str:
    """A duration in the words of a scenario, to the microsecond."""
    return f"{round(value, 6):.6f}".rstrip("0").rstrip(".") + "s"


def duration(word: str) -> float:
    """The seconds of such a word."""
    unit = word.lstrip("0123456789.")
    return float(word.removesuffix(unit)) * {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}[unit]
