"""Whatever strangers put on the wire: counted by reason, never acted on, no exception, no move."""

import random
import secrets
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

import pytest

from tests.live.daemon.stranger import (
    MAC,
    SECRET,
    forged,
    metrics,
    recorded,
    rejected,
    sending,
    speak,
    wait_rejected,
)
from vipservice.core.roles import Role
from vipservice.core.values import Mac
from vipservice.lab.clock import now
from vipservice.lab.demo import steps
from vipservice.lab.demo.cluster import VIP, Cluster
from vipservice.lab.demo.play import play
from vipservice.lab.demo.reasons import role_changes
from vipservice.runtime.flood import CALM
from vipservice.wire import arp
from vipservice.wire.header import KEY_ID_OFFSET
from vipservice.wire.signing import Keyring

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

COPIES = 5
Datagrams = Callable[[Cluster], bytes]


@pytest.fixture(scope="module")
def signed() -> Iterator[Cluster]:
    with Cluster(("a", "b"), gateway=True) as cluster:
        cluster.start("a", "b")
        cluster.wait_until_whole()
        yield cluster


@pytest.fixture(scope="module")
def unsigned() -> Iterator[Cluster]:
    with Cluster(("a", "b"), gateway=True, signed=False) as cluster:
        cluster.start("a", "b")
        cluster.wait_until_whole()
        yield cluster


@dataclass
class Calm:
    """Checks that in the time since it was made nothing moved and nothing broke."""

    cluster: Cluster

    def __post_init__(self) -> None:
        self.began = now()
        self.owner = self.cluster.owner

    def check(self) -> None:
        until = now()
        said = self.cluster.sentences(self.began, until)
        owned = self.cluster.lan.owned(VIP, self.began, until)
        assert role_changes(said) == 0, self.cluster.report()
        assert (owned.most, owned.moves, owned.none) == (1, 0, 0.0)
        assert self.cluster.owner == self.owner
        assert_no_exception(self.cluster)


def assert_no_exception(cluster: Cluster) -> None:
    log = cluster.report()
    assert "Traceback" not in log, log
    assert " error " not in log, log


def of_the_owner(cluster: Cluster) -> bytes:
    """The latest advert of the active, as the bytes that went over the wire."""
    owner = cluster.wait_for_owner(5)
    with recorded(cluster, owner) as adverts:
        deadline = time.monotonic() + 3
        while not adverts():
            assert time.monotonic() < deadline, "the active says nothing"
            time.sleep(0.05)
        frame = adverts()[-1]
    return frame[frame.index(b"VIPS") :]


def patched(cluster: Cluster, offset: int, value: bytes) -> bytes:
    good = of_the_owner(cluster)
    return good[:offset] + value + good[offset + len(value) :]


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (lambda _: b"", "short"),
        (lambda _: secrets.token_bytes(20), "short"),
        (lambda _: b"\xff" + secrets.token_bytes(1200), "not_advert"),
        (lambda cluster: of_the_owner(cluster)[:-40], "short"),
        (lambda cluster: patched(cluster, 6, struct.pack(">H", 65000)), "length"),
        (lambda cluster: patched(cluster, 6, struct.pack(">H", 3)), "length"),
        (lambda _: secrets.token_bytes(12_000), "length"),
        (lambda cluster: patched(cluster, 4, b"\x63"), "version"),
        (lambda cluster: patched(cluster, 60, b"\xff\xff\xff"), "bad_signature"),
        (lambda cluster: patched(cluster, KEY_ID_OFFSET, struct.pack(">I", 77)), "unknown_key"),
        (lambda cluster: forged(cluster, Keyring({1: SECRET}), heard=True), "bad_signature"),
        (lambda cluster: forged(cluster, Keyring({9: SECRET}), heard=True), "unknown_key"),
        (lambda cluster: forged(cluster, heard=True), "unsigned"),
        (of_the_owner, "replayed"),
    ],
)
def test_a_datagram_that_is_no_advert_for_us_is_counted_and_nothing_else(
    signed: Cluster, datagram: Datagrams, reason: str
) -> None:
    # The owner of a recorded advert refuses it as its own; the other node tells us.
    (listener,) = set(signed.daemons) - {signed.wait_for_owner(5)}
    made = datagram(signed)
    time.sleep(0.15)  # a recording is old once its sender has spoken again
    before, calm = rejected(signed, listener, reason), Calm(signed)
    speak(signed, [made] * COPIES)
    wait_rejected(signed, listener, reason, before + COPIES)
    calm.check()


