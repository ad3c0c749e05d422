"""What the programs under load conclude from what they saw."""

from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest

from vipservice.lab import results
from vipservice.lab.hostility import lag, run, soak
from vipservice.lab.hostility.frames import ADVERT_GROUP, ADVERT_GROUP_MAC, STRANGER, udp_frame, written
from vipservice.lab.hostility.journal import Entries, Journal
from vipservice.lab.hostility.scraping import Sample, Scrape, Usage, read_scrape
from vipservice.lab.hostility.watching import Stretch

BUCKETS = {0.001: 90.0, 0.01: 99.0, 0.1: 99.0, inf: 100.0}
CALM = Stretch(0.0, 60.0, 0, 0, 0.0, 0.0, 0, 0.002, 0.001, 0)


def test_quantiles_are_the_upper_ends_of_buckets() -> None:
    assert [lag.quantile(BUCKETS, share) for share in (0.5, 0.9, 0.91, 0.99, 0.991)] == [
        0.001, 0.001, 0.01, 0.01, inf,
    ]  # fmt: skip
    assert lag.worst(BUCKETS) == inf


def test_nothing_measured_has_no_lateness() -> None:
    assert (lag.count({}), lag.worst({}), lag.worst({0.1: 0.0, inf: 0.0})) == (0.0, 0.0, 0.0)


def test_what_came_between_two_scrapes_is_their_difference() -> None:
    assert lag.difference({0.1: 7, inf: 9}, {0.1: 5, inf: 5}) == {0.1: 2, inf: 4}


def test_the_open_end_is_said_in_words_and_kept_as_null() -> None:
    assert lag.milliseconds(lag.figures(BUCKETS)["worst"]) == "over 1 s"
    assert lag.milliseconds(lag.figures(BUCKETS)["p50"]) == "≤ 1 ms"


def test_a_scrape_gives_the_histogram_and_the_sums() -> None:
    text = (
        "# TYPE vipservice_loop_lag_seconds histogram\n"
        'vipservice_loop_lag_seconds_bucket{le="0.001"} 3\nvipservice_loop_lag_seconds_bucket{le="+Inf"} 4\n'
        "vipservice_loop_lag_seconds_count 4\nvipservice_loop_lag_seconds_sum 0.1\n"
        "# TYPE vipservice_flaps_total counter\n"
        'vipservice_flaps_total{group="a"} 1\nvipservice_flaps_total{group="b"} 2\n'
        "# TYPE vipservice_owners_observed gauge\nvipservice_owners_observed 1\n"
    )
    scrape = read_scrape(text, 0.01)
    assert (dict(scrape.lag), scrape.flaps, scrape.owners) == ({0.001: 3, inf: 4}, 3, 1)


def samples(grow: float = 0.0, descriptors: int = 17, flaps: float = 0.0, late: float = 0.0) -> list[Sample]:
    """A node's hour, a sample a minute; what changes does so in the middle."""
    found = []
    for minute in range(61):
        after = minute > 30
        usage = Usage(round((40 + after * grow) * 2**20), descriptors if after else 17, 4, minute)
        lateness = {0.001: 100.0 * minute, 1.0: 100.0 * minute, inf: 100.0 * minute + after * late}
        scrape = Scrape(0.005, lateness, after * flaps, 1.0, 2.5, late=0.1, snapshots=minute, building=0.1)
        found.append(Sample(60.0 * minute, "a", usage, scrape))
    return found


def record(tmp_path: Path, seen: list[Sample], stretches: list[Stretch]) -> results.Record:
    """What a soak says that has seen this."""
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.run(results.take("soak", "scripts/hostility --soak 60m", {"interval": "10ms"}))
        for sample in seen:
            journal.sample(sample)
        for stretch in stretches:
            journal.stretch(stretch, 1.0, 0.5)
        journal.noise({0.001: 5.0, inf: 6.0}, 0.2)
    return soak.again(path)


def hour(**changed: Any) -> list[Stretch]:
    """Sixty calm minutes; what is given happens in the 31st."""
    minutes = [replace(CALM, since=60.0 * number, until=60.0 * (number + 1)) for number in range(60)]
    minutes[30] = replace(minutes[30], **changed)
    return minutes


def test_a_calm_hour_is_held_and_its_tables_can_be_written(tmp_path: Path) -> None:
    seen = record(tmp_path, samples(), hour())
    assert soak.held(seen.figures)
    assert seen.figures["minutes"] == 60
    assert "0 role changes" in soak.markdown(seen)
    assert seen.provenance in soak.markdown(seen)


@pytest.mark.parametrize("changed", [{"role_changes": 1}, {"moves": 1}, {"several": 0.001}, {"none": 0.001}])
def test_an_hour_in_which_something_moved_is_not_held(tmp_path: Path, changed: dict[str, float]) -> None:
    assert not soak.held(record(tmp_path, samples(), hour(**changed)).figures)


@pytest.mark.parametrize("seen", [samples(grow=3.0), samples(descriptors=18), samples(flaps=1.0)])
def test_an_hour_in_which_something_grew_or_flapped_is_not_held(tmp_path: Path, seen: list[Sample]) -> None:
    assert not soak.held(record(tmp_path, seen, hour()).figures)


def test_unrest_is_told_with_the_minute_and_how_late_the_loops_were(tmp_path: Path) -> None:
    told = soak.markdown(record(tmp_path, samples(late=1.0), hour(role_changes=2, none=0.033)))
    assert "In minute 31 there were 2 role changes, 0.033 s without an owner" in told
    assert "more than 1 s late" in told


def test_a_journal_that_does_not_say_its_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.stretch(CALM, 1.0, 0.0)
    with pytest.raises(ValueError, match="does not say"):
        soak.again(path)


def test_a_journal_that_was_cut_off_still_counts(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal(path) as journal:
        journal.sample(samples()[0])
    path.write_text(path.read_text() + '{"kind": "stret')
    assert len(Entries(path).samples) == 1


def test_a_hostile_datagram_has_a_header_that_kernels_take() -> None:
    frame = udp_frame(b"x", ADVERT_GROUP, ADVERT_GROUP_MAC, ADVERT_GROUP)
    header = frame[14:34]
    total = sum(int.from_bytes(header[at : at + 2], "big") for at in range(0, 20, 2))
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF
    assert (frame[6:12], header[8], len(frame)) == (STRANGER, 255, 60)


def test_frames_are_written_with_their_lengths_and_an_end() -> None:
    assert b"".join(written([b"abc", b"d"])) == b"\0\3abc\0\1d\0\0"


def outcome(attack: str, role_changes: int = 0) -> run.Outcome:
    stretch = replace(CALM, role_changes=role_changes)
    late = lag.figures(BUCKETS)
    return run.Outcome("2ms", attack, "", stretch, late, late, 0.1, 0.1, 0, 0.1, 1.0)


def test_only_what_was_not_held_is_made_again_and_its_row_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = run.figures([outcome("garbage"), outcome("replays", role_changes=1)], 60.0)
    made: list[object] = []

    def perform(*what: object) -> list[run.Outcome]:
        made.append(what[:3])
        return [outcome("replays")]

    monkeypatch.setattr(run, "perform", perform)
    mended = run.repeat(kept, print)
    assert made == [(["2ms"], ["replays"], 60.0)]
    assert [(row["attack"], row["held"], row.get("missed")) for row in mended["outcomes"]] == [
        ("garbage", True, None),
        ("replays", True, 1),
    ]
    assert "| yes, 1 before not |" in run.markdown(results.take("hostility", "", mended))
