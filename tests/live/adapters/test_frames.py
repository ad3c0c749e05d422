"""Frames on a real cable: what the kernel's filter passes, with scapy to write and read them."""

import errno
import select
from collections.abc import Callable
from ipaddress import IPv4Address

import pytest
from scapy.layers.l2 import ARP, Dot1Q, Ether

from tests.live.adapters.conftest import Cable, Node, gather
from vipservice.adapters.linux.frames import LinuxNeighbours
from vipservice.core.values import Mac
from vipservice.runtime.ports import HostError

pytestmark = pytest.mark.live

VIP = IPv4Address("10.77.0.234")
STRANGER = "02:00:00:00:00:77"
EVERYBODY = "ff:ff:ff:ff:ff:ff"
OTHER = "02:00:00:00:00:99"
ADVERT = 0x88B5

Open = Callable[[Node], LinuxNeighbours]


@pytest.fixture
def opened(closing: Callable[[LinuxNeighbours], LinuxNeighbours]) -> Open:
    def open_on(node: Node) -> LinuxNeighbours:
        interface = node.interface()
        return closing(node.run(lambda: LinuxNeighbours(interface)))

    return open_on


def arp(sender: str, target: str, to: str = EVERYBODY, operation: int = 1, source: str = STRANGER) -> bytes:
    packet = ARP(op=operation, hwsrc=source, psrc=sender, hwdst="00:00:00:00:00:00", pdst=target)
    return bytes(Ether(dst=to, src=source) / packet)


def advert(payload: bytes, to: str = EVERYBODY) -> bytes:
    return bytes(Ether(dst=to, src=STRANGER, type=ADVERT) / payload)


def last(marker: bytes) -> Callable[[list[bytes]], bool]:
    """Until the marker frame, which was sent after all others, has come."""
    return lambda found: marker in [frame[: len(marker)] for frame in found]


def test_the_filter_passes_what_is_about_our_addresses_or_for_us_and_nothing_else(
    cable: Cable, opened: Open
) -> None:
    hearing, speaking = opened(cable.left), opened(cable.right)
    hearing.listen_for(frozenset({VIP, cable.left.address}))
    us = cable.left.mac.hex(":")
    passing = [
        arp("10.77.0.8", str(VIP)),
        arp("0.0.0.0", str(VIP)),
        arp(str(VIP), "10.77.0.8", operation=2),
        arp(str(VIP), str(VIP), to=OTHER),
        arp("10.77.0.8", "10.77.0.9", to=us, operation=2),
        bytes(
            Ether(dst=EVERYBODY, src=STRANGER) / Dot1Q(vlan=0, prio=6) / ARP(psrc=str(VIP), pdst="10.77.0.8")
        ),
    ]
    marker = arp("10.77.0.88", str(cable.left.address))
    dropped = [
        arp("10.77.0.8", "10.77.0.9"),
        arp("10.77.0.8", "10.77.0.9", to=OTHER),
        arp("10.77.0.235", "10.77.1.234"),
        bytes(Ether(dst=EVERYBODY, src=STRANGER) / Dot1Q(vlan=5) / ARP(psrc=str(VIP), pdst=str(VIP))),
        bytes(Ether(dst=EVERYBODY, src=STRANGER) / ARP(hwlen=4, plen=6, psrc=str(VIP), pdst=str(VIP))),
    ]
    for frame in [*dropped, *passing, *dropped, marker]:
        speaking.send(frame)
    heard = gather(list(hearing.filenos()), lambda: list(hearing.receive_arp(50)), last(marker))
    untagged = [frame if frame[12:14] == b"\x08\x06" else frame[:12] + frame[16:] for frame in passing]
    # The right node's kernel may speak too; only the stranger's frames count.
    assert [frame for frame in heard if frame[6:12] == bytes.fromhex("020000000077")] == [*untagged, marker]
    assert hearing.dropped == 0


def test_we_do_not_hear_ourselves_nor_our_own_kernel(cable: Cable, opened: Open) -> None:
    left, right = opened(cable.left), opened(cable.right)
    for port in (left, right):
        port.listen_for(frozenset({VIP, cable.left.address, cable.right.address}))
    question = arp("10.77.0.1", "10.77.0.2", source=cable.left.mac.hex(":"))
    left.send(question)
    asked = gather(list(right.filenos()), lambda: list(right.receive_arp(50)), bool)
    answered = gather(list(left.filenos()), lambda: list(left.receive_arp(50)), bool)
    assert asked == [question]
    (reply,) = [Ether(frame) for frame in answered]
    assert (reply[ARP].op, reply[ARP].psrc, reply[ARP].hwsrc) == (2, "10.77.0.2", cable.right.mac.hex(":"))
    assert right.receive_arp(50) == []


