from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from vipservice.lab.matrix import run as module
from vipservice.lab.matrix.plan import Job, Wish
from vipservice.lab.matrix.run import MOST_FAILURES, Run
from vipservice.lab.matrix.settings import BY_NAME
from vipservice.lab.matrix.trials import Journal, Trial

ATrial = Callable[..., Trial]
Write = Callable[[Sequence[Trial]], None]
SETTINGS = (BY_NAME["vipservice@10ms"], BY_NAME["keepalived@10ms"])


@pytest.fixture
def run(tmp_path: Path) -> Run:
    events = frozenset({"host dies", "kill -9, not restarted"})
    wish = Wish(trials=2, nodes=(2,), events=events, settings=SETTINGS, exact=True)
    return Run(wish, Journal(tmp_path / "journal"), lambda _line: None)


def test_everybody_has_a_turn_before_anybody_has_a_second(
    monkeypatch: pytest.MonkeyPatch, run: Run, a_trial: ATrial
) -> None:
    order = []

    def perform(job: Job, write: Write, stopped: Callable[[], bool]) -> None:
        order.append((job.company, job.setting.daemon))
        for chain in job.chains:
            write([a_trial(event=chain.events[0], setting=job.setting.name)])

    monkeypatch.setattr(module, "perform", perform)
    run.perform()
    alone = [daemon for company, daemon in order if company == "alone"]
    assert alone == ["vipservice", "keepalived"] * 2
    assert len(order) == 8


def test_a_setting_whose_turns_come_to_nothing_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch, run: Run, a_trial: ATrial
) -> None:
    def perform(job: Job, write: Write, stopped: Callable[[], bool]) -> None:
        if job.setting.ours:
            raise TimeoutError("the nodes don't come up")
        for chain in job.chains:
            write([a_trial(event=chain.events[0], setting=job.setting.name)])

    monkeypatch.setattr(module, "perform", perform)
    run.perform()
    assert run.failures == ["vipservice@10ms, 2 nodes: the nodes don't come up"] * MOST_FAILURES * 2
    assert len(run.journal.trials()) == 4


def test_ctrl_c_ends_the_run_and_keeps_what_was_played(
    monkeypatch: pytest.MonkeyPatch, run: Run, a_trial: ATrial
) -> None:
    def perform(job: Job, write: Write, stopped: Callable[[], bool]) -> None:
        if not job.setting.ours:
            raise KeyboardInterrupt
        write([a_trial()])

    monkeypatch.setattr(module, "perform", perform)
    with pytest.raises(KeyboardInterrupt):
        run.perform()
    assert run.journal.trials() == [a_trial()]
