"""systemd-networkd on a booted machine: has its link, with the machine's own address, for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from vipservice.lab.booted.machine import Machine
from vipservice.lab.booted.pair import Pair
from vipservice.lab.clock import wait_until

SERVICE = "systemd-networkd.service"
FILE = "/run/systemd/network/eth0.network"
NETWORK = """\
[Match]
Name=eth0
[Network]
Address={address}
LinkLocalAddressing=no
"""
CONFIGURED_WITHIN = 10.0


@contextmanager
def managing(pair: Pair, machine: Machine) -> Iterator[Machine]:
    """Let it have the link of this machine; the address is where it was when that is done."""
    machine.write(FILE, NETWORK.format(address=machine.host.plan.address))
    machine.run("systemctl", "start", SERVICE)
    try:
        wait_until_configured(machine)
        pair.settle()
        yield machine
    finally:
        machine.run("systemctl", "stop", "systemd-networkd.socket", SERVICE)
        machine.run("rm", FILE)


def restart(machine: Machine) -> None:
    """Restart it, and wait until it has the link again."""
    machine.run("systemctl", "restart", SERVICE)
    wait_until_configured(machine)


def reconfigure(machine: Machine) -> None:
    """Let it configure the link anew; systemd 252 takes every address off it first."""
    machine.run("networkctl", "reconfigure", "eth0")
    wait_until_configured(machine)


def wait_until_configured(machine: Machine) -> None:
    """Wait until it says that the link is configured."""
    wait_until(lambda: "configured" in _said(machine), CONFIGURED_WITHIN, "networkd has configured the link")


def _said(machine: Machine) -> list[str]:
    return machine.run("networkctl", "list", "--no-legend", "eth0").split()