def test_what_is_for_a_macvlan_interface_on_top_is_not_for_us(cable: Cable, opened: Open) -> None:
    cable.left.ip("link", "add", "link", "lan0", "name", "top0", "type", "macvlan", "mode", "bridge")
    cable.left.ip("link", "set", "top0", "address", OTHER, "up")
    hearing, speaking = opened(cable.left), opened(cable.right)
    hearing.listen_for(frozenset({VIP, cable.left.address}))
    marker = arp("10.77.0.88", str(VIP))
    speaking.send(arp("10.77.0.8", "10.77.0.9", to=OTHER, operation=2))
    speaking.send(arp(str(VIP), "10.77.0.9", to=OTHER, operation=2))
    speaking.send(marker)
    assert gather(list(hearing.filenos()), lambda: list(hearing.receive_arp(50)), last(marker)) == [marker]


def test_exchanging_the_filter_keeps_what_has_come_and_takes_effect_at_once(
    cable: Cable, opened: Open
) -> None:
    hearing, speaking = opened(cable.left), opened(cable.right)
    before, after = arp("10.77.0.8", "10.77.0.51"), arp("10.77.0.8", "10.77.0.52")
    hearing.listen_for(frozenset({IPv4Address("10.77.0.51")}))
    speaking.send(before)
    speaking.send(after)
    select.select(list(hearing.filenos()), [], [], 5)
    hearing.listen_for(frozenset({IPv4Address("10.77.0.52")}))
    speaking.send(before)
    speaking.send(after)
    heard = gather(
        list(hearing.filenos()), lambda: list(hearing.receive_arp(50)), lambda found: len(found) >= 2
    )
    assert heard == [before, after]


def test_no_frame_of_a_watched_address_is_lost_while_the_filter_is_exchanged(
    cable: Cable, opened: Open
) -> None:
    hearing, speaking = opened(cable.left), opened(cable.right)
    watched, unwatched = arp("10.77.0.8", str(VIP)), arp("10.77.0.8", "10.77.0.9")
    heard: list[bytes] = []
    for turn in range(200):
        hearing.listen_for(frozenset({VIP, IPv4Address(turn)}))
        speaking.send(unwatched)
        speaking.send(watched)
        heard += hearing.receive_arp(50)
    heard += gather(
        list(hearing.filenos()), lambda: list(hearing.receive_arp(50)), lambda _: len(heard) >= 200
    )
    assert heard == [watched] * 200


def test_hundreds_of_addresses_are_told_apart(cable: Cable, opened: Open) -> None:
    hearing, speaking = opened(cable.left), opened(cable.right)
    first = int(IPv4Address("10.80.0.0"))
    hearing.listen_for(frozenset(IPv4Address(first + 2 * place) for place in range(900)))
    marker = arp("10.77.0.88", str(IPv4Address(first)))
    for place in range(1800):
        speaking.send(arp("10.77.0.8", str(IPv4Address(first + place))))
        if place % 100 == 0:
            select.select(list(hearing.filenos()), [], [], 0)
    speaking.send(marker)
    heard = gather(list(hearing.filenos()), lambda: list(hearing.receive_arp(2000)), last(marker))
    targets = {int(IPv4Address(frame[38:42])) - first for frame in heard}
    assert all(target % 2 == 0 for target in targets)
    assert len(heard) + hearing.dropped == 901


def test_raw_adverts_come_to_all_or_to_us_and_not_to_others(cable: Cable, opened: Open) -> None:
    hearing, speaking = opened(cable.left), opened(cable.right)
    for frame in (
        advert(b"for another", to=OTHER),
        advert(b"for a group", to="01:00:5e:00:00:fe"),
        advert(b"for us", to=cable.left.mac.hex(":")),
        advert(b"x" * 1400),
        advert(b"for all"),
    ):
        speaking.send(frame)
    heard = gather(
        list(hearing.filenos()), lambda: list(hearing.receive_adverts(50)), lambda found: b"for all" in found
    )
    assert heard == [b"for us", b"x" * 1400, b"for all"]
    assert speaking.receive_adverts(50) == []


