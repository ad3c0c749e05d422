"""What each panel of the dashboard shows of real failovers, held against what the lab knows of them."""

from pathlib import Path

import pytest

from grafana.story import Moment
from tests.live.prometheus.conftest import PANELS, Told
from vipservice.lab.demo.cluster import VIP

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

GROUP = "vip-1"
GATEWAY = "10.99.0.1"
NODES = ("node-a", "node-b", "node-c")
ACTIVE, BACKUP = 4, 2
NOT_HEARD, BOTH_WAYS = 0, 2
FAILING, PASSING = -1, 1

REASONS = {
    "start": "silence_proved",
    "handover": "handover_taken",
    "death": "silence_proved",
    "return": "silence_proved",
    "adverts restored": "silence_proved",
}
RUBBISH = "short"
"""The story's rubbish is shorter than an advert's header."""

STANDBYS = {"start": 2, "handover": 2, "death": 1, "return": 2, "adverts restored": 2}


def test_the_story_went_as_written(told: Told) -> None:
    owners = {event: moment.owner for event, moment in told.moments.items()}
    assert owners["start"] != owners["handover"] != owners["death"]
    assert len({owners[event] for event in ("death", "return", "adverts blocked", "adverts restored")}) == 1
    assert told.moments["death"].alive == set(NODES) - {owners["handover"]}


@pytest.mark.parametrize("title", PANELS)
def test_each_panel_has_a_test_of_what_it_shows(title: str) -> None:
    assert f'"{title}"' in Path(__file__).read_text()


# Now


def test_owner(told: Told, calm: Moment) -> None:
    assert set(told.numbers("Owner", calm.event)) == {calm.owner}
    assert told.numbers("Owners", calm.event) == {str(VIP): 1}


def test_an_owner_whose_adverts_are_blocked_is_still_the_only_one(told: Told) -> None:
    owner = told.moments["adverts blocked"].owner
    assert set(told.numbers("Owner", "adverts blocked")) == {owner}
    assert told.numbers("Owners that the nodes see", "adverts blocked") == {GROUP: 1}


def test_owners_that_the_nodes_see(told: Told, calm: Moment) -> None:
    assert told.numbers("Owners that the nodes see", calm.event) == {GROUP: 1}


def test_standbys(told: Told, calm: Moment) -> None:
    assert told.numbers("Standbys", calm.event) == {GROUP: STANDBYS[calm.event]}


def test_since_when(told: Told, calm: Moment) -> None:
    # The lab reads the kernel; the node counts from its decision, and the bind may have to wait its turn.
    shown = told.numbers("Owner since", calm.event)[GROUP] / 1000
    assert shown == pytest.approx(calm.since, abs=0.5)


def test_why(told: Told, calm: Moment) -> None:
    assert set(told.numbers("Why", calm.event)) == {REASONS[calm.event]}


def test_alerts_that_fire(told: Told) -> None:
    rows = {series.labels["alertname"]: series for _, series in told.at("Alerts that fire", "death")}
    assert rows.keys() == {alert.name for alert in told.moments["death"].firing}
    assert rows["VipserviceNodeDown"].labels["severity"] == "warning"
    assert not told.at("Alerts that fire", "handover")


def test_alarms_of_the_nodes(told: Told, calm: Moment) -> None:
    assert set(told.numbers("Alarms of the nodes", calm.event).values()) == {0}
    assert told.numbers("Alarms of the nodes", "adverts blocked")["held_by_silent_peer"] == 1


# Roles


def test_role_by_node(told: Told, calm: Moment) -> None:
    others = {f"{node} {GROUP}": BACKUP for node in told.others(calm.event)}
    assert told.numbers("Role by node", calm.event) == {f"{calm.owner} {GROUP}": ACTIVE, **others}


def test_address_in_the_kernel(told: Told, calm: Moment) -> None:
    others = {f"{node} {VIP}": 0 for node in told.others(calm.event)}
    assert told.numbers("Address in the kernel, by node", calm.event) == {f"{calm.owner} {VIP}": 1, **others}


def test_nodes_that_can_be_scraped(told: Told, calm: Moment) -> None:
    shown = told.numbers("Nodes that can be scraped", calm.event)
    up = {f"node-{'abc'[int(name.split(':')[0][-1]) - 1]}" for name, value in shown.items() if value}
    assert len(shown) == len(NODES)
    assert up == calm.alive


# Failovers


