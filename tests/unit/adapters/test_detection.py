"""What psutil sees, as the configuration wants it."""

import socket
from collections import namedtuple
from ipaddress import IPv4Interface
from typing import Any

import psutil
import pytest

from vipservice.adapters.detection import detect_interfaces

Address = namedtuple("Address", "family address netmask")
Statistics = namedtuple("Statistics", "isup flags")


def machine(monkeypatch: pytest.MonkeyPatch, addresses: dict[str, Any], statistics: dict[str, Any]) -> None:
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: addresses)
    monkeypatch.setattr(psutil, "net_if_stats", lambda: statistics)


def test_ipv4_addresses_come_with_their_subnets_and_the_kernels_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine(
        monkeypatch,
        {
            "lo": [Address(socket.AF_INET, "127.0.0.1", "255.0.0.0")],
            "eth1": [
                Address(socket.AF_INET, "10.0.0.1", "255.255.255.0"),
                Address(socket.AF_INET6, "fe80::1", "f"),
            ],
        },
        {
            "eth0": Statistics(False, "broadcast"),
            "eth1": Statistics(True, "up"),
            "lo": Statistics(True, "up,loopback"),
        },
    )
    lo, eth1, eth0 = detect_interfaces()
    assert (lo.name, lo.loopback) == ("lo", True)
    assert (eth1.name, eth1.loopback, eth1.up) == ("eth1", False, True)
    assert eth1.addresses == (IPv4Interface("10.0.0.1/24"),)
    assert (eth0.name, eth0.up, eth0.addresses) == ("eth0", False, ())


def test_a_labelled_address_belongs_to_its_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = {
        "eth0": [Address(socket.AF_INET, "10.0.0.1", "255.255.255.0")],
        "eth0:1": [Address(socket.AF_INET, "10.0.0.2", None)],
    }
    machine(monkeypatch, addresses, {"eth0": Statistics(True, "up")})
    [eth0] = detect_interfaces()
    assert eth0.addresses == (IPv4Interface("10.0.0.1/24"), IPv4Interface("10.0.0.2/32"))


def test_this_machine_has_a_loopback_interface() -> None:
    assert any(seen.loopback and seen.up for seen in detect_interfaces())
