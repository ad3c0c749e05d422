from pathlib import Path

import pytest

import vipservice
from vipservice.lab import results


def test_a_record_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    record = results.take("matrix", "scripts/matrix", {"gap": [0.003, None], "held": True})
    path = results.save(record, tmp_path / "results")
    assert path == tmp_path / "results" / "matrix.json"
    assert results.load("matrix", tmp_path / "results") == record


def test_saving_leaves_nothing_but_the_record(tmp_path: Path) -> None:
    for _ in range(2):
        results.save(results.take("soak", "scripts/soak", {}), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["soak.json"]


def test_a_record_says_where_its_figures_come_from() -> None:
    said = results.take("soak", "scripts/soak --minutes 3", {}).provenance
    assert "`scripts/soak --minutes 3`" in said
    assert f"vipservice {vipservice.__version__}" in said
    assert "Python 3." in said


def test_a_record_that_was_never_taken_is_missed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        results.load("never", tmp_path)


def test_a_bar_in_a_cell_does_not_break_the_table() -> None:
    assert results.table(["a", "b"], [["x|y", "z"]]).splitlines() == [
        "| a | b |",
        "| --- | --- |",
        "| x\\|y | z |",
    ]
