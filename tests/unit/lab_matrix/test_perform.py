"""What a stage does between two chains, with a cluster that is none."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from vipservice.lab.demo import steps
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.demo.play import Result
from vipservice.lab.demo.steps import Step
from vipservice.lab.matrix import perform
from vipservice.lab.matrix.plan import Job
from vipservice.lab.matrix.rows import Chain, Row
from vipservice.lab.matrix.settings import BY_NAME
from vipservice.lab.matrix.trials import Trial

CALM = Result(
    event="maintenance on",
    victim="a",
    began=0.0,
    ended=1.0,
    gap=0.002,
    raw_gap=0.002,
    sent=1000,
    lost=1,
    most=1,
    several=0.0,
    owner="b",
    moves=1,
    role_changes=2,
    reason="",
    bar=0.003,
    noise=0.001,
    fate_held=True,
)


class Recorded:
    """What was done to the cluster, in order."""

    owner = "a"

    def __init__(self) -> None:
        self.done: list[str] = []

    def heal(self) -> None:
        self.done.append("heal")

    def wait_until_whole(self) -> None:
        self.done.append("whole")


@pytest.fixture
def cluster() -> Recorded:
    return Recorded()


def stage_and_chain(cluster: Recorded) -> tuple[perform.Stage, Chain]:
    def mend(_cluster: Cluster) -> None:
        cluster.done.append("mend")

    chain = Chain((Row("maintenance on", replace(steps.QUIET, mend=mend)),))
    written: list[Trial] = []

    def write(trials: Sequence[Trial]) -> None:
        written.extend(trials)

    job = Job(BY_NAME["vipservice@100ms"], 2, (chain,), "alone")
    return perform.Stage(job, cast(Cluster, cluster), write), chain


def test_what_a_row_has_begun_is_ended_before_the_next_chain_finds_the_nodes(
    monkeypatch: pytest.MonkeyPatch, cluster: Recorded
) -> None:
    def play(step: Step, _cluster: Cluster, _noise: float, _patience: float) -> Result:
        assert step.mend is None, "not before the rows that follow"
        return CALM

    monkeypatch.setattr(perform, "play", play)
    stage, chain = stage_and_chain(cluster)
    stage.play(chain)
    assert cluster.done == ["mend", "heal", "whole"]
    assert stage.whole


def test_nodes_on_which_something_was_overdue_are_thrown_away(
    monkeypatch: pytest.MonkeyPatch, cluster: Recorded
) -> None:
    def overdue(_step: Step, _cluster: Cluster, _noise: float, _patience: float) -> Result:
        raise TimeoutError("nobody else took the address")

    monkeypatch.setattr(perform, "play", overdue)
    monkeypatch.setattr(perform, "measure", lambda *_: CALM)
    monkeypatch.setattr(perform, "outlast", lambda *_: None)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    stage, chain = stage_and_chain(cluster)
    (trial,) = stage.play(chain)
    assert trial.overdue == "nobody else took the address"
    assert not stage.whole
    assert cluster.done == []
