"""The soak, for a few seconds: what it keeps is enough for its tables."""

from pathlib import Path

import pytest

from vipservice.lab.hostility import soak
from vipservice.lab.hostility.journal import Entries

pytestmark = [pytest.mark.live, pytest.mark.quiet, pytest.mark.timeout(90)]


def test_a_soak_keeps_what_its_tables_are_made_of(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    said: list[str] = []
    record = soak.soak("10ms", 4.0, journal, said.append)
    assert record.figures["several_seconds"] == 0
    assert set(record.figures["nodes"]) == {"a", "b", "c"}
    for node in record.figures["nodes"].values():
        assert node["samples"] >= 3
        assert node["lag"]["count"] > 0
        assert 10 < node["resident_start"] < 200
    assert Entries(journal).noise_worst > 0
    assert "0 s with two owners" in soak.markdown(record)
    assert said == [line for line in said if line.startswith("minute 1 of 1")] or not soak.held(
        record.figures
    )
