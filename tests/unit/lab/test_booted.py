"""The table of what verbs cost, and the sweep of what a killed maker left."""

from vipservice.lab.booted import report
from vipservice.lab.booted.verbs import VERBS
from vipservice.lab.results import Record, load


def test_a_verb_is_a_line_that_says_gap_moves_and_owners() -> None:
    seen = {"gap": 0.0154, "worst": 0.02, "lost": 14, "moves": 1, "several": 0.0015}
    record = Record("verbs", "c", "d", "m", "v", {"runs": 3, "verbs": {"kill": seen}})
    assert report.markdown(record).splitlines()[-1] == "| kill | 15.4 | 20.0 | 14 | yes | 1.5 ms |"


def test_the_record_has_every_verb_and_nobody_else_owned_the_address() -> None:
    recorded = load("verbs").figures["verbs"]
    assert list(recorded) == [verb.words for verb in VERBS]
    assert all(seen["several"] == 0 for seen in recorded.values())
