"""Adverts by UDP over a real cable, in both directions and by both paths."""

import errno
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from ipaddress import IPv4Address, IPv6Address

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from tests.live.adapters.conftest import Cable, Node, gather
from vipservice.adapters.linux.host import LinuxHost
from vipservice.adapters.linux.udp import LinuxAdvertSockets
from vipservice.core.messages import Path
from vipservice.core.values import Address
from vipservice.runtime.ports import HostError

pytestmark = pytest.mark.live

GROUP = IPv4Address("224.0.0.254")
PORT = 61111
SOL_SOCKET, SO_BINDTODEVICE = socket.SOL_SOCKET, socket.SO_BINDTODEVICE

Opener = Callable[[Node], LinuxAdvertSockets]
Received = list[tuple[bytes, Path]]


@pytest.fixture
def opened(closing: Callable[[LinuxAdvertSockets], LinuxAdvertSockets]) -> Opener:
    def open_on(node: Node) -> LinuxAdvertSockets:
        interface = node.interface()
        return closing(node.run(lambda: LinuxAdvertSockets(interface, node.address, GROUP, PORT)))

    return open_on


def heard(sockets: LinuxAdvertSockets, enough: Callable[[Received], bool]) -> Received:
    return gather(list(sockets.filenos()), lambda: list(sockets.receive(50)), enough)


@pytest.fixture
def tap(cable: Cable, closing: Callable[[socket.socket], socket.socket]) -> socket.socket:
    """Everything that reaches the right node, byte for byte."""

    def open_tap() -> socket.socket:
        tapped = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
        tapped.bind(("lan0", 0x0003))
        tapped.setblocking(False)
        return tapped

    return closing(cable.right.run(open_tap))


def udp_frames(tap: socket.socket, wanted: int) -> list[Ether]:
    def read() -> list[Ether]:
        try:
            frame = Ether(tap.recv(65535))
        except BlockingIOError:
            return []
        return [frame] if UDP in frame and frame[UDP].dport == PORT else []

    return gather([tap.fileno()], read, lambda found: len(found) >= wanted)


def test_both_paths_work_in_both_directions_and_nobody_hears_himself(cable: Cable, opened: Opener) -> None:
    left, right = opened(cable.left), opened(cable.right)
    left.send_multicast(b"left to all")
    left.send_unicast(b"left to right", cable.right.address)
    right.send_multicast(b"right to all")
    right.send_unicast(b"right to left", cable.left.address)
    assert sorted(heard(right, lambda found: len(found) >= 2), key=str) == [
        (b"left to all", Path.MULTICAST),
        (b"left to right", Path.UNICAST),
    ]
    assert sorted(heard(left, lambda found: len(found) >= 2), key=str) == [
        (b"right to all", Path.MULTICAST),
        (b"right to left", Path.UNICAST),
    ]
    assert left.rejected_ttl == right.rejected_ttl == 0


def test_the_headers_are_what_was_meant_and_a_floating_address_is_never_the_source(
    cable: Cable, opened: Opener, tap: socket.socket
) -> None:
    interface = cable.left.interface()
    host = cable.left.run(LinuxHost)
    host.ensure_bound(interface.index, IPv4Address("10.77.0.234"), 32, 30)
    host.close()
    left = opened(cable.left)
    left.send_multicast(b"all")
    left.send_unicast(b"one", cable.right.address)
    frames = udp_frames(tap, 2)
    assert [(frame[IP].src, frame[IP].dst) for frame in frames] == [
        ("10.77.0.1", "224.0.0.254"),
        ("10.77.0.1", "10.77.0.2"),
    ]
    assert {(frame[IP].ttl, frame[IP].tos, frame[UDP].sport) for frame in frames} == {(255, 0xC0, PORT)}
    assert frames[0].dst == "01:00:5e:00:00:fe"
    assert all(frame.src == cable.left.mac.hex(":") for frame in frames)


def test_a_ttl_of_254_is_refused_and_counted_on_both_paths(cable: Cable, opened: Opener) -> None:
    right = opened(cable.right)

    def send_with(ttl: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, b"lan0")
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
            for destination in (str(GROUP), str(cable.right.address)):
                sender.sendto(b"ttl %d" % ttl, (destination, PORT))

    for ttl in (254, 1, 255):
        cable.left.run(partial(send_with, ttl))
    assert sorted(heard(right, lambda found: len(found) >= 2), key=str) == [
        (b"ttl 255", Path.MULTICAST),
        (b"ttl 255", Path.UNICAST),
    ]
    assert right.rejected_ttl == 4