def test_takeovers_by_reason_show_when_they_happened(told: Told) -> None:
    shown = told.throughout("Takeovers by reason")
    moments = told.moments
    for reason, event, before in (
        ("handover_taken", "handover", "start"),
        ("silence_proved", "death", "handover"),
    ):
        seen = [at for at, value in shown[reason] if value > 0 and at > moments["start"].wall]
        assert seen
        # A rate's window is four scrapes; a turn is seen from the first scrape after it on.
        assert moments[before].wall < min(seen) <= moments[event].since + 3
        assert max(seen) < moments[event].since + 8


def test_phases_of_a_takeover(told: Told) -> None:
    shown = told.numbers("Phases of a takeover, on average", "adverts restored")
    assert shown.keys() == {"detect", "probe", "bind", "proof"}
    # Three intervals of 100 ms, of which 1.25 pass before the first probe, plus what this machine adds.
    assert 0.1 < shown["detect"] < 1.5
    assert 0.25 < shown["detect"] + shown["probe"] < 1.5
    assert 0 < shown["bind"] < 0.5
    assert 0 < shown["proof"] < 1.5


def test_changes_of_role_are_those_in_the_logs(told: Told) -> None:
    rows = {
        tuple(series.labels[label] for label in ("node", "from", "to", "reason"))
        for _, series in told.at("Changes of role", "adverts restored")
    }
    logged = {
        (f"node-{said.node}", said.turn[0], said.turn[1])
        for said in told.story.cluster.sentences(0, float("inf"))
        if said.turn
    }
    assert {row[:3] for row in rows} <= logged
    moments = told.moments
    assert (moments["handover"].owner, "backup", "active", "handover_taken") in rows
    assert (moments["start"].owner, "active", "backup", "handover_given") in rows
    assert (moments["death"].owner, "probing", "active", "silence_proved") in rows


# Checks and hooks


def test_health_checks_show_the_one_that_fails(told: Told) -> None:
    assert set(told.numbers("Health checks, by node", "handover").values()) == {PASSING}
    shown = told.numbers("Health checks, by node", "adverts restored")
    assert shown.keys() == {f"{node} {check}" for node in NODES for check in ("fine", "not broken")}
    broken = told.moments["adverts restored"].owner
    assert {name for name, value in shown.items() if value == FAILING} == {f"{broken} not broken"}


def test_a_check_of_a_file_takes_no_time(told: Told) -> None:
    shown = told.numbers("How long a check takes", "handover")
    assert len(shown) == 2 * len(NODES)
    assert all(0 <= seconds < 0.5 for seconds in shown.values())


def test_hooks_ran_on_both_nodes_of_the_handover(told: Told) -> None:
    moments = told.moments
    for node in (moments["start"].owner, moments["handover"].owner):
        ran = told.throughout("Hooks that ran, by result")[f"{node} told ok"]
        assert [
            at for at, value in ran if value > 0 and moments["start"].wall < at < moments["handover"].wall
        ]
    failed = told.throughout("Hooks that ran, by result")[f"{moments['handover'].owner} told failed"]
    assert not [at for at, value in failed if value > 0]


def test_a_hook_that_does_nothing_takes_no_time(told: Told) -> None:
    shown = told.numbers("How long a hook takes", "handover")
    assert shown.keys() == {f"{node} told" for node in NODES}
    assert all(0 < seconds < 2 for seconds in shown.values())


# Round trips


def test_round_trips_to_the_address_are_one_a_second_from_each_node_that_has_it_not(told: Told) -> None:
    buckets = told.numbers("Round trips to the address", "handover")
    assert buckets["+Inf"] == pytest.approx(2 * 4, abs=3)
    in_order = [buckets[le] for le in sorted(buckets, key=float)]
    assert in_order == sorted(in_order)


def test_round_trips_slowest(told: Told, calm: Moment) -> None:
    shown = told.numbers("Round trips: slowest of ten, of a hundred", calm.event)
    assert {name.split()[0] for name in shown} == {"vip", "peer", "gateway"}
    for kind in ("vip", "peer", "gateway"):
        assert 0 < shown[f"{kind} p90"] <= shown[f"{kind} p99"] < 1


def test_median_round_trips_lead_from_every_node_to_every_other_and_the_gateway(told: Told) -> None:
    moment = told.moments["handover"]
    expected = {f"{node} to gateway {GATEWAY}" for node in NODES}
    expected |= {f"{node} to peer {peer}" for node in NODES for peer in NODES if peer != node}
    expected |= {f"{node} to vip {VIP}" for node in told.others("handover")}
    assert set(told.numbers("Median round trip by node and target", moment.event)) == expected


