"""The words of a scenario, in one table: words in capitals stand for values, the others for themselves."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import permutations
from typing import Any

from vipservice.adapters.memory.fabric import Fabric
from vipservice.adapters.memory.lan import Blocks
from vipservice.adapters.memory.ownership import Pair
from vipservice.adapters.memory.stage import GROUP, SECOND_ADDRESS, VIP, Expectation, Stage
from vipservice.core.events import HandoverAsked, HealthChanged, MaintenanceSet
from vipservice.core.frozen import dataclass
from vipservice.core.roles import Role
from vipservice.core.settings import Isolation, ProbeMode, WhenAllFail
from vipservice.core.values import Health

Words = dict[str, list[Any]]
"""The values of one line by placeholder, in the order written."""

LINE = "LINE"
"""Beside the placeholders: the whole line, which names a blockage for whoever ends it."""

UNITS = {"us": 0.000001, "ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True)
class Command:
    """What a line does. `echo`: it is something that happens, so the trace shows it."""

    do: Callable[[Stage, Words], object]
    echo: bool = True
    echo_when_started: bool = False


def duration(_stage: Stage, word: str) -> float:
    """`250ms`, `2s`, `1m` in seconds."""
    unit = word.lstrip("0123456789.")
    if unit not in UNITS or unit == word:
        raise ValueError(f"{word!r} is no duration; write 250ms, 2s or 1m")
    return float(word.removesuffix(unit)) * UNITS[unit]


def number(_stage: Stage, word: str) -> int:
    """A whole number."""
    if not word.isdecimal():
        raise ValueError(f"{word!r} is no number")
    return int(word)


def host(stage: Stage, word: str) -> str:
    """The name of a host that there is."""
    if word not in stage.lan.hosts:
        raise ValueError(f"there is no {word!r}; there are {', '.join(stage.lan.hosts)}")
    return word


def role(_stage: Stage, word: str) -> Role:
    """A role by its name."""
    try:
        return Role(word)
    except ValueError:
        raise ValueError(f"{word!r} is no role; roles are {', '.join(one.value for one in Role)}") from None


def failback(stage: Stage, word: str) -> float | None:
    """`never`, `immediate` or a duration."""
    return (
        {"never": None, "immediate": 0.0}.get(word)
        if word in {"never", "immediate"}
        else duration(stage, word)
    )


def switch(_stage: Stage, word: str) -> bool:
    """`on` or `off`."""
    if word not in {"on", "off"}:
        raise ValueError(f"{word!r} is neither on nor off")
    return word == "on"


def text(_stage: Stage, word: str) -> str:
    """Any word."""
    return word


PLACEHOLDERS: dict[str, Callable[[Stage, str], Any]] = {
    "NODE": host,
    "NODES": host,
    "NAME": text,
    "NAMES": text,
    "DURATION": duration,
    "NUMBER": number,
    "ROLE": role,
    "FAILBACK": failback,
    "SWITCH": switch,
    "TEXT": text,
    "WORD": lambda _stage, word: WhenAllFail(word),
}


def _one(words: Words, placeholder: str) -> Any:
    return words[placeholder][0]


def _each(action: Callable[[Stage, str], object]) -> Command:
    """One command for several nodes."""

    def do(stage: Stage, words: Words) -> None:
        for name in words["NODES"]:
            action(stage, name)

    return Command(do)


def _setting(key: str, placeholder: str) -> Command:
    def do(stage: Stage, words: Words) -> None:
        stage.change(words.get("NODE", []), **{key: _one(words, placeholder)})

    return Command(do, echo=False, echo_when_started=True)


def _timing(key: str, placeholder: str) -> Command:
    def do(stage: Stage, words: Words) -> None:
        stage.change_timing(words.get("NODE", []), **{key: _one(words, placeholder)})

    return Command(do, echo=False, echo_when_started=True)


def _set_up(do: Callable[[Stage, Words], object]) -> Command:
    return Command(do, echo=False, echo_when_started=True)


def _quiet(do: Callable[[Stage, Words], object]) -> Command:
    return Command(do, echo=False)


def _nodes(stage: Stage, words: Words) -> None:
    for name in words["NAMES"]:
        stage.add_node(name)


def _lapse_late(stage: Stage, words: Words) -> None:
    for one in stage.lan.hosts.values():
        one.kernel.earliest_lapse = one.kernel.latest_lapse = _one(words, "DURATION")


def _lapse_up_to(stage: Stage, words: Words) -> None:
    for one in stage.lan.hosts.values():
        one.kernel.earliest_lapse, one.kernel.latest_lapse = 0.0, _one(words, "DURATION")


def _set_clock(direction: int) -> Command:
    def do(stage: Stage, words: Words) -> None:
        stage.lan.hosts[_one(words, "NODE")].wall_clock_off_by += direction * _one(words, "DURATION")

    return Command(do)


def _lease(stage: Stage, words: Words) -> None:
    """Whole seconds, the kernel's unit."""
    stage.change_timing(words.get("NODE", []), lease=round(_one(words, "DURATION")))