def test_an_advert_that_came_through_a_router_is_refused_however_well_it_is_signed(signed: Cluster) -> None:
    genuine = of_the_owner(signed)
    calm = Calm(signed)
    before = {node: rejected(signed, node, "ttl") for node in signed.daemons}
    speak(signed, [genuine] * COPIES, ttl=254)
    for node in signed.daemons:
        wait_rejected(signed, node, "ttl", before[node] + COPIES)
    calm.check()


def test_a_signed_advert_is_refused_where_there_is_no_key(unsigned: Cluster) -> None:
    calm = Calm(unsigned)
    speak(unsigned, [forged(unsigned, Keyring({1: SECRET}), heard=True)] * COPIES)
    for node in unsigned.daemons:
        wait_rejected(unsigned, node, "signed", COPIES)
    calm.check()


def test_somebody_who_has_not_heard_our_present_life_is_not_believed(unsigned: Cluster) -> None:
    """Where there is no key anybody can speak; but not a recording, and nobody who doesn't listen."""
    calm = Calm(unsigned)
    speak(unsigned, [forged(unsigned)])
    for node in unsigned.daemons:
        wait_rejected(unsigned, node, "not_acquainted", 1)
    calm.check()


def test_other_addresses_under_our_group_are_refused(unsigned: Cluster) -> None:
    calm = Calm(unsigned)
    foreign = forged(unsigned, addresses=(VIP + 1,), heard=True)
    speak(unsigned, [foreign])
    for node in unsigned.daemons:
        wait_rejected(unsigned, node, "foreign_addresses", 1)
    calm.check()


def test_random_bytes_by_the_thousand_cost_neither_the_address_nor_an_exception(signed: Cluster) -> None:
    dice = random.Random(2026)
    calm = Calm(signed)
    good = of_the_owner(signed)
    for _ in range(20):
        noise = [dice.randbytes(dice.randrange(1400)) for _ in range(100)]
        noise += [_mutilated(good, dice) for _ in range(100)]
        speak(signed, noise)
    time.sleep(0.3)
    calm.check()


def _mutilated(good: bytes, dice: random.Random) -> bytes:
    data = bytearray(good)
    for _ in range(dice.randrange(1, 5)):
        data[dice.randrange(len(data))] = dice.randrange(256)
    return bytes(data[: dice.randrange(1, len(data) + 1)])


def test_a_flood_of_arp_moves_nothing(signed: Cluster) -> None:
    dice = random.Random(5227)
    gateway = signed.lan.address_of("gateway")
    assert isinstance(gateway, IPv4Address)
    frames = [arp.request(Mac(dice.randbytes(6)), gateway, VIP) for _ in range(50)]
    frames += [arp.probe(Mac(b"\x02" + dice.randbytes(5)), VIP + dice.randrange(1, 9)) for _ in range(50)]
    broken = bytearray(arp.request(MAC, gateway, VIP))
    broken[21] = 9  # an operation of inverse ARP
    frames += [bytes(broken)] * 10
    frames += [dice.randbytes(12) + b"\x08\x06" + dice.randbytes(dice.randrange(60)) for _ in range(50)]
    calm = Calm(signed)
    with sending(signed, frames, pause=0.0001):
        time.sleep(2)
    calm.check()
    assert rejected_frames(signed) > 0


def rejected_frames(cluster: Cluster) -> float:
    found = [metrics(cluster.lan.node(node)) for node in cluster.daemons]
    name = "vipservice_frames_rejected_total"
    return sum(value for one in found for series, value in one.items() if series.startswith(name))


