"""The drop-ins of examples/systemd do what they say under a booted systemd."""

import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from vipservice.lab.booted.machine import CONFIGURED, UNIT, Machine
from vipservice.lab.booted.pair import ADDRESS, CONFIGURATION, Pair
from vipservice.lab.clock import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

EXAMPLES = Path("examples/systemd")
WITHIN = 10.0
SERVICE = "haproxy.service"
RUNNING = "[Service]\nExecStart=/bin/sleep infinity\n"
"""What stands in for the real one."""


def take(machine: Machine, name: str, unit: str = UNIT) -> None:
    """Put the example where its first line says."""
    text = (EXAMPLES / name).read_text()
    path = f"/etc/systemd/system/{unit}.d/{name}"
    assert text.startswith(f"# {path}\n")
    machine.write(path, text)


def check(machine: Machine) -> dict[str, Any]:
    """The only check of the only group."""
    found: dict[str, Any] = json.loads(machine.run("vipservice", "status", "--json"))["groups"][0]["checks"][
        0
    ]
    return found


def test_a_service_takes_the_address_along_and_brings_it_back(pair: Pair) -> None:
    active, standby = pair.active, pair.standby
    active.write(f"/run/systemd/system/{SERVICE}", RUNNING)
    active.run("systemctl", "daemon-reload")
    active.run("systemctl", "start", SERVICE)
    take(active, "tied-to-haproxy.conf")
    take(active, "haproxy-brings-it.conf", SERVICE)
    active.run("systemctl", "daemon-reload")
    try:
        active.run("systemctl", "stop", SERVICE)
        wait_until(lambda: pair.lan.owners(ADDRESS) == {standby.name}, WITHIN, "the address has moved")
        wait_until(lambda: active.show("ActiveState") == "inactive", WITHIN, "vipservice has stopped")
        active.run("systemctl", "start", SERVICE)
        wait_until(lambda: active.show("ActiveState") == "active", WITHIN, "vipservice runs again")
    finally:
        active.run("rm", "-rf", f"/run/systemd/system/{SERVICE}", f"/etc/systemd/system/{SERVICE}.d")


def test_a_key_that_only_root_can_read_signs_the_adverts(pair: Pair) -> None:
    key = secrets.token_hex(32)
    for machine in pair.machines.values():
        machine.write("/etc/credstore/advert.key", key)
        machine.run("chmod", "0600", "/etc/credstore/advert.key")
        take(machine, "key.conf")
        machine.run("systemctl", "daemon-reload")
        machine.write(CONFIGURED, CONFIGURATION + "adverts: {keys: [{id: 1, file: advert.key}]}\n")
        machine.run("vipservice", "check")
    for machine in (pair.standby, pair.active):
        machine.run("systemctl", "restart", UNIT)
    try:
        pair.settle()
        for machine in pair.machines.values():
            assert '"unauthenticated"' not in machine.run("vipservice", "status", "--json")
    finally:
        for machine in pair.machines.values():
            machine.run("rm", "-f", "/etc/credstore/advert.key")


def test_a_process_of_another_user_can_be_checked_where_the_unit_shows_it(active: Machine) -> None:
    checked = CONFIGURATION.replace("}", ", checks: [{process: systemd, interval: 200ms}]}")
    active.write(CONFIGURED, checked)
    active.run("systemctl", "reload", UNIT)
    wait_until(lambda: "hides" in check(active)["detail"], WITHIN, "it says that it cannot see")
    assert check(active)["state"] == "unknown"
    take(active, "process-checks.conf")
    active.run("systemctl", "daemon-reload")
    active.run("systemctl", "restart", UNIT)
    wait_until(lambda: check(active)["state"] == "passing", WITHIN, "it sees it")