def test_an_advert_larger_than_the_mtu_arrives_in_fragments(cable: Cable, opened: Opener) -> None:
    left, right = opened(cable.left), opened(cable.right)
    left.send_multicast(b"z" * 4000)
    assert heard(right, bool) == [(b"z" * 4000, Path.MULTICAST)]


def test_a_datagram_larger_than_any_advert_is_counted_and_dropped(cable: Cable, opened: Opener) -> None:
    left, right = opened(cable.left), opened(cable.right)
    left.send_unicast(b"z" * 20000, cable.right.address)
    left.send_unicast(b"end", cable.right.address)
    assert heard(right, bool) == [(b"end", Path.UNICAST)]
    assert (right.rejected_size, right.rejected_ttl) == (1, 0)


def test_the_limit_holds_and_a_flood_on_one_path_leaves_room_for_the_other(
    cable: Cable, opened: Opener, tap: socket.socket
) -> None:
    left, right = opened(cable.left), opened(cable.right)
    for _ in range(50):
        left.send_unicast(b"flood", cable.right.address)
    left.send_multicast(b"advert")
    udp_frames(tap, 51)
    first = right.receive(10)
    assert first == [(b"flood", Path.UNICAST)] * 5 + [(b"advert", Path.MULTICAST)]
    assert len(right.receive(10)) == 5


def test_a_packet_filter_that_drops_adverts_is_an_error_of_sending(cable: Cable, opened: Opener) -> None:
    left = opened(cable.left)
    rules = f"table ip t {{ chain c {{ type filter hook output priority 0; udp dport {PORT} drop; }}; }}"
    cable.left.command("nft", rules)
    with pytest.raises(HostError) as caught:
        left.send_unicast(b"lost", cable.right.address)
    assert (caught.value.errno, caught.value.problem) == (errno.EPERM, "Operation not permitted")


def test_what_the_kernel_refuses_to_send_is_an_error_in_its_words(cable: Cable, opened: Opener) -> None:
    left = opened(cable.left)
    cable.left.ip("link", "set", "lan0", "down")
    with pytest.raises(HostError, match=r"sending an advert to 224\.0\.0\.254 on lan0: ") as caught:
        left.send_multicast(b"lost")
    assert caught.value.errno in (errno.ENETUNREACH, errno.ENETDOWN)
    with pytest.raises(HostError, match=r"sending an advert to 10\.77\.0\.2 on lan0: "):
        left.send_unicast(b"lost", cable.right.address)
    assert left.receive(10) == []


def test_the_sockets_outlive_a_link_that_goes_down_and_up(cable: Cable, opened: Opener) -> None:
    left, right = opened(cable.left), opened(cable.right)
    for state in ("down", "up"):
        cable.left.ip("link", "set", "lan0", state)
        cable.right.ip("link", "set", "lan0", state)
    found: Received = []
    for _ in range(200):
        with suppress(HostError):
            left.send_multicast(b"back")
        select.select(list(right.filenos()), [], [], 0.02)
        found += right.receive(50)
        if found:
            break
    assert (b"back", Path.MULTICAST) in found


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        (IPv4Address("10.77.0.77"), errno.EADDRNOTAVAIL),
        (IPv6Address("fd00::1"), errno.EAFNOSUPPORT),
    ],
)
def test_an_address_that_is_not_here_or_not_ipv4_is_refused(cable: Cable, own: Address, problem: int) -> None:
    interface = cable.left.interface()
    with pytest.raises(HostError) as caught:
        cable.left.run(lambda: LinuxAdvertSockets(interface, own, GROUP, PORT))
    assert caught.value.errno == problem


def test_a_second_daemon_on_the_same_port_is_refused(cable: Cable, opened: Opener) -> None:
    opened(cable.left)
    with pytest.raises(HostError, match="opening UDP port 61111") as caught:
        opened(cable.left)
    assert caught.value.errno == errno.EADDRINUSE


def test_in_a_flood_known_senders_pass_and_of_strangers_about_one_in_64(cable: Cable, opened: Opener) -> None:
    left, right = opened(cable.left), opened(cable.right)
    right.thin(frozenset({cable.left.mac}))
    for number in range(100):
        left.send_unicast(b"%d" % number, cable.right.address)
        left.send_multicast(b"%d" % number)
    assert len(heard(right, lambda found: len(found) >= 200)) == 200
    right.thin(frozenset())
    few: Received = []
    for _ in range(20):
        for number in range(100):
            left.send_unicast(b"%d" % number, cable.right.address)
        few += right.receive(100)
    assert 5 < len(few) < 80  # 31 of 2000; five standard deviations are 28
    right.thin(None)
    left.send_unicast(b"end", cable.right.address)
    assert heard(right, bool) == [(b"end", Path.UNICAST)]
