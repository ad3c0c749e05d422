"""A reload is a difference: groups come, go and change on running nodes, and the others do not notice."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

import pytest

from tests.live.daemon.stranger import metrics
from vipservice.lab.client import Pinger
from vipservice.lab.clock import now, wait_until
from vipservice.lab.daemons import Daemon, Status, node_section
from vipservice.lab.lan import Lan

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

FIRST, SECOND, THIRD = (IPv4Address(f"10.99.0.{last}") for last in (234, 235, 236))
AFTERMATH = 0.3
"""Seconds in which what a reload has done must show, three adverts and a lost ping."""

REFUSED = "the last reload was refused"


def group(number: int, *addresses: IPv4Address, more: str = "") -> str:
    listed = ", ".join(map(str, addresses))
    return f"  - {{enabled: true, id: {number}, name: vip-{number}, interface: eth0, ip: [{listed}]{more}}}\n"


class Pair:
    """Two nodes, a client that asks for two addresses each millisecond, and what they are reloaded with."""

    def __init__(self, lan: Lan) -> None:
        self.lan = lan
        self.pings: dict[IPv4Address, Pinger] = {one: lan.ping(one) for one in (FIRST, SECOND)}
        text = group(1, FIRST) + group(2, SECOND)
        self.daemons = {name: Daemon(lan.node(name), self.configuration(name, text)) for name in ("a", "b")}
        for daemon in self.daemons.values():
            daemon.start()
            daemon.wait_ready(10)
        self.wait_until_whole()

    def configuration(self, name: str, groups: str, more: str = "") -> str:
        return f"{node_section(name)}{more}floating_ip:\n{groups}"

    def reload(self, name: str, groups: str, more: str = "") -> Status:
        self.daemons[name].write_config(self.configuration(name, groups, more))
        return self.daemons[name].ask({"command": "reload"}, 10)

    def owner(self, address: IPv4Address) -> str:
        wait_until(lambda: len(self.lan.owners(address)) == 1, 10, f"an owner of {address}")
        return min(self.lan.owners(address))

    def wait_until_whole(self) -> None:
        for daemon in self.daemons.values():
            daemon.wait_for(_whole, 10, "whole")

    @contextmanager
    def undisturbed(self, *addresses: IPv4Address) -> Iterator[None]:
        """Meanwhile these lose no ping and stay where they are."""
        owners, since = {one: self.owner(one) for one in addresses}, now()
        yield
        time.sleep(AFTERMATH)
        for address, owner in owners.items():
            owned, outage = self.lan.owned(address, since, now()), self.pings[address].outage(since)
            assert (owned.most, owned.none, owned.final) == (1, 0.0, frozenset({owner})), self.report()
            assert outage.nothing_lost, f"{outage}\n{self.report()}"

    def counted(self, name: str) -> set[str]:
        """The groups that the metrics of a node have counters for."""
        found = (
            re.search(r'_transitions_total{.*group="([^"]+)"', one) for one in metrics(self.lan.node(name))
        )
        return {match[1] for match in found if match}

    def reloaded(self, name: str) -> float:
        return metrics(self.lan.node(name))["vipservice_config_last_reload_successful"]

    def never_two(self, since: float) -> bool:
        return all(self.lan.owned(one, since, now()).most <= 1 for one in (FIRST, SECOND, THIRD))

    def report(self) -> str:
        return "\n".join(daemon.log_text() for daemon in self.daemons.values())


def _whole(status: Status) -> bool:
    return all(
        one["owner"] is not None and any(node["living"] for node in one["nodes"]) for one in status["groups"]
    )


@pytest.fixture(scope="module")
def lan() -> Iterator[Lan]:
    with Lan(("a", "b"), gateway=True) as made:
        yield made


@pytest.fixture(scope="module")
def made(lan: Lan) -> Pair:
    return Pair(lan)


@pytest.fixture
def pair(made: Pair) -> Iterator[Pair]:
    """Each test finds both groups on both nodes."""
    yield made
    for name in made.daemons:
        assert made.reload(name, group(1, FIRST) + group(2, SECOND))["ok"]
    made.wait_until_whole()


def other(name: str) -> str:
    return "b" if name == "a" else "a"


def test_a_group_that_goes_hands_over_and_one_that_comes_begins_while_the_other_notices_nothing(
    pair: Pair,
) -> None:
    owner, since = pair.owner(SECOND), now()
    with pair.undisturbed(FIRST):
        answer = pair.reload(owner, group(1, FIRST) + group(3, THIRD))
        assert answer == {"ok": True, "detail": "groups changed 0, moved 0, added 1, removed 1"}
        assert pair.owner(SECOND) == other(owner)
        assert pair.owner(THIRD) == owner
    assert pair.pings[SECOND].outage(since).net_gap < 0.1, pair.report()
    assert pair.never_two(since)
    status = pair.daemons[owner].status()
    assert [one["name"] for one in status["groups"]] == ["vip-1", "vip-3"]
    assert not pair.lan.owners(THIRD) - {owner}
    assert pair.counted(owner) == {"vip-1", "vip-3"}


def test_dropping_an_address_costs_the_others_nothing_in_whatever_order(pair: Pair) -> None:
    owner = pair.owner(FIRST)
    for name in (other(owner), owner):
        assert pair.reload(name, group(1, FIRST, THIRD) + group(2, SECOND))["ok"]
    owner = pair.owner(THIRD)
    since = now()
    with pair.undisturbed(FIRST, SECOND):
        for name in (owner, other(owner)):
            answer = pair.reload(name, group(1, FIRST) + group(2, SECOND))
            assert answer["detail"] == "groups changed 1, moved 0, added 0, removed 0"
        wait_until(lambda: not pair.lan.owners(THIRD), 5, "the dropped address gone")
        pair.wait_until_whole()
    assert pair.never_two(since)
    (one,) = (one for one in pair.daemons[owner].status()["groups"] if one["id"] == 1)
    assert (one["role"], one["reason"]) == ("active", "adopted")


def test_adding_an_address_to_the_standby_first_costs_one_failover_and_never_two_owners(pair: Pair) -> None:
    owner, since = pair.owner(FIRST), now()
    with pair.undisturbed(SECOND):
        assert pair.reload(other(owner), group(1, FIRST, THIRD) + group(2, SECOND))["ok"]
        assert pair.owner(FIRST) == owner
        assert not pair.lan.owners(THIRD)
        assert pair.reload(owner, group(1, FIRST, THIRD) + group(2, SECOND))["ok"]
        assert pair.owner(THIRD) == pair.owner(FIRST)
        pair.wait_until_whole()
    outage = pair.pings[FIRST].outage(since)
    assert outage.net_gap < 1.0, pair.report()
    assert pair.never_two(since)


def test_a_group_moves_to_another_interface(pair: Pair) -> None:
    owner, since = pair.owner(SECOND), now()
    node, elsewhere = pair.lan.node(owner), IPv4Address("10.98.0.234")
    for words in ("add eth7 type veth peer name eth8", "set eth8 up", "set eth7 up"):
        node.run(("ip", "link", *words.split()))
    node.run(("ip", "addr", "add", "10.98.0.1/24", "dev", "eth7"))
    moved = group(2, elsewhere).replace("eth0", "eth7")
    with pair.undisturbed(FIRST):
        answer = pair.reload(owner, group(1, FIRST) + moved)
        assert answer["detail"] == "groups changed 0, moved 1, added 0, removed 0"
        assert pair.owner(SECOND) == other(owner)
        wait_until(lambda: elsewhere in node.kernel.addresses(), 10, "the address on eth7")
    assert pair.never_two(since)
    assert pair.reload(owner, group(1, FIRST) + group(2, SECOND))["ok"]
    assert elsewhere not in node.kernel.addresses()


def test_numbers_names_and_the_logs_level_apply_live(pair: Pair) -> None:
    owner = pair.owner(FIRST)
    with pair.undisturbed(FIRST, SECOND):
        renamed = group(1, FIRST, more=", advert_interval: 200ms").replace("vip-1", "front")
        answer = pair.reload(owner, renamed + group(2, SECOND), "log: {level: debug}\n")
        assert answer["detail"] == "groups changed 1, moved 0, added 0, removed 0"
        (one,) = (one for one in pair.daemons[owner].status()["groups"] if one["name"] == "front")
        assert (one["role"], one["advert_interval"]) == ("active", 0.2)
    assert pair.counted(owner) == {"front", "vip-2"}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: text + group(3, THIRD, more=", priority: 999"), "priority"),
        (lambda text: text + "metrics: {listen: ':10999'}\n", "metrics.listen needs 'vipservice upgrade'"),
        (lambda text: text + "log: {format: json}\n", "log.format needs 'vipservice upgrade'"),
    ],
)
def test_what_cannot_be_changes_nothing_and_is_said_everywhere_until_a_good_reload(
    pair: Pair, spoil: Callable[[str], str], said: str
) -> None:
    owner, good = pair.owner(FIRST), group(1, FIRST) + group(2, SECOND)
    daemon, since = pair.daemons[owner], now()
    with pair.undisturbed(FIRST, SECOND):
        refused = pair.reload(owner, spoil(good))
        assert not refused["ok"]
        assert said in refused["detail"]
        daemon.wait_for_line(f"error reload: nothing has changed: .*{said}", 5, since)
        daemon.wait_for_notification(f"STATUS={REFUSED}: .*{said}", 5, since)
        wait_until(lambda: pair.reloaded(owner) == 0, 5, "the metric")
        mended = now()
        assert pair.reload(owner, good)["ok"]
        line = daemon.wait_for_notification("STATUS=", 5, mended)
        assert REFUSED not in line.text
        wait_until(lambda: pair.reloaded(owner) == 1, 5, "the metric")