def test_a_stranger_who_announces_the_address_makes_an_alarm_and_no_move(signed: Cluster) -> None:
    """Only signed words make an active release; ARP only ever starts a question."""
    calm = Calm(signed)
    with sending(signed, [arp.gratuitous_reply(MAC, VIP)], pause=0.2):
        owner = signed.daemons[signed.wait_for_owner(5)]
        # After the floods of the tests before, all that strangers send passes only when it has been calm.
        status = owner.wait_for(
            lambda status: "rival" in status["groups"][0]["conditions"], 2 * CALM + 5, "a rival"
        )
    assert MAC.hex(":") in status["groups"][0]["conditions"]["rival"]
    calm.check()


def test_nobody_binds_while_a_stranger_answers_and_somebody_does_when_he_is_gone() -> None:
    with Cluster(("a", "b", "c")) as cluster:
        cluster.start(*cluster.daemons)
        cluster.wait_until_whole()
        owner = cluster.wait_for_owner(5)
        backups = sorted(set(cluster.daemons) - {owner})
        cluster.lan.add_address("client", VIP)  # of the lab's hosts one that runs no daemon
        cluster.power_off(owner)
        died = now()
        heirs = [cluster.daemons[name] for name in backups]
        for heir in heirs:
            heir.wait_for(lambda status: "conflict" in status["groups"][0]["conditions"], 5, "a conflict")
        time.sleep(1)
        held = {turn.host for turn in cluster.lan.ownership.turns() if turn.at > died and turn.held}
        assert not held, f"{held} bound what a stranger had\n{cluster.report()}"
        series = 'vipservice_conflicts_total{group="vip-1"}'
        assert all(metrics(cluster.lan.node(name))[series] >= 1 for name in backups)
        cluster.lan.delete_address("client", VIP)
        assert cluster.wait_for_owner(15) in backups
        assert_no_exception(cluster)


def test_a_dead_actives_words_do_no_harm_when_they_are_said_again() -> None:
    """Its adverts and resigns of a whole life, recorded and replayed while it is dead."""
    with Cluster(("a", "b"), gateway=True) as cluster:
        cluster.start("a", "b")
        cluster.wait_until_whole()
        dead = cluster.wait_for_owner(5)
        (heir,) = set(cluster.daemons) - {dead}
        with recorded(cluster, dead) as adverts:
            for _ in range(2):  # there and back: with the resign, and the words of an active again
                play(steps.HANDOVER, cluster)
            frames = adverts()
        assert len(frames) > 20
        with sending(cluster, frames):
            result = play(steps.HOST_DIES, cluster)
            assert (result.owner, result.most) == (heir, 1), cluster.report()
            calm = Calm(cluster)
            time.sleep(1)
            calm.check()
            # A new life of ours has heard nobody yet, and these words were not said to it.
            cluster.daemons[heir].kill()
            cluster.daemons[heir].start()
            cluster.daemons[heir].wait_ready(5)
            time.sleep(1)
            assert cluster.owner == heir, cluster.report()
        counted = {reason: rejected(cluster, heir, reason) for reason in ("replayed", "not_acquainted")}
        assert sum(counted.values()) > 100, counted
        assert_no_exception(cluster)


def test_a_backup_that_is_restarted_among_recordings_waits_for_nobody_who_is_dead(signed: Cluster) -> None:
    owner = signed.wait_for_owner(5)
    (backup,) = set(signed.daemons) - {owner}
    with recorded(signed, owner) as adverts:
        time.sleep(1.2)
        frames = adverts()
    calm = Calm(signed)
    with sending(signed, frames):
        signed.daemons[backup].stop()
        signed.start(backup)
        time.sleep(0.5)
    signed.wait_until_whole()
    calm.check()
    roles = {node: signed.daemons[node].status()["groups"][0]["role"] for node in signed.daemons}
    assert roles == {owner: Role.ACTIVE.value, backup: Role.BACKUP.value}
