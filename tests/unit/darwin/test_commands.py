"""What ifconfig and route are told, and what they answer; where that comes from: recordings/README.md."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.darwin.conftest import RECORDINGS, VIP
from vipservice.adapters.darwin import commands

VIP6 = IPv6Address("2001:db8::234")


def recorded(name: str) -> str:
    return (RECORDINGS / f"{name}.txt").read_text()


def test_an_alias_has_the_mask_of_a_host() -> None:
    words = "/sbin/ifconfig en0 inet 192.0.2.234 netmask 255.255.255.255 alias"
    assert " ".join(commands.bind("en0", VIP, 3)) == words


def test_ipv6_has_a_lease_of_the_kernels_own() -> None:
    words = "/sbin/ifconfig en0 inet6 2001:db8::234 prefixlen 128 alias vltime 3 pltime 0"
    assert " ".join(commands.bind("en0", VIP6, 3)) == words


def test_an_alias_is_taken_off_by_its_address() -> None:
    assert " ".join(commands.release("en0", VIP)) == "/sbin/ifconfig en0 inet 192.0.2.234 -alias"
    assert " ".join(commands.release("en0", VIP6)) == "/sbin/ifconfig en0 inet6 2001:db8::234 -alias"


def test_the_guard_takes_off_exactly_what_the_daemon_would() -> None:
    filled = tuple(word.format(interface="en0", address=VIP) for word in commands.REMOVE_IPV4)
    assert filled == commands.release("en0", VIP)


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("ifconfig-10.10", {"en1", "bridge0"}),
        ("ifconfig-10.14", {"ap1"}),
        ("ifconfig-12", {"ap1", "en5"}),
    ],
)
def test_interfaces_without_carrier_are_told_from_those_without_media(name: str, lost: set[str]) -> None:
    assert commands.without_carrier(recorded(name)) == lost


def test_an_interface_that_loses_its_carrier_is_seen_to() -> None:
    shown = recorded("ifconfig-12").replace("status: active", "status: inactive")
    assert "en0" in commands.without_carrier(shown)


@pytest.mark.parametrize("name", ["route-get-10.15", "route-get-13"])
def test_the_gateway_of_the_interface_is_found(name: str) -> None:
    assert commands.gateway(recorded(name), "en0") == IPv4Address("192.0.2.1")


@pytest.mark.parametrize("interface", ["en1", "utun0"])
def test_a_route_through_another_interface_or_to_no_address_is_none(interface: str) -> None:
    assert commands.gateway(recorded("route-get-13-tunnel"), interface) is None


def test_no_route_is_no_gateway() -> None:
    assert commands.gateway("", "en0") is None  # "route: writing to routing socket: not in table", on stderr


@given(st.text())
def test_any_text_is_borne(text: str) -> None:
    assert isinstance(commands.without_carrier(text), frozenset)
    commands.gateway(text, "en0")
