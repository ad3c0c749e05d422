from collections.abc import Callable
from pathlib import Path

import pytest

from vipservice.lab.matrix.command import main, parser, wished
from vipservice.lab.matrix.trials import Journal, Trial

ATrial = Callable[..., Trial]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--row", "host explodes"], "there is no row 'host explodes'; there are: nothing happens; "),
        (["--daemon", "carp"], "there is no daemon 'carp'; there are: vipservice@100ms, "),
        (["--trials", "0"], "at least 1"),
    ],
)
def test_what_does_not_exist_is_refused_in_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert said in capsys.readouterr().err


def test_a_partial_journal_can_be_printed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, a_trial: ATrial
) -> None:
    path = tmp_path / "journal"
    Journal(path).append([a_trial()])
    assert main(["--print", "--journal", str(path)]) == 0
    assert "| host dies | 30 | 25.0 / 25.0 held |" in capsys.readouterr().out


def test_two_owners_of_ours_are_an_error(tmp_path: Path, a_trial: ATrial) -> None:
    path = tmp_path / "journal"
    Journal(path).append([a_trial(owners=2, twice=0.001)])
    assert main(["--print", "--journal", str(path)]) == 1


def test_there_is_nothing_to_print_without_trials(tmp_path: Path) -> None:
    assert main(["--print", "--journal", str(tmp_path / "none")]) != 0


@pytest.mark.parametrize(
    ("rows", "nodes"),
    [(["host dies"], (2,)), (["key rotation"], (3,)), (["host dies", "key rotation"], (2, 3))],
)
def test_chosen_rows_are_played_with_as_few_nodes_as_they_can_be(
    rows: list[str], nodes: tuple[int, ...]
) -> None:
    given = parser().parse_args([word for row in rows for word in ("--row", row)])
    assert wished(given).nodes == nodes
