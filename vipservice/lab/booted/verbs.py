"""The verbs of a service manager, done to a pair of booted machines, and what each costs the client."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from statistics import median
from typing import Any

from vipservice.lab.booted import networkd
from vipservice.lab.booted.machine import UNIT, Machine
from vipservice.lab.booted.pair import ADDRESS, Pair
from vipservice.lab.clock import now, wait_until

CALM = 1.0
"""Seconds the client watches on after a verb has been done."""

HANG_ENDS_WITHIN = 8.0


@dataclass(frozen=True, slots=True)
class Verb:
    """Something done to the active, unless the words say otherwise."""

    words: str
    do: Callable[[Pair, Machine], object]
    meanwhile: Callable[[Pair, Machine], AbstractContextManager[object]] = lambda _pair, _active: (
        nullcontext()
    )
    """What the machine is like when it is done, and no longer after it."""


def _systemctl(*words: str) -> Callable[[Pair, Machine], object]:
    return lambda _, active: active.run("systemctl", *words)


def _start(pair: Pair, _: Machine) -> None:
    """The other one was stopped by `_prepare`."""
    for machine in pair.machines.values():
        machine.run("systemctl", "start", UNIT)


def _kill(_: Pair, active: Machine) -> None:
    _end_with(active, "KILL")


def _hang(_: Pair, active: Machine) -> None:
    _end_with(active, "STOP")


def _end_with(active: Machine, signal: str) -> None:
    process = active.show("MainPID")
    active.signal(signal)
    wait_until(lambda: active.show("MainPID") not in ("0", process), HANG_ENDS_WITHIN, "another daemon")
    wait_until(lambda: active.show("SubState") == "running", HANG_ENDS_WITHIN, "it is ready")


def _hang_for_good(pair: Pair, active: Machine) -> None:
    active.write(f"/run/systemd/system/{UNIT}.d/once.conf", "[Service]\nRestart=no\n")
    active.run("systemctl", "daemon-reload")
    successor = pair.standby.name
    active.signal("STOP")
    wait_until(lambda: pair.lan.owners(ADDRESS) == {successor}, HANG_ENDS_WITHIN, "the other has it")


def _reboot(_: Pair, active: Machine) -> None:
    active.begin_reboot()
    active.wait_until_up()


VERBS = (
    Verb("nothing (the noise floor)", lambda _pair, _active: None),
    Verb("`systemctl start` of the second node", _start),
    Verb("`systemctl stop`", _systemctl("stop", UNIT)),
    Verb("`systemctl restart`", _systemctl("restart", UNIT)),
    Verb("`systemctl reload`", _systemctl("reload", UNIT)),
    Verb("`systemctl daemon-reexec`", _systemctl("daemon-reexec")),
    Verb("`vipservice upgrade`", lambda _, active: active.run("vipservice", "upgrade")),
    Verb("restart of systemd-networkd", lambda _, active: networkd.restart(active), networkd.managing),
    Verb("`networkctl reconfigure`", lambda _, active: networkd.reconfigure(active), networkd.managing),
    Verb("kill -9", _kill),
    Verb("a hang; the watchdog ends it, systemd restarts", _hang),
    Verb("a hang with `Restart=no`", _hang_for_good),
    Verb("reboot", _reboot),
)


def measure(pair: Pair, runs: int, say: Callable[[str], object]) -> dict[str, Any]:
    """Do every verb so many times, in turn; what the client saw by the verb's words."""
    found: dict[str, list[dict[str, Any]]] = {verb.words: [] for verb in VERBS}
    for run in range(1, runs + 1):
        say(f"run {run} of {runs} ...")
        for words, seen in _one_run(pair):
            found[words].append(seen)
    return {"runs": runs, "verbs": {words: _summary(seen) for words, seen in found.items()}}


def _one_run(pair: Pair) -> Iterator[tuple[str, dict[str, Any]]]:
    for verb in VERBS:
        pair.reset()
        if verb.do is _start:
            pair.standby.run("systemctl", "stop", UNIT)
        active = pair.active
        with verb.meanwhile(pair, active):
            yield verb.words, _watched(pair, active, verb)


def _watched(pair: Pair, active: Machine, verb: Verb) -> dict[str, Any]:
    since = now()
    verb.do(pair, active)
    seen = pair.seen(since, now() - since + CALM)
    owned = pair.lan.owned(ADDRESS, since)
    return {"gap": seen.net_gap, "lost": seen.lost, "moves": owned.moves, "several": owned.several}


def _summary(seen: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "gap": median(one["gap"] for one in seen),
        "worst": max(one["gap"] for one in seen),
        "lost": median(one["lost"] for one in seen),
        "moves": median(one["moves"] for one in seen),
        "several": max(one["several"] for one in seen),
    }
