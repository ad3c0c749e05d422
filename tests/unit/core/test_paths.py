"""Who looks for a blocked path has every peer asked by which paths it hears us, and answered the same."""

from dataclasses import replace
from math import inf

from tests.unit.core.conftest import Bench
from vipservice.core.actions import SendAdvert
from vipservice.core.events import AdvertReceived, PathsAsked
from vipservice.core.messages import Path, PathCheck
from vipservice.core.roster import Peer


def checks(bench: Bench) -> list[SendAdvert]:
    return [send for send in bench.did(SendAdvert) if send.advert.check is not None]


def peer_of(bench: Bench) -> Peer:
    (peer,) = bench.segment.around.roster.peers.values()
    return peer


def test_every_peer_is_asked_by_all_paths_and_told_by_which_it_is_heard(bench: Bench) -> None:
    bench.starts()
    first, second = bench.other(5), bench.other(6)
    first.says()
    second.says(path=Path.UNICAST)
    bench.now += 0.5
    bench.log.clear()
    bench.handle(PathsAsked())
    asked = {send.to: send for send in checks(bench)}
    assert set(asked) == {first.node, second.node}
    assert all(send.paths == frozenset(Path) for send in asked.values())
    assert asked[first.node].advert.check == PathCheck(first.node, True, (0.5, inf, inf))
    assert asked[second.node].raw_to == (second.mac,)
    assert asked[second.node].advert.check == PathCheck(second.node, True, (inf, 0.5, inf))


def test_it_is_asked_once_and_the_next_adverts_are_plain(bench: Bench) -> None:
    bench.starts()
    bench.other(5).stands_by()
    bench.handle(PathsAsked())
    bench.log.clear()
    bench.run(3.0)
    assert bench.did(SendAdvert) and not checks(bench)


def test_who_asks_is_answered_without_being_asked_back(bench: Bench) -> None:
    bench.starts()
    other = bench.other(5)
    other.says()
    bench.log.clear()
    node = bench.segment.around.node
    asking = replace(other.advert(), check=PathCheck(node, True, (0.1, inf, 0.2)))
    bench.handle(AdvertReceived(asking, Path.UNICAST))
    (answer,) = checks(bench)
    assert answer.advert.check == PathCheck(other.node, False, (0.0, 0.0, inf))
    assert peer_of(bench).hears_us_by[Path.MULTICAST] == bench.now - 0.1
    assert peer_of(bench).hears_us_by[Path.UNICAST] == -inf


def test_who_asks_without_a_pause_is_answered_as_often_as_a_recording_that_knocks(bench: Bench) -> None:
    bench.starts()
    other = bench.other(5)
    other.says()
    bench.log.clear()
    check = PathCheck(bench.segment.around.node, True, (0.0, 0.0, 0.0))
    for _ in range(100):
        bench.handle(AdvertReceived(replace(other.advert(), check=check), Path.UNICAST))
    assert len(checks(bench)) == 1


def test_what_a_node_tells_another_is_nobody_elses_business(bench: Bench) -> None:
    bench.starts()
    other = bench.other(5)
    other.says()
    bench.log.clear()
    overheard = replace(other.advert(), check=PathCheck(bench.other(6).node, True, (0.0, 0.0, 0.0)))
    bench.handle(AdvertReceived(overheard, Path.MULTICAST))
    assert not checks(bench) and peer_of(bench).told_at == -inf


def test_who_has_not_named_our_present_life_is_not_answered(bench: Bench) -> None:
    bench.starts()
    other = bench.other(5)
    other.hears_us = False
    check = PathCheck(bench.segment.around.node, True, (0.0, 0.0, 0.0))
    bench.handle(AdvertReceived(replace(other.advert(), check=check), Path.MULTICAST))
    assert not checks(bench)
