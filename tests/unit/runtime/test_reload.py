"""What a reload may change under way, and what it must not."""

from dataclasses import fields, replace
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest

from vipservice.config.load import loads
from vipservice.config.resolve import resolve
from vipservice.config.seen import SeenInterface
from vipservice.config.settings import ResolvedGroup, Settings
from vipservice.core.values import GroupId
from vipservice.runtime.reload import LISTEN, NEED_RESTART, NEED_UPGRADE, Changes, compare

ETH0 = SeenInterface("eth0", False, True, (IPv4Interface("192.168.3.10/24"),))
ETH1 = SeenInterface("eth1", False, True, (IPv4Interface("10.9.0.10/24"),))

BASE = """\
floating_ip:
  - {enabled: true, id: 1, name: one, interface: eth0, ip: 192.168.3.234}
"""
SECOND_LINK = "  - {enabled: true, id: 2, name: two, interface: eth1, ip: 10.9.0.234}\n"
SAME_LINK = "  - {enabled: true, id: 2, name: two, interface: eth0, ip: 192.168.3.235}\n"


def read(text: str) -> tuple[Settings, tuple[ResolvedGroup, ...]]:
    settings = loads(text, Path("vipservice.yml"))
    return settings, resolve(settings, [ETH0, ETH1])


def changes(before: str, after: str) -> Changes:
    old, running = read(before)
    new, wanted = read(after)
    return compare(old, new, {GroupId(group.core.id): group for group in running}, wanted)


def test_the_same_file_changes_nothing() -> None:
    assert changes(BASE, BASE) == Changes()


def test_a_number_changes_live() -> None:
    found = changes(BASE, BASE.replace("name: one", "name: one, priority: 150"))
    assert [group.core.priority for group in found.live] == [150]
    assert replace(found, live=()) == Changes()


@pytest.mark.parametrize(
    "change", ["name: uno", "name: one, nodes: 3", "name: one, witnesses: [192.168.3.1]"]
)
def test_whatever_an_election_is_not_built_on_changes_live(change: str) -> None:
    found = changes(BASE, BASE.replace("name: one", change))
    assert (len(found.live), replace(found, live=())) == (1, Changes())


@pytest.mark.parametrize("change", ["name: one, probe: off", "name: one, arp_suppression: true"])
def test_another_way_to_look_begins_in_place(change: str) -> None:
    found = changes(BASE, BASE.replace("name: one", change))
    assert (len(found.in_place), replace(found, in_place=())) == (1, Changes())


def test_a_group_that_drops_an_address_keeps_the_others_in_place() -> None:
    two = BASE.replace("192.168.3.234", "[192.168.3.234, 192.168.3.235]")
    found = changes(two, BASE)
    assert [group.core.addresses for group in found.in_place] == [(IPv4Address("192.168.3.234"),)]
    assert not found.leaving


@pytest.mark.parametrize(
    "after",
    [
        BASE.replace("192.168.3.234", "192.168.3.235"),
        BASE.replace("192.168.3.234", "[192.168.3.234, 192.168.3.235]"),
        BASE.replace("interface: eth0, ip: 192.168.3.234", "interface: eth1, ip: 10.9.0.234"),
    ],
)
def test_a_group_that_gets_an_address_lets_go_first_and_comes_back(after: str) -> None:
    found = changes(BASE, after)
    assert found.leaving == (GroupId(1),)
    assert [group.core.id for group in found.joining] == [1]
    assert found.summary() == "groups changed 0, moved 1, added 0, removed 0"


@pytest.mark.parametrize("group", [SAME_LINK, SECOND_LINK])
def test_groups_come_and_go(group: str) -> None:
    came, went = changes(BASE, BASE + group), changes(BASE + group, BASE)
    assert [one.core.name for one in came.joining] == ["two"]
    assert went == Changes(leaving=(GroupId(2),))
    assert went.summary() == "groups changed 0, moved 0, added 0, removed 1"


def test_a_disabled_group_goes() -> None:
    assert changes(BASE, BASE.replace("enabled: true", "enabled: false")).leaving == (GroupId(1),)


@pytest.mark.parametrize(
    ("interface", "leaving"), [("interface: eth0", ()), ("interface: eth7", (GroupId(1),))]
)
def test_a_group_whose_interface_is_away_stays_unless_the_file_wants_it_elsewhere(
    interface: str, leaving: tuple[GroupId, ...]
) -> None:
    old, (running,) = read(BASE)
    new = loads(BASE.replace("interface: eth0", interface), Path("vipservice.yml"))
    assert compare(old, new, {running.core.id: running}, []).leaving == leaving


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("adverts: {port: 61112}", "adverts.port needs 'vipservice upgrade'"),
        ("adverts: {group: 224.0.0.253}", "adverts.group needs 'vipservice upgrade'"),
        ("metrics: {listen: ':10235'}", "metrics.listen needs 'vipservice upgrade'"),
        ("metrics: {listen: off}", "metrics.listen needs 'vipservice upgrade'"),
        ("log: {format: json}", "log.format needs 'vipservice upgrade'"),
        ("node: {state_directory: /srv}", "node.state_directory needs a restart"),
        ("node: {control_socket: /srv/c.sock}", "node.control_socket needs a restart"),
    ],
)
def test_what_is_opened_at_the_start_is_named_with_what_it_needs(section: str, said: str) -> None:
    assert changes(BASE, f"{BASE}{section}\n").impossible == said


@pytest.mark.parametrize(
    "section",
    [
        "adverts: {keys: [{id: 1, file: advert.key}]}",
        "adverts: {peers: [192.168.3.36]}",
        "node: {name: other}",
        "log: {level: debug}",
    ],
)
def test_keys_peers_name_and_level_need_nothing(section: str) -> None:
    assert changes(BASE, f"{BASE}{section}\n") == Changes()


def test_every_key_outside_the_groups_is_known_to_apply_somehow() -> None:
    """A new key must be decided on: what is compared with nothing would change nothing, silently."""
    live = {"node.name", "adverts.keys", "adverts.peers", "log.level"}
    settings, _ = read(BASE)
    keys = {
        LISTEN.get(f"{section}.{one.name}", f"{section}.{one.name}")
        for section in ("node", "adverts", "metrics", "log")
        for one in fields(getattr(settings, section))
    }
    assert keys == live | NEED_UPGRADE | NEED_RESTART
