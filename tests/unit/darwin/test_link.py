"""The adapter under a real election on a played Mac: bound, renewed, repaired, lapsed, released, adopted."""

# ruff: noqa: ARG002 - a played platform has the methods of a real one and needs few of their arguments

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.unit.darwin.conftest import VIP, Clock, PlayedGuard, PlayedMac, kernel_event
from tests.unit.runtime.conftest import GROUP, Echo, Machine, Memory, nobody_asks, quiet_history
from vipservice.adapters.darwin.host import DarwinHost
from vipservice.adapters.darwin.neighbours import DarwinNeighbours
from vipservice.adapters.guard.messages import Held
from vipservice.adapters.memory.stage import default_settings
from vipservice.config.settings import AdvertSettings, ResolvedGroup
from vipservice.core.events import StopAsked
from vipservice.core.roles import Reason, Role
from vipservice.core.segment import Segment
from vipservice.core.values import Address
from vipservice.runtime.link import Link
from vipservice.runtime.metrics import Metrics
from vipservice.runtime.observe import Observer
from vipservice.runtime.ports import AdvertSockets, EchoSocket, Host, Interface, Neighbours
from vipservice.wire.signing import Keyring

HELD = Held("en0", str(VIP))
STEP = 0.01


class PlayedPlatform:
    """macOS's host and frames, and sockets that nobody answers."""

    def __init__(self, mac: PlayedMac, guard: PlayedGuard, clock: Clock) -> None:
        self.clock = clock
        self._mac = mac
        self._host = DarwinHost(mac, guard, clock)
        self.adverts = Machine()

    def host(self) -> Host:
        return self._host

    def neighbours(self, interface: Interface) -> Neighbours:
        return DarwinNeighbours(interface, self._mac)

    def advert_sockets(self, interface: Interface, own: Address, group: Address, port: int) -> AdvertSockets:
        return self.adverts

    def echo_socket(self, interface: Interface, own: Address) -> EchoSocket:
        return Echo()


class Life:
    """One daemon's life, its loop driven by hand."""

    def __init__(self, mac: PlayedMac, guard: PlayedGuard, clock: Clock) -> None:
        platform = PlayedPlatform(mac, guard, clock)
        self._clock, self._host = clock, platform.host()
        memory, settings = Memory(), replace(default_settings(), addresses=(VIP,))
        segment = Segment(memory.node_id, "us", memory.incarnation, lambda: 1)
        segment.add(settings)
        group = ResolvedGroup(settings, "en0", 24, (), None, 0)
        observer = Observer(Metrics({GROUP: "vip"}, nobody_asks), memory, clock, quiet_history())
        self.link = Link(
            segment, [group], self._host, platform, observer, Keyring(), AdvertSettings(), {str(VIP)}
        )
        self.link.look()

    @property
    def role(self) -> Role:
        return self.link.segment.elections[GROUP].group.role

    def live(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP)):
            self._clock.now += STEP
            self.link.read(self._host.events(100), self._readable())
            self.link.tick(self._clock.now)

    def _readable(self) -> set[int]:
        return set(self.link.open.filenos()) if self.link.open else set()

    def stand_still(self, seconds: float) -> None:
        self._clock.now += seconds
        self.link.read(self._host.events(100), self._readable())
        self.link.stood_still(seconds)
        self.link.tick(self._clock.now)


@pytest.fixture
def life(mac: PlayedMac, guard: PlayedGuard, clock: Clock) -> Iterator[Life]:
    life = Life(mac, guard, clock)
    yield life
    life.link.close()


def test_a_lone_mac_binds_and_renews(life: Life, mac: PlayedMac, guard: PlayedGuard, clock: Clock) -> None:
    life.live(10)
    assert life.role is Role.ACTIVE
    assert mac.held() == [str(VIP)]
    assert 2.4 <= guard.kept[HELD] - clock.now <= 3.0
    assert len(mac.changes()) == 1, "ifconfig ran once: a renewal is a word to the guard"


def test_an_announcement_goes_out_by_bpf(life: Life, mac: PlayedMac) -> None:
    life.live(2)
    mac.wires[0].setblocking(False)
    sent = []
    while True:
        try:
            sent.append(mac.wires[0].recv(200))
        except BlockingIOError:
            break
    assert any(frame[28:32] == frame[38:42] == VIP.packed for frame in sent)


def test_an_address_taken_away_is_repaired(life: Life, mac: PlayedMac) -> None:
    life.live(2)
    mac.run(("/sbin/ifconfig", "en0", "inet", str(VIP), "-alias"))
    life.live(0.1)
    assert mac.held() == [str(VIP)]
    assert life.role is Role.ACTIVE


def test_a_carrier_that_goes_takes_the_address_with_it(life: Life, mac: PlayedMac) -> None:
    life.live(2)
    mac.shown = mac.shown.replace("status: active", "status: inactive")
    mac.events_in.send(kernel_event(12))
    life.live(0.3)
    assert (life.role, mac.held()) == (Role.FAULT, [])


def test_a_stop_releases_and_the_guard_has_nothing_left(
    life: Life, mac: PlayedMac, guard: PlayedGuard
) -> None:
    life.live(2)
    life.link.tell(StopAsked())
    life.live(1.5)
    assert (mac.held(), guard.kept) == ([], {})


def test_after_a_sleep_beyond_the_lease_the_address_goes_before_anything_else(
    life: Life, mac: PlayedMac, guard: PlayedGuard
) -> None:
    life.live(2)
    life.stand_still(3600)
    assert mac.held() == []
    assert life.role is Role.BACKUP
    assert guard.kept == {}


def test_a_guard_that_cannot_be_had_means_no_renewal_and_the_lease_ends(
    life: Life, mac: PlayedMac, guard: PlayedGuard
) -> None:
    life.live(2)
    guard.gone = True
    life.live(3.1)
    assert mac.held() == []
    assert life.role is not Role.ACTIVE


def test_a_daemon_that_is_started_again_within_the_lease_adopts(
    life: Life, mac: PlayedMac, guard: PlayedGuard, clock: Clock
) -> None:
    life.live(2)
    changes = len(mac.changes())
    clock.now += 1.0  # killed, and restarted by launchd
    again = Life(mac, guard, clock)
    again.live(0.05)
    group = again.link.segment.elections[GROUP].group
    assert group.role is Role.ACTIVE
    assert group.reason is Reason.ADOPTED
    again.live(5)
    assert len(mac.changes()) == changes, "it was never off the interface"
    assert guard.kept[HELD] > clock.now
    again.link.close()