def test_echoes_without_an_answer_are_those_to_the_dead(told: Told) -> None:
    dead = told.moments["handover"].owner
    shown = told.numbers("Echoes without an answer", "death")
    lost = {name for name, share in shown.items() if share > 0.9}
    assert lost == {f"{node} to peer {dead}" for node in told.moments["death"].alive}


# Adverts


def test_peers_as_each_node_hears_them(told: Told) -> None:
    dead = told.moments["handover"].owner
    alive = told.moments["death"].alive
    assert told.numbers("Peers, as each node hears them", "death") == {
        f"{node} and {peer}": NOT_HEARD if peer == dead else BOTH_WAYS
        for node in alive
        for peer in NODES
        if peer != node
    }
    assert set(told.numbers("Peers, as each node hears them", "adverts restored").values()) == {BOTH_WAYS}


def test_nobody_hears_a_peer_whose_adverts_are_blocked(told: Told) -> None:
    owner = told.moments["adverts blocked"].owner
    shown = told.numbers("Peers, as each node hears them", "adverts blocked")
    deaf = {name for name, heard in shown.items() if heard == NOT_HEARD}
    assert deaf == {name for name in shown if owner in name}


def test_adverts_are_sent_at_the_pace_of_the_role_and_come_in_at_it(told: Told) -> None:
    owner = told.moments["handover"].owner
    sent = told.numbers("Adverts sent, by path", "handover")
    received = told.numbers("Adverts received, by path", "handover")
    for node in NODES:
        assert sent[f"{node} multicast"] == pytest.approx(10 if node == owner else 1, rel=0.4)
        assert received[f"{node} multicast"] == pytest.approx(2 if node == owner else 11, rel=0.4)


def test_rejected_adverts_are_those_that_a_stranger_sent(told: Told) -> None:
    shown = told.throughout("Adverts rejected, by reason")
    assert max(value for _, value in shown[RUBBISH]) > 1
    began = min(at for at, value in shown[RUBBISH] if value > 0)
    assert told.moments["handover"].wall < began < told.moments["death"].wall


def test_announcements_come_with_takeovers(told: Told) -> None:
    shown = told.throughout("Announcements")
    moment = told.moments["handover"]
    around = [value for at, value in shown["garp_request"] if moment.since < at < moment.since + 5]
    assert max(around) > 2


# Lease and loop


def test_lease_left(told: Told, calm: Moment) -> None:
    shown = told.numbers("Lease left", calm.event)
    assert 1 < shown.pop(calm.owner) <= 3
    assert shown == dict.fromkeys(told.others(calm.event), 0)


def test_lateness_of_the_loop(told: Told, calm: Moment) -> None:
    shown = told.numbers("Lateness of the loop: median, slowest of a hundred", calm.event)
    for node in calm.alive:
        assert 0 < shown[f"{node} p50"] <= shown[f"{node} p99"] <= 1


def test_what_should_not_happen_is_the_start_after_the_death(told: Told) -> None:
    dead = told.moments["handover"].owner
    assert told.numbers("What should not happen", "return").get(f"{dead} address put back", 0) == 0
    (fired,) = {
        alert.labels["instance"]
        for alert in told.moments["return"].firing
        if alert.name == "VipserviceWatchdogRestarts"
    }
    assert fired.startswith(str(told.story.cluster.lan.address_of(dead.removeprefix("node-"))))


def test_a_scrape_costs_the_loop_little(told: Told, calm: Moment) -> None:
    shown = told.numbers("What a scrape costs the loop", calm.event)
    assert shown.keys() == calm.alive
    # Seconds, and an average over few scrapes: one in which the machine stood still may be among them.
    assert all(0 < seconds < 0.25 for seconds in shown.values()), shown


# Resources


def test_processor_memory_and_files_are_what_the_kernel_says(told: Told) -> None:
    event = "adverts restored"
    processor = told.numbers("Processor", event)
    memory = told.numbers("Memory", event)
    files = told.numbers("Open files", event)
    for name, daemon in told.story.cluster.daemons.items():
        process = Path("/proc", str(daemon.process.pid))
        pages = int((process / "statm").read_text().split()[1])
        assert memory[f"node-{name}"] == pytest.approx(pages * 4096, rel=0.1)
        assert files[f"node-{name}"] == pytest.approx(len(list((process / "fd").iterdir())), abs=4)
        assert 0 < processor[f"node-{name}"] < 1
