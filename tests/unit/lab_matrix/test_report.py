import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from vipservice.lab.matrix.picture import COLUMNS, picture, position
from vipservice.lab.matrix.report import figures, markdown, sentences, well_known
from vipservice.lab.matrix.trials import Trial
from vipservice.lab.results import Record

ATrial = Callable[..., Trial]


@pytest.fixture
def record(a_trial: ATrial) -> Record:
    trials = [
        a_trial(),
        a_trial(setting="keepalived@10ms", gap=0.036, role_changes=2),
        a_trial(
            event="hang for 8 s", setting="keepalived@10ms", gap=0.002, owners=2, twice=7.95, owners_left=2
        ),
        a_trial(event="hang for 8 s", gap=0.400),
        a_trial(event="the cut-off owner comes back", gap=0.002, owners=2, twice=0.009),
    ]
    return Record("matrix", "sudo scripts/matrix", "2026-11-23", "a machine", "1.0", figures(trials))


def test_a_row_has_each_daemon_with_median_worst_owners_and_verdict(record: Record) -> None:
    lines = markdown(record).splitlines()
    assert "| event | bar | vipservice 10ms | keepalived 10ms |" in lines
    assert "| host dies | 30 | 25.0 / 25.0 held | 36.0 / 36.0 |" in lines
    assert "| hang for 8 s | 25 | 400 / 400 **MISSED** | 2.0 / 2.0, *2 owners 7950 on* |" in lines


def test_ratios_call_two_owners_by_their_name(record: Record) -> None:
    lines = markdown(record).splitlines()
    assert "| host dies | - | - | 1.4 | - |" in lines
    assert "| hang for 8 s | - | - | two owners | - |" in lines


def test_missed_bars_are_listed_with_their_reason(record: Record) -> None:
    assert "- hang for 8 s, vipservice@10ms, 2 nodes: 400.0 ms, bar 25 ms" in markdown(record)


def test_the_readmes_sentences_tell_who_had_two_owners(record: Record) -> None:
    said = sentences(record)
    assert "25.0 ms with vipservice at 10ms, 36.0 ms with keepalived at 10ms" in said
    assert "vipservice: never; keepalived: hang for 8 s; ucarp: never" in said


def test_the_record_has_every_trial(record: Record) -> None:
    assert len(record.figures["trials"]) == 5


def test_the_axis_is_logarithmic_and_has_ends() -> None:
    assert position(0) == position(0.001) == 0
    assert position(60) == position(600) == COLUMNS
    assert position(1) - position(0.1) == pytest.approx(position(0.1) - position(0.01), abs=1)


def test_the_picture_is_an_svg_document_that_fetches_nothing(record: Record) -> None:
    drawn = picture(record)
    assert ET.fromstring(drawn).tag.endswith("svg")
    assert "TWO" in drawn
    assert "@font-face" not in drawn


def test_only_rows_that_were_judged_well_are_kept_and_only_with_their_whole_chain(a_trial: ATrial) -> None:
    good = a_trial(event="stop (SIGTERM)", gap=0.002)
    trials = [
        good,
        a_trial(gap=0.5),
        a_trial(event="host returns", gap=0.001, lost=0),
    ]  # died too long
    record = Record("matrix", "sudo scripts/matrix", "2026-11-23", "a machine", "1.0", figures(trials))
    assert well_known(record) == [good]