def test_no_more_than_the_limit_is_handed_over(cable: Cable, opened: Open) -> None:
    hearing, speaking = opened(cable.left), opened(cable.right)
    for number in range(10):
        speaking.send(advert(b"%d" % number))
    select.select(list(hearing.filenos()), [], [], 5)
    assert hearing.receive_adverts(3) == [b"0", b"1", b"2"]
    assert len(hearing.receive_adverts(50)) == 7
    assert hearing.receive_adverts(50) == []


def test_an_advert_larger_than_any_is_counted_and_dropped(cable: Cable, opened: Open) -> None:
    for node in (cable.left, cable.right):
        node.ip("link", "set", "lan0", "mtu", "20000")
    hearing, speaking = opened(cable.left), opened(cable.right)
    speaking.send(advert(b"y" * 12000))
    speaking.send(advert(b"end"))
    heard = gather(list(hearing.filenos()), lambda: list(hearing.receive_adverts(50)), bool)
    assert heard == [b"end"]
    assert hearing.truncated == 1


def test_a_flood_is_counted_as_dropped_and_costs_bounded_memory(cable: Cable, opened: Open) -> None:
    hearing, speaking = opened(cable.left), opened(cable.right)
    hearing.listen_for(frozenset({VIP}))
    for _ in range(3000):
        speaking.send(arp("10.77.0.8", str(VIP)))
    heard = 0
    while frames := hearing.receive_arp(500):
        heard += len(frames)
    assert heard < 3000
    assert heard + hearing.dropped == 3000
    assert hearing.dropped == 3000 - heard


def test_a_link_that_goes_down_is_an_error_to_send_and_silence_to_receive(cable: Cable, opened: Open) -> None:
    hearing, speaking = opened(cable.left), opened(cable.right)
    hearing.listen_for(frozenset({VIP}))
    cable.left.ip("link", "set", "lan0", "down")
    assert hearing.receive_arp(10) == []
    assert hearing.receive_adverts(10) == []
    with pytest.raises(HostError, match="sending a frame on lan0: ") as caught:
        hearing.send(advert(b"lost"))
    assert caught.value.errno == errno.ENETDOWN
    cable.left.ip("link", "set", "lan0", "up")
    marker = arp("10.77.0.8", str(VIP))
    heard: list[bytes] = []
    for _ in range(100):
        speaking.send(marker)
        select.select(list(hearing.filenos()), [], [], 0.05)
        heard = list(hearing.receive_arp(10))
        if heard:
            break
    assert marker in heard


def test_without_cap_net_raw_opening_is_refused(cable: Cable) -> None:
    interface = cable.left.interface()

    def attempt() -> None:
        LinuxNeighbours(interface)

    with pytest.raises(HostError, match="opening a packet socket on lan0: Operation not permitted") as caught:
        cable.left.run_powerless(attempt)
    assert caught.value.errno == errno.EPERM


def test_another_interface_under_the_old_name_is_refused(cable: Cable) -> None:
    interface = cable.left.interface()
    cable.left.ip("link", "set", "lan0", "down")
    cable.left.ip("link", "set", "lan0", "name", "lan9")
    cable.left.ip("link", "add", "lan0", "type", "veth", "peer", "name", "lan0p")
    with pytest.raises(HostError) as caught:
        cable.left.run(lambda: LinuxNeighbours(interface))
    assert caught.value.errno == errno.ENODEV


def test_in_a_flood_peers_and_answers_to_us_pass_and_of_strangers_about_one_in_64(
    cable: Cable, opened: Open
) -> None:
    hearing, speaking = opened(cable.left), opened(cable.right)
    hearing.listen_for(frozenset({VIP}))
    hearing.thin_arp(frozenset({Mac(bytes.fromhex("020000000099"))}))
    hearing.thin_adverts(frozenset())
    us = cable.left.mac.hex(":")
    passing = [
        arp("10.77.0.8", str(VIP), source=OTHER),
        arp(str(VIP), "0.0.0.0", to=us, operation=2),
    ]
    few: list[bytes] = []
    for _ in range(20):
        for _ in range(100):
            speaking.send(arp("10.77.0.8", str(VIP)))
            speaking.send(advert(b"?"))
        few += [*hearing.receive_arp(200), *hearing.receive_adverts(200)]
    assert 20 < len(few) < 105  # 62 of 4000; five standard deviations are 39
    for frame in passing:
        speaking.send(frame)
    heard = gather(list(hearing.filenos()), lambda: list(hearing.receive_arp(50)), last(passing[-1]))
    assert heard == passing
    hearing.thin_adverts(None)
    speaking.send(advert(b"end"))
    assert gather(list(hearing.filenos()), lambda: list(hearing.receive_adverts(50)), bool)