def _every(stage: Stage, words: Words) -> None:
    """Remove the address again and again."""
    for turn in range(_one(words, "NUMBER")):
        at = stage.lan.now + turn * _one(words, "DURATION")
        stage.lan.at(at, lambda: stage.lan.hosts[_one(words, "NODE")].remove(VIP))


def _allow(stage: Stage, words: Words) -> None:
    if len(words["TEXT"]) < 3:
        raise Expectation("say why, in words")
    stage.allowed_overlap = _one(words, "DURATION")


def _handover(stage: Stage, words: Words, force: bool = False) -> None:
    giver, *takers = words["NODE"]
    to = stage.lan.hosts[takers[0]].node if takers else None
    stage.tell(giver, HandoverAsked(GROUP, 1, to, force))


def _health(stage: Stage, words: Words, health: Health) -> None:
    stage.tell(_one(words, "NODE"), HealthChanged(GROUP, health, "the service check fails"))


def _weigh(stage: Stage, words: Words) -> None:
    name, weight = words["NODE"][0], int(words["NUMBER"][0])
    stage.tell(name, HealthChanged(GROUP, Health.GOOD, "", weight))


Blocking = Callable[[Stage, Words], Blocks]


def _blocks(blocking: Blocking) -> Command:
    """A blockage, in force until it is ended by its own words, or everything heals."""
    return Command(lambda stage, words: stage.lan.block(words[LINE][0], blocking(stage, words)))


def _both_ways(ones: list[str], others: Iterable[str]) -> set[Pair]:
    return {pair for one in ones for other in others if one != other for pair in ((one, other), (other, one))}


def _everybody(stage: Stage) -> set[Pair]:
    return set(permutations(stage.lan.hosts, 2))


def _split(stage: Stage, words: Words) -> Blocks:
    here = words["NODES"]
    return Blocks(everything=_both_ways(here, [name for name in stage.lan.hosts if name not in here]))


def _adverts(pairs: set[Pair]) -> Blocks:
    return Blocks(udp=pairs, raw=pairs)


def _end(stage: Stage, words: Words) -> None:
    line = " ".join(words["TEXT"])
    if not stage.lan.unblock(line):
        raise Expectation(f"{line!r} is not in force")


def _pair(words: Words) -> Pair:
    source, destination = words["NODE"]
    return source, destination


def _weather(**places: str) -> Command:
    def do(stage: Stage, words: Words) -> None:
        for name, placeholder in places.items():
            share = 0.01 if placeholder == "NUMBER" else 1
            setattr(stage.lan.weather, name, _one(words, placeholder) * share)

    return Command(do)


def _delay(stage: Stage, words: Words) -> None:
    shortest, longest = words["DURATION"]
    stage.lan.weather.delay = shortest, longest


def _start(stage: Stage, name: str) -> None:
    stage.start([name])


def _fabric(answers: bool) -> Command:
    def do(stage: Stage, _words: Words) -> None:
        stage.lan.fabric = Fabric(answers)

    return Command(do)


def _proxy(stage: Stage, _words: Words) -> None:
    stage.lan.hosts["gateway"].kernel.proxy = True


