"""Addresses and links of a played Mac, and what the guard is told of them."""

import errno
import socket

import pytest

from tests.unit.darwin.conftest import (
    EN0,
    INDEX,
    OWN,
    VIP,
    Clock,
    PlayedGuard,
    PlayedMac,
    address_message,
    kernel_event,
    link_message,
)
from tests.unit.darwin.test_commands import VIP6
from vipservice.adapters.darwin.host import DarwinHost
from vipservice.adapters.guard.messages import Held
from vipservice.runtime.ports import (
    AddressGone,
    AddressSeen,
    EventsLost,
    HostAddress,
    HostError,
    LinkGone,
    LinkSeen,
)

HELD = Held("en0", str(VIP))


def test_interfaces_are_read_with_their_addresses_and_carriers(host: DarwinHost, mac: PlayedMac) -> None:
    loopback, en0 = host.interfaces()
    assert loopback.loopback
    assert en0 == EN0
    mac.shown = mac.shown.replace("status: active", "status: inactive")
    assert [one.up for one in host.interfaces()] == [True, False]


def test_the_gateway_is_that_of_the_interface(host: DarwinHost) -> None:
    assert str(host.gateway("en0")) == "192.0.2.1"


def test_an_address_is_guarded_before_it_is_bound(
    host: DarwinHost, mac: PlayedMac, guard: PlayedGuard
) -> None:
    guard.gone = True
    with pytest.raises(HostError, match="the guard is gone"):
        host.ensure_bound(INDEX, VIP, 24, 3)
    assert mac.changes() == []
    guard.gone = False
    host.ensure_bound(INDEX, VIP, 24, 3)
    assert guard.kept == {HELD: 103.0}
    assert host.addresses(INDEX)[-1] == HostAddress(VIP, 32, 3.0, ours=True, floating=True)


def test_a_renewal_is_a_word_to_the_guard_and_runs_nothing(
    host: DarwinHost, mac: PlayedMac, guard: PlayedGuard, clock: Clock
) -> None:
    host.ensure_bound(INDEX, VIP, 32, 3)
    clock.now = 100.5
    host.ensure_bound(INDEX, VIP, 32, 3)
    assert guard.kept == {HELD: 103.5}
    assert len(mac.changes()) == 1


def test_a_renewal_binds_again_what_somebody_has_taken_away(host: DarwinHost, mac: PlayedMac) -> None:
    host.ensure_bound(INDEX, VIP, 32, 3)
    mac.run(("/sbin/ifconfig", "en0", "inet", str(VIP), "-alias"))
    host.ensure_bound(INDEX, VIP, 32, 3)
    assert mac.held() == [str(VIP)]


def test_what_ifconfig_refuses_is_an_error_in_its_words_and_stays_guarded(
    host: DarwinHost, mac: PlayedMac, guard: PlayedGuard
) -> None:
    mac.refuses = "ifconfig: ioctl (SIOCAIFADDR): Operation not permitted"
    with pytest.raises(HostError, match="Operation not permitted"):
        host.ensure_bound(INDEX, VIP, 32, 3)
    assert HELD in guard.kept, "it may have been bound all the same"


@pytest.mark.parametrize("lease", [0, -1])
def test_a_lease_that_is_none_is_refused(host: DarwinHost, mac: PlayedMac, lease: int) -> None:
    with pytest.raises(HostError):
        host.ensure_bound(INDEX, VIP, 32, lease)
    assert mac.changes() == []


def test_ipv6_has_the_kernels_own_lease_renewed_by_ifconfig(
    host: DarwinHost, mac: PlayedMac, guard: PlayedGuard
) -> None:
    host.ensure_bound(INDEX, VIP6, 128, 3)
    host.ensure_bound(INDEX, VIP6, 128, 3)
    assert len([one for one in mac.commands if "vltime" in one]) == 2
    assert guard.kept == {}


def test_a_release_is_verified_and_then_the_guard_forgets(
    host: DarwinHost, mac: PlayedMac, guard: PlayedGuard
) -> None:
    host.ensure_bound(INDEX, VIP, 32, 3)
    mac.refuses = "ifconfig: interrupted"
    with pytest.raises(HostError, match="interrupted"):
        host.ensure_absent(INDEX, VIP, 32)
    assert HELD in guard.kept
    mac.refuses = None
    host.ensure_absent(INDEX, VIP, 32)
    assert (mac.held(), guard.kept) == ([], {})
    host.ensure_absent(INDEX, VIP, 32)


def test_a_lease_of_the_daemon_before_is_told_as_what_is_left_of_it(
    host: DarwinHost, mac: PlayedMac, guard: PlayedGuard
) -> None:
    mac.run(("/sbin/ifconfig", "en0", "inet", str(VIP), "netmask", "255.255.255.255", "alias"))
    assert host.addresses(INDEX)[-1].lease_left is None, "nobody guards it: it is somebody's own"
    guard.kept[HELD] = 102.25
    assert host.addresses(INDEX)[-1] == HostAddress(VIP, 32, 2.25, ours=True, floating=True)
    guard.kept[HELD] = 90.0
    assert host.addresses(INDEX)[-1].lease_left == 0.0


def test_what_the_kernel_tells_of_addresses_becomes_events(host: DarwinHost, mac: PlayedMac) -> None:
    host.ensure_bound(INDEX, VIP, 32, 3)
    mac.routes_in.send(address_message(0x0C, "192.0.2.77") + address_message(0x0D, str(OWN)))
    assert host.events(10) == [
        AddressSeen(INDEX, VIP, 32, permanent=False, ours=True),
        AddressSeen(INDEX, VIP - 157, 32, permanent=True, ours=False),
        AddressGone(INDEX, OWN),
    ]
    assert host.events(10) == []


def test_a_limit_leaves_the_rest_for_the_next_round(host: DarwinHost, mac: PlayedMac) -> None:
    mac.routes_in.send(address_message(0x0D, "192.0.2.1") * 5)
    assert [len(host.events(2)) for _ in range(4)] == [2, 2, 1, 0]


def test_a_carrier_that_goes_is_an_event_of_the_link(host: DarwinHost, mac: PlayedMac) -> None:
    mac.shown = mac.shown.replace("status: active", "status: inactive")
    mac.events_in.send(kernel_event(12))
    mac.routes_in.send(link_message() * 3)
    before = len(mac.commands)
    assert host.events(10) == [LinkSeen(INDEX, "en0", EN0.mac, up=False)]
    assert len(mac.commands) == before + 1, "one look for all that was told"


def test_an_interface_that_is_detached_is_gone(host: DarwinHost, mac: PlayedMac) -> None:
    host.interfaces()
    del mac.table[1]
    mac.events_in.send(kernel_event(11))
    assert host.events(10) == [LinkGone(INDEX, "en0")]
    assert host.addresses(INDEX) == []


def test_both_sockets_wake_the_loop(host: DarwinHost) -> None:
    assert len(set(host.filenos())) == 2


class Overrun(socket.socket):
    """A routing socket whose buffer did not hold everything."""

    def recv(self, *_: object) -> bytes:
        raise OSError(errno.ENOBUFS, "No buffer space available")


def test_messages_that_the_kernel_could_not_deliver_are_told_as_lost(
    mac: PlayedMac, guard: PlayedGuard, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Overrun() as overrun:
        monkeypatch.setattr(mac, "route_events", lambda: overrun)
        assert EventsLost() in DarwinHost(mac, guard, clock).events(10)
