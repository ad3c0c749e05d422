from pathlib import Path

import pytest

from vipservice.adapters.memory.scenario import SEPARATOR, play, read

FILES = sorted(Path(__file__).parent.glob("*.scenario"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_run_is_exactly_as_written(path: Path, rewrite: bool) -> None:
    scenario = read(path.read_text())
    trace = play(scenario)
    if rewrite:
        path.write_text(f"{scenario.head}\n{SEPARATOR}\n{trace}")
    assert trace == read(path.read_text()).trace
