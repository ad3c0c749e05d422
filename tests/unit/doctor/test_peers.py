"""What the daemon knows of its peers becomes a word for each path; older peers are not accused."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from tests.unit.doctor.conftest import ALL_WELL, MakePatient, only
from vipservice.cli.diagnosis.findings import Severity
from vipservice.cli.diagnosis.paths import paths
from vipservice.cli.diagnosis.patient import Peer
from vipservice.cli.diagnosis.peers import from_daemon
from vipservice.core.messages import Path

PATHS = ("multicast", "unicast", "raw")


def said(**changes: object) -> dict[str, Any]:
    """A peer as `status` has it, asked half a second ago, with everything well."""
    by_path = dict.fromkeys(PATHS, 0.1)
    return {
        "name": "node-b",
        "node_id": "bb" * 16,
        "address": "192.168.3.11",
        "macs": ["02:00:00:00:00:0b"],
        "interface": "eth0",
        "heard_ago": 0.1,
        "hears_us_ago": 0.1,
        "living": True,
        "last_seen": "2026-11-22T12:03:04.120Z",
        "heard_by": by_path,
        "hears_us_by": by_path,
        "told_ago": 0.3,
    } | changes


def peer(said: Mapping[str, Any]) -> Peer:
    (found,) = from_daemon({"peers": [said]}, took=0.5)
    return found


def test_all_paths_in_both_directions() -> None:
    found = peer(said())
    assert found.heard_by == found.hears_us_by == ALL_WELL


def test_what_is_older_than_the_question_did_not_come() -> None:
    found = peer(said(heard_by={"multicast": 0.1, "unicast": 61.0, "raw": None}))
    assert found.heard_by == {Path.MULTICAST: True, Path.UNICAST: False, Path.RAW: False}


def test_an_older_release_that_tells_nothing_is_not_accused_of_silence_by_unicast() -> None:
    nothing = dict.fromkeys(PATHS)
    once = {**nothing, "multicast": 0.1}
    found = peer(said(heard_by=once, hears_us_by=nothing, told_ago=None))
    assert found.heard_by == {Path.MULTICAST: True}
    assert found.hears_us_by == {}


def test_who_does_not_name_us_as_heard_hears_us_by_no_path() -> None:
    found = peer(said(hears_us_ago=10.0, told_ago=10.0))
    assert found.hears_us_by == dict.fromkeys(Path, False)


def test_with_peers_configured_multicast_is_nobodys_business(make: MakePatient, peer: Peer) -> None:
    settings = make().settings
    assert settings is not None
    unicast = replace(settings, adverts=replace(settings.adverts, peers=(IPv4Address("192.168.3.11"),)))
    silent = {**ALL_WELL, Path.MULTICAST: False}
    patient = make(settings=unicast, peers=(replace(peer, heard_by=silent, hears_us_by=silent),), status={})
    assert only(paths, patient, Severity.OK).what.endswith("heard by unicast, hears us by unicast")


@pytest.mark.parametrize("direction", ["heard_by", "hears_us_by"])
def test_one_dead_path_is_a_warning_and_two_are_an_error(
    make: MakePatient, peer: Peer, direction: str
) -> None:
    both = (Path.MULTICAST, Path.UNICAST)
    for dead, severity in ((both[:1], Severity.WARNING), (both, Severity.ERROR)):
        by_path = ALL_WELL | dict.fromkeys(dead, False)
        patient = make(peers=(replace(peer, **{direction: by_path}),), status={})  # type: ignore[arg-type]
        found = only(paths, patient, severity)
        assert found.what.startswith(" and ".join(path.value for path in dead))
        assert any(line.startswith("ufw allow") for line in found.snippet)


def test_who_may_not_look_does_not_say_whose_firewall_it_is(make: MakePatient, peer: Peer) -> None:
    deaf = replace(peer, heard_by=ALL_WELL | {Path.UNICAST: False})
    found = only(paths, make({"problem": "not permitted"}, peers=(deaf,), status={}), Severity.WARNING)
    assert found.why.startswith("whose firewall drops them was not seen")


def test_who_neither_looks_nor_has_a_daemon_accuses_nobody(make: MakePatient, peer: Peer) -> None:
    silent = replace(peer, heard_by={Path.MULTICAST: False}, hears_us_by={})
    assert not list(paths(make({"problem": "not permitted"}, peers=(silent,))))


def test_silence_of_a_host_that_was_not_asked_is_not_called_death(make: MakePatient, peer: Peer) -> None:
    silent = replace(peer, heard_by=dict.fromkeys(Path, False), hears_us_by={})
    assert "was not asked" in only(paths, make(peers=(silent,)), Severity.WARNING).why
