from collections.abc import Callable
from pathlib import Path

from vipservice.lab.matrix.trials import COLUMNS, Journal, Trial, compact, expand

ATrial = Callable[..., Trial]


def test_trials_come_back_as_they_went(tmp_path: Path, a_trial: ATrial) -> None:
    journal = Journal(tmp_path / "journal")
    assert journal.trials() == []
    journal.append([a_trial(), a_trial(gap=0.1)])
    journal.append([a_trial(overdue="a handover")])
    assert journal.trials() == [a_trial(), a_trial(gap=0.1), a_trial(overdue="a handover")]


def test_a_line_that_was_cut_short_by_a_kill_is_left_out_and_mended(tmp_path: Path, a_trial: ATrial) -> None:
    path = tmp_path / "journal"
    Journal(path).append([a_trial(), a_trial(gap=0.1)])
    path.write_text(path.read_text()[:-20])
    journal = Journal(path)
    assert journal.trials() == [a_trial()]
    journal.append([a_trial(gap=0.2)])
    assert journal.trials() == [a_trial(), a_trial(gap=0.2)]


def test_a_new_run_keeps_the_old_journal_beside_it(tmp_path: Path, a_trial: ATrial) -> None:
    journal = Journal(tmp_path / "matrix.jsonl")
    journal.append([a_trial()])
    journal.begin()
    assert journal.trials() == []
    assert Journal(tmp_path / "matrix.jsonl.old").trials() == [a_trial()]


def test_a_compact_trial_has_all_columns(a_trial: ATrial) -> None:
    values = dict(zip(COLUMNS, compact(a_trial()).split("|"), strict=True))
    assert (values["event"], values["gap"], values["as_it_must"]) == ("host dies", "0.025", "1")


def test_a_compact_trial_is_read_again_as_it_was(a_trial: ATrial) -> None:
    trial = a_trial(overdue="a handover", as_it_must=False, nodes=5, noise=0.0)
    assert expand(compact(trial), "|".join(COLUMNS)) == trial
