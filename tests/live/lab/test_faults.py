"""Each verb does what it says, and no more."""

import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from vipservice.lab import faults
from vipservice.lab.clock import wait_until
from vipservice.lab.hosts import Host
from vipservice.lab.lan import Lan

pytestmark = pytest.mark.live

ETH_P_ADVERT = 0x88B5


def has_carrier(host: Host) -> bool:
    return "NO-CARRIER" not in host.run(("ip", "link", "show", "eth0"))


def reaches(lan: Lan, sender: str, receiver: str) -> bool:
    """Whether a datagram gets across (the neighbours know each other: ARP goes both ways)."""
    with ExitStack() as stack:
        there = stack.enter_context(lan.node(receiver).in_network(lambda: udp_socket(61111)))
        here = stack.enter_context(lan.node(sender).in_network(lambda: udp_socket(0)))
        for _ in range(3):
            try:
                here.sendto(b"advert", (str(lan.address_of(receiver)), 61111))
            except PermissionError:
                return False
            try:
                return there.recv(64) == b"advert"
            except TimeoutError:
                continue
    return False


def udp_socket(port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("0.0.0.0", port))
    opened.settimeout(0.1)
    return opened


def raw_reaches(lan: Lan, sender: str, receiver: str) -> bool:
    with (
        lan.node(receiver).in_network(raw_socket) as there,
        lan.node(sender).in_network(raw_socket) as here,
    ):
        mac = bytes.fromhex(lan.node(sender).plan.mac.replace(":", ""))
        here.send(b"\xff" * 6 + mac + ETH_P_ADVERT.to_bytes(2, "big") + b"advert".ljust(46, b"\0"))
        try:
            return there.recv(128)[14:20] == b"advert"
        except TimeoutError:
            return False


def raw_socket() -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ADVERT))
    opened.bind(("eth0", ETH_P_ADVERT))
    opened.settimeout(0.2)
    return opened


def test_a_cut_cable_takes_the_carrier_away_and_a_heal_brings_it_back(lan: Lan) -> None:
    assert reaches(lan, "a", "b")
    lan.cut("a")
    wait_until(lambda: not has_carrier(lan.node("a")), 2, "carrier lost")
    assert has_carrier(lan.node("b"))
    assert not reaches(lan, "b", "a")
    assert reaches(lan, "b", "c")
    lan.heal("a")
    wait_until(lambda: has_carrier(lan.node("a")), 2, "carrier back")
    assert reaches(lan, "a", "b")


def test_a_cut_upstream_leaves_the_carrier(lan: Lan) -> None:
    lan.cut_upstream("a")
    assert not reaches(lan, "a", "b")
    assert not raw_reaches(lan, "a", "b")
    assert has_carrier(lan.node("a"))
    lan.heal()
    assert raw_reaches(lan, "a", "b")
    # ARP has asked in vain: it tries again after a second.
    wait_until(lambda: reaches(lan, "a", "b"), 5, "a knows b again")


def test_the_sides_of_a_split_go_on_by_themselves(lan: Lan) -> None:
    lan.split(("client", "a"), ("b", "c"))
    assert reaches(lan, "b", "c")
    assert reaches(lan, "a", "client")
    assert not reaches(lan, "a", "b")
    assert has_carrier(lan.node("b"))
    lan.heal()
    assert raw_reaches(lan, "a", "b")
    # ARP has asked in vain: it tries again after a second.
    wait_until(lambda: reaches(lan, "a", "b"), 5, "a knows b again")


@pytest.mark.parametrize(
    ("direction", "passing_out", "passing_in"),
    [("out", False, True), ("in", True, False), ("both", False, False)],
)
def test_blocked_adverts_are_blocked_in_their_direction(
    lan: Lan, direction: faults.Direction, passing_out: bool, passing_in: bool
) -> None:
    lan.drop_adverts("a", direction=direction, raw=True)
    # Replies and requests alike carry the port on one side, so the plain way is asked: to port 61111.
    assert raw_reaches(lan, "a", "b") is passing_out
    assert raw_reaches(lan, "b", "a") is passing_in
    assert reaches(lan, "a", "b") is passing_out
    assert reaches(lan, "b", "a") is passing_in
    assert reaches(lan, "b", "c")
    lan.restore_adverts()
    assert reaches(lan, "a", "b")
    assert reaches(lan, "b", "a")
    assert raw_reaches(lan, "a", "b")


def test_a_host_firewall_alone_lets_raw_adverts_and_echoes_pass(lan: Lan) -> None:
    lan.drop_adverts("a")
    assert not reaches(lan, "b", "a")
    assert raw_reaches(lan, "a", "b")
    lan.ping(lan.address_of("a")).wait_for_answer(1)


def test_echoes_can_be_blocked_too(lan: Lan) -> None:
    pings = lan.ping(lan.address_of("a"))
    pings.wait_for_answer(1)
    block = lan.drop_adverts("a", icmp=True)
    time.sleep(0.1)
    assert pings.first_answer(block.done + 0.01) is None
    lan.restore_adverts("a")
    pings.wait_for_answer(1)


def test_a_one_way_drop_is_one_way(lan: Lan) -> None:
    lan.drop_one_way("a", "b")
    assert not raw_reaches(lan, "a", "b")
    assert raw_reaches(lan, "b", "a")
    assert raw_reaches(lan, "a", "c")
    lan.restore_way("a", "b")
    assert raw_reaches(lan, "a", "b")


def test_filters_fall_with_their_host_s_power_where_they_are_its_own(lan: Lan) -> None:
    lan.drop_adverts("a")
    lan.power_off("a")
    assert "a" not in lan.hosts
    lan.power_on("a")
    assert lan.node("a").plan.mac == "02:76:69:70:00:0b"
    assert reaches(lan, "b", "a")


def test_deleting_an_address_that_is_not_there_is_an_error(lan: Lan, vip: IPv4Address) -> None:
    with pytest.raises(KeyError):
        lan.delete_address("a", vip)


def test_a_hung_process_stands_still_and_goes_on(lan: Lan) -> None:
    process = lan.node("a").spawn(("sleep", "300"))
    with faults.hung(process):
        wait_until(lambda: state_of(process) == "T", 2, "stopped")
    wait_until(lambda: state_of(process) == "S", 2, "going on")
    faults.kill(process)
    assert process.wait(2) == -9


def state_of(process: subprocess.Popen[bytes]) -> str:
    return Path(f"/proc/{process.pid}/stat").read_text().rsplit(") ", 1)[1][0]


@pytest.mark.parametrize("snooping", [False, True])
def test_the_bridge_snoops_multicast_only_when_asked_to(snooping: bool) -> None:
    with Lan(("a",), multicast_snooping=snooping) as lan:
        shown = lan._hub.run(("ip", "-d", "link", "show", "lan"))
    assert f"mcast_snooping {int(snooping)}" in shown


def test_cables_are_cut_and_mended_within_milliseconds(lan: Lan) -> None:
    def median(do: Callable[[], faults.Fault], undo: Callable[[], faults.Fault]) -> float:
        took = []
        for _ in range(9):
            fault = do()
            took.append(fault.done - fault.began)
            undo()
        return sorted(took)[4]

    assert median(lambda: lan.cut("a"), lambda: lan.heal("a")) < 0.01
    assert median(lambda: lan.cut_upstream("a"), lambda: lan.heal("a")) < 0.01