COMMANDS: dict[str, Command] = {
    # Who is there
    "nodes NAMES": _quiet(_nodes),
    "gateway": _quiet(lambda stage, _: stage.add_gateway()),
    "priority NUMBER": _setting("priority", "NUMBER"),
    "priority NODE NUMBER": _setting("priority", "NUMBER"),
    "failback FAILBACK": _setting("failback", "FAILBACK"),
    "failback NODE FAILBACK": _setting("failback", "FAILBACK"),
    "probe off": _set_up(lambda stage, _: stage.change([], probe=ProbeMode.OFF)),
    "arp_suppression on": _set_up(lambda stage, _: stage.change([], arp_suppression=True)),
    "on_isolation hold": _set_up(lambda stage, _: stage.change([], on_isolation=Isolation.HOLD)),
    "on_isolation DURATION": _setting("isolation_wait", "DURATION"),
    "interval DURATION": _timing("advert_interval", "DURATION"),
    "interval NODE DURATION": _timing("advert_interval", "DURATION"),
    "second address NODE": _set_up(
        lambda stage, words: stage.change(words["NODE"], addresses=(VIP, SECOND_ADDRESS))
    ),
    "other address NODES": _set_up(
        lambda stage, words: stage.change(words["NODES"], addresses=(SECOND_ADDRESS,))
    ),
    "misses NUMBER": _timing("misses", "NUMBER"),
    "misses NODE NUMBER": _timing("misses", "NUMBER"),
    "kernels lapse DURATION late": _quiet(_lapse_late),
    "kernels lapse up to DURATION late": _quiet(_lapse_up_to),
    "dice NUMBER": _quiet(lambda stage, words: stage.throw(_one(words, "NUMBER"))),
    "lease DURATION": _set_up(_lease),
    "lease NODE DURATION": _set_up(_lease),
    # Time
    "run DURATION": _quiet(lambda stage, words: stage.lan.run(_one(words, "DURATION"))),
    # Daemons
    "start": Command(lambda stage, _: stage.start([])),
    "start NODES": _each(_start),
    "wiped start NODE": Command(lambda stage, words: stage.start(words["NODE"], wiped=True)),
    "stop NODES": _each(lambda stage, name: stage.lan.hosts[name].stop()),
    "kill NODES": _each(lambda stage, name: stage.lan.hosts[name].kill()),
    "hang NODES": _each(lambda stage, name: stage.lan.hosts[name].hang()),
    "resume NODES": _each(lambda stage, name: stage.lan.hosts[name].resume()),
    # Hosts
    "die NODES": _each(lambda stage, name: stage.lan.hosts[name].die()),
    "boot NODES": _each(lambda stage, name: stage.lan.hosts[name].boot()),
    "pause NODES": _each(lambda stage, name: stage.lan.hosts[name].pause()),
    "unpause NODES": _each(lambda stage, name: stage.lan.hosts[name].unpause()),
    "suspend NODES": _each(lambda stage, name: stage.lan.hosts[name].suspend()),
    "wake NODES": _each(lambda stage, name: stage.lan.hosts[name].wake()),
    "unplug NODES": _each(lambda stage, name: stage.lan.hosts[name].unplug()),
    "plug NODES": _each(lambda stage, name: stage.lan.hosts[name].plug()),
    "set clock NODE ahead DURATION": _set_clock(+1),
    "set clock NODE back DURATION": _set_clock(-1),
    "remove NODE": Command(lambda stage, words: stage.lan.hosts[_one(words, "NODE")].remove(VIP)),
    "remove NODE every DURATION times NUMBER": Command(_every),
    "configure NODE": Command(lambda stage, words: stage.lan.hosts[_one(words, "NODE")].add_by_hand(VIP)),
    # The network
    "cut NODE NODE": _blocks(lambda _, words: Blocks(everything=_both_ways(words["NODE"], words["NODE"]))),
    "cut one way NODE NODE": _blocks(lambda _, words: Blocks(everything={_pair(words)})),
    "isolate NODES": _blocks(lambda _, words: Blocks(into=set(words["NODES"]), out_of=set(words["NODES"]))),
    "split NODES": _blocks(_split),
    "deafen NODES": _blocks(lambda _, words: Blocks(into=set(words["NODES"]))),
    "mute NODES": _blocks(lambda _, words: Blocks(out_of=set(words["NODES"]))),
    "block adverts": _blocks(lambda stage, _: _adverts(_everybody(stage))),
    "block adverts but raw": _blocks(lambda stage, _: Blocks(udp=_everybody(stage))),
    "block adverts between NODE NODE": _blocks(
        lambda _, words: _adverts(_both_ways(words["NODE"], words["NODE"]))
    ),
    "block adverts from NODE to NODE": _blocks(lambda _, words: _adverts({_pair(words)})),
    "block arp": _blocks(lambda stage, _: Blocks(arp=_everybody(stage))),
    "block arp between NODE NODE": _blocks(
        lambda _, words: Blocks(arp=_both_ways(words["NODE"], words["NODE"]))
    ),
    "block arp from NODE to NODE": _blocks(lambda _, words: Blocks(arp={_pair(words)})),
    "end TEXT": Command(_end),
    "lose NUMBER percent": _weather(loss="NUMBER"),
    "lose NUMBER percent of arp": _weather(arp_loss="NUMBER"),
    "lose NUMBER percent of adverts": _weather(advert_loss="NUMBER"),
    "duplicate NUMBER percent": _weather(duplication="NUMBER"),
    "delay DURATION to DURATION": Command(_delay),
    "late NUMBER percent by DURATION": _weather(late="NUMBER", late_by="DURATION"),
    "heal": Command(lambda stage, _: stage.lan.heal()),
    "fabric answers arp": _fabric(answers=True),
    "fabric swallows probes": _fabric(answers=False),
    "gateway answers everything": Command(_proxy),
    # The operator, and the service behind the address
    "handover NODE": Command(_handover),
    "handover NODE to NODE": Command(_handover),
    "handover NODE to NODE by force": Command(partial(_handover, force=True)),
    "maintenance NODE SWITCH": Command(
        lambda stage, words: stage.tell(_one(words, "NODE"), MaintenanceSet(GROUP, _one(words, "SWITCH")))
    ),
    "unhealthy NODE": Command(lambda stage, words: _health(stage, words, Health.BAD)),
    "weigh NODE NUMBER": Command(_weigh),
    "when all fail WORD": _setting("when_all_fail", "WORD"),
    "healthy NODE": Command(lambda stage, words: _health(stage, words, Health.GOOD)),
    # Others on the link
    "stranger answers": Command(lambda stage, _: stage.add_stranger()),
    "stranger leaves": Command(lambda stage, _: stage.lan.hosts["stranger"].kernel.reboot()),
    "prober for DURATION": Command(lambda stage, words: stage.probe_without_end(_one(words, "DURATION"))),
    "record": Command(lambda stage, _: stage.record()),
    "replay NODE": Command(lambda stage, words: stage.replay(_one(words, "NODE"))),
    "clone NODE as NAME": Command(lambda stage, words: stage.clone(_one(words, "NODE"), _one(words, "NAME"))),
    # What must be true
    "expect owner NODE": _quiet(lambda stage, words: stage.expect_owners(words["NODE"])),
    "expect owners NODES": _quiet(lambda stage, words: stage.expect_owners(words["NODES"])),
    "expect nobody": _quiet(lambda stage, _: stage.expect_owners([])),
    "expect role NODE ROLE": _quiet(
        lambda stage, words: stage.expect_role(_one(words, "NODE"), _one(words, "ROLE"))
    ),
    "expect moves NUMBER": _quiet(lambda stage, words: stage.expect_moves(_one(words, "NUMBER"))),
    "expect gap DURATION": _quiet(lambda stage, words: stage.expect_gap(_one(words, "DURATION"))),
    "expect adverts NUMBER": _quiet(lambda stage, words: stage.expect_adverts(_one(words, "NUMBER"))),
    "count adverts": _quiet(lambda stage, _: stage.count_adverts()),
    "allow two owners DURATION because TEXT": _quiet(_allow),
}
