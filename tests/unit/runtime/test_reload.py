"""What a reload may change under way, and what it must not."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest

from vipservice.config.load import loads
from vipservice.config.resolve import resolve
from vipservice.config.seen import SeenInterface
from vipservice.config.settings import ResolvedGroup, Settings
from vipservice.core.values import GroupId
from vipservice.runtime.reload import Changes, compare

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
    assert changes(BASE, BASE) == Changes((), ())


def test_a_number_changes_under_way() -> None:
    found = changes(BASE, BASE.replace("name: one", "name: one, priority: 150"))
    assert [core.priority for core in found.live] == [150]
    assert not found.restart


@pytest.mark.parametrize(
    ("after", "named"),
    [
        (BASE.replace("192.168.3.234", "192.168.3.235"), "one"),
        (BASE.replace("interface: eth0, ip: 192.168.3.234", "interface: eth1, ip: 10.9.0.234"), "one"),
        (BASE + "adverts: {port: 61112}\n", "adverts"),
        (BASE + "metrics: {listen: ':10235'}\n", "metrics"),
        (BASE + SAME_LINK, "two"),
    ],
)
def test_what_is_built_on_needs_a_restart_and_is_named(after: str, named: str) -> None:
    found = changes(BASE, after)
    assert any(named in path for path in found.restart)


def test_a_group_that_went_needs_a_restart() -> None:
    assert any("two" in path for path in changes(BASE + SECOND_LINK, BASE).restart)


def test_a_group_on_an_interface_that_nobody_uses_just_begins() -> None:
    assert changes(BASE, BASE + SECOND_LINK) == Changes((), ())


def test_keys_change_under_way() -> None:
    after = BASE + "adverts: {keys: [{id: 1, file: advert.key}]}\n"
    assert changes(BASE, after) == Changes((), ())


def test_an_address_that_moved_within_the_group_is_seen() -> None:
    settings, (group,) = read(BASE)
    moved = replace(group, core=replace(group.core, addresses=(IPv4Address("192.168.3.9"),)))
    assert compare(settings, settings, {group.core.id: group}, [moved]).restart
