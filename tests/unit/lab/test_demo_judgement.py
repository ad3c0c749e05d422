"""How an incident is judged, and in whose words it is explained."""

import io
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from rich.console import Console

from vipservice.lab.demo import steps
from vipservice.lab.demo.cluster import Sentence
from vipservice.lab.demo.play import RESOLUTION, Result, _stood_still
from vipservice.lab.demo.reasons import reason, role_changes
from vipservice.lab.demo.report import Report, to_json
from vipservice.lab.demo.screen import final_table, picture, verdict

CALM = Result(
    event="handover",
    victim="a",
    began=100.0,
    ended=101.0,
    gap=0.002,
    raw_gap=0.002,
    sent=1000,
    lost=1,
    most=1,
    several=0.0,
    owner="b",
    moves=1,
    role_changes=2,
    reason="node-b: node-a handed over",
    bar=0.003,
    noise=0.001,
    fate_held=True,
)


def report(*results: Result, owned_twice: float = 0.0) -> Report:
    return Report("100ms", results, 40.0, owned_twice, 40_000, 300, 0.001)


def drawn(made: Report, width: int = 118) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as captured:
        console.print(final_table(made, width))
        console.print(verdict(made))
    return captured.get()


def said(*texts: tuple[str, str, str]) -> list[Sentence]:
    return [Sentence(float(at), node, level, text) for at, (node, level, text) in enumerate(texts)]


# The bar


def test_a_gap_may_exceed_its_bar_by_what_the_machine_does_by_itself_and_no_more() -> None:
    noisy = replace(CALM, noise=0.004)
    assert noisy.allowed == pytest.approx(0.007)
    assert replace(noisy, gap=0.0069).held
    assert not replace(noisy, gap=0.0071).held


def test_on_a_quiet_machine_the_clients_resolution_is_the_tolerance() -> None:
    assert CALM.allowed == pytest.approx(0.003 + RESOLUTION)


def test_a_bar_of_zero_is_about_lost_pings_and_tolerates_none() -> None:
    zero = replace(CALM, bar=0.0, lost=0, gap=0.020)
    assert zero.held
    assert not replace(zero, lost=1).held


def test_a_short_gap_holds_no_bar_where_the_address_went_astray() -> None:
    assert not replace(CALM, fate_held=False).held


def test_without_a_bar_there_is_no_verdict() -> None:
    assert replace(CALM, bar=None).held is None


def test_every_interval_that_the_demo_offers_has_a_bar_for_a_dead_host() -> None:
    bars = [steps.HOST_DIES.bar_at(interval) for interval in ("100ms", "10ms", "5ms", "2ms")]
    assert bars == [0.300, 0.030, 0.017, 0.010]
    assert steps.HOST_DIES.bar_at("1s") is None
    assert steps.HANDOVER.bar_at("1s") == 0.003


# The whole run


def test_a_run_is_safe_only_where_nobody_ever_owned_it_twice() -> None:
    assert report(CALM).safe
    assert not report(CALM, owned_twice=0.0001).safe
    assert not report(replace(CALM, most=2)).safe
    assert report(replace(CALM, gap=1.0)).safe, "a bar that was missed is another matter"


def test_the_verdict_names_what_was_missed_and_shouts_about_two_owners() -> None:
    assert "Every bar was held" in verdict(report(CALM)).plain
    assert "missed in this run: handover" in verdict(report(replace(CALM, gap=1.0))).plain
    assert "TWO OWNERS AT ONCE for 1.5 ms" in verdict(report(CALM, owned_twice=0.0015)).plain


def test_the_table_says_which_figure_it_shows_and_gives_the_raw_one_where_they_differ() -> None:
    text = drawn(report(replace(CALM, raw_gap=0.0324)))
    assert "2.0 ms*" in text
    assert "with its own pauses: handover 32.4 ms" in text
    assert "less the time in which the client itself" in text
    assert "*" not in drawn(report(CALM))


def test_in_a_narrow_terminal_the_reasons_stand_below_the_table() -> None:
    text = drawn(report(CALM), width=80)
    assert "handover: node-b: node-a handed over" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_picture_shows_the_table_and_fetches_nothing() -> None:
    root = ElementTree.fromstring(picture(report(CALM)))
    text = "".join(root.itertext()).replace("\xa0", " ")
    assert "node-a handed over" in text
    assert "url(http" not in text


def test_machines_get_every_figure_with_times_since_the_first_start() -> None:
    made = to_json(report(CALM, replace(CALM, event="stop", began=103.0, ended=104.5)))
    assert [(one["event"], one["began"], one["ended"]) for one in made["events"]] == [
        ("handover", 0.0, 1.0),
        ("stop", 3.0, 4.5),
    ]
    assert made["events"][0]["held"] is True
    assert made["safe"] is True


# The reason


def test_the_reason_of_a_takeover_is_what_the_new_owner_said() -> None:
    sentences = said(
        ("c", "warning", "held by silent peer: a answers"),
        ("b", "info", "role backup -> probing: no advert from a for 0.300 s"),
        ("b", "info", "role probing -> active: 6 probes unanswered, no advert from a for 0.300 s"),
        ("a", "info", "role active -> backup: stood still"),
    )
    assert reason(sentences, "b") == "node-b: 6 probes unanswered, no advert from a for 0.300 s"


def test_probing_that_led_to_nothing_is_no_part_of_the_reason() -> None:
    sentences = said(
        ("b", "info", "role backup -> probing: no advert from a for 0.300 s"),
        ("b", "info", "role probing -> backup: a is heard again"),
        ("b", "info", "role backup -> active: a handed over"),
    )
    assert reason(sentences, "b") == "node-b: a handed over"


def test_where_nobody_took_it_an_alarm_tells_more_than_a_change_of_role() -> None:
    sentences = said(
        ("a", "warning", "sending an advert to 224.0.0.254 on eth0: Operation not permitted"),
        ("b", "warning", "held by silent peer: a answers"),
        ("c", "info", "role initialize -> backup: started"),
    )
    assert reason(sentences, "a") == "node-b: held by silent peer: a answers"
    assert reason(sentences[2:], "a") == "node-c: initialize -> backup: started"
    assert reason(sentences[:1], "a").startswith("node-a: sending an advert")
    assert reason([], "a") == ""


def test_entering_and_leaving_active_are_changes_of_role_and_adopting_is_none() -> None:
    sentences = said(
        ("a", "info", "role active -> backup: handed over"),
        ("b", "info", "role backup -> active: a handed over"),
        ("c", "info", "role initialize -> active: found our own address"),
        ("c", "info", "role backup -> probing: no advert"),
        ("c", "info", "command done: node-b is active"),
    )
    assert role_changes(sentences) == 2


def test_only_a_daemon_that_nobody_stopped_shows_that_the_machine_stood_still() -> None:
    said = [Sentence(100.5, "a", "warning", "stood still for 3.976 s")]
    assert not _stood_still(said, "a")
    assert _stood_still(said, "b")
    assert not _stood_still([Sentence(100.5, "b", "info", "role backup -> probing: no advert")], "a")
