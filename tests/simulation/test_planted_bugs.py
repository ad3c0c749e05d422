"""A hunt that finds nothing proves nothing unless it finds the bugs we plant."""

from collections.abc import Callable, Iterable

import pytest

from tests.simulation.hunt import Run, plan_of
from vipservice.core.dialogue import Dialogue
from vipservice.core.group import Group
from vipservice.core.holding import Holding
from vipservice.core.probing import Probing
from vipservice.core.standby import Standby

Plant = Callable[[pytest.MonkeyPatch], None]


def believe_adverts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probing, "answered", lambda *_: None)


def never_yield_to_a_better_active(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Holding, "better_active", lambda *_: None)


def release_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Group, "release", lambda *_: None)


def trust_a_deaf_ear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Standby, "_deaf", lambda *_: False)


def let_isolation_last_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dialogue, "heard_anybody", lambda *_: None)


@pytest.mark.parametrize(
    ("plant", "seeds"),
    [
        (believe_adverts_alone, range(20)),
        (never_yield_to_a_better_active, range(40)),
        (release_nothing, range(20)),
        (trust_a_deaf_ear, [411, 502]),
        (let_isolation_last_for_ever, [275]),
    ],
)
def test_the_hunt_finds_this_bug(plant: Plant, seeds: Iterable[int], monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    assert any(Run(plan_of(seed)).go().problems for seed in seeds)
