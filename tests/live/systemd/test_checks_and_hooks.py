"""Checks and hooks under a booted systemd: its signals, the rights of programs, other users, credentials."""

import json
import re
import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from vipservice.lab.booted.machine import CONFIGURED, UNIT, Machine
from vipservice.lab.booted.pair import ADDRESS, CONFIGURATION, Pair
from vipservice.lab.clock import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

SERVICE = "backend.service"
"""What the address is for: it runs, and does nothing."""

KEY = "/etc/vipservice/advert.key"
AS_SERVICE = ("setpriv", "--reuid", "vipservice", "--regid", "vipservice", "--clear-groups")
SIGNED = "adverts: {keys: [{id: 1, file: advert.key}]}\n"
PROGRAM = "/usr/local/bin/tell"
SCRIPT = f"""\
#!/bin/sh
exec 2>/dev/null
echo user $(id -un), key $(cat {KEY}), $(grep CapPrm /proc/self/status), limits $(cat /etc/hostname)
"""

POLKIT = "/etc/polkit-1/rules.d/50-vipservice.rules"
DOCUMENTATION = Path("docs/hooks.md")
"""Has the rule for polkit."""

WITHIN = 10.0


def group(line: str) -> str:
    """A configuration of which the group has one line more, YAML in flow style."""
    return CONFIGURATION.replace("}", f", {line}}}")


def reload(machine: Machine, configuration: str) -> None:
    machine.write(CONFIGURED, configuration)
    machine.run("systemctl", "reload", UNIT)


def documented_rule() -> str:
    found = re.search(r"```javascript[^\n]*\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def status(machine: Machine) -> dict[str, Any]:
    """Its only group."""
    found: dict[str, Any] = json.loads(machine.run("vipservice", "status", "--json"))["groups"][0]
    return found


def passes(machine: Machine) -> bool:
    return bool(status(machine)["checks"][0]["state"] == "passing")


def hook_ran(machine: Machine) -> dict[str, Any]:
    """How the only hook ran, once it has."""
    wait_until(lambda: bool(status(machine)["hooks"][0]["result"]), WITHIN, "the hook has run")
    ran: dict[str, Any] = status(machine)["hooks"][0]
    return ran


@pytest.fixture
def signed(pair: Pair) -> Iterator[Pair]:
    """Both have a key, which the service's user can read, and a program that tries to."""
    key = secrets.token_hex(32)
    for machine in pair.machines.values():
        machine.write(KEY, key)
        machine.run("chown", "root:vipservice", KEY)
        machine.run("chmod", "0640", KEY)
        machine.write(PROGRAM, SCRIPT)
        machine.run("chmod", "0755", PROGRAM)
        reload(machine, CONFIGURATION + SIGNED)
    assert pair.active.run(*AS_SERVICE, "cat", KEY) == key
    yield pair
    for machine in pair.machines.values():
        machine.run("rm", "-f", KEY, PROGRAM, POLKIT)


def test_a_unit_that_stops_moves_the_address_by_systemds_own_signal(pair: Pair, active: Machine) -> None:
    for machine in pair.machines.values():
        machine.write(f"/run/systemd/system/{SERVICE}", "[Service]\nExecStart=/bin/sleep infinity\n")
        machine.run("systemctl", "daemon-reload")
        machine.run("systemctl", "start", SERVICE)
        # The next try is an hour away: only the signal can tell in time.
        reload(machine, group(f"checks: [{{systemd: {SERVICE}, interval: 1h, fall: 1, rise: 1}}]"))
    for machine in pair.machines.values():
        wait_until(partial(passes, machine), WITHIN, f"{machine.name} is healthy")
    standby = pair.standby
    active.run("systemctl", "stop", SERVICE)
    wait_until(lambda: pair.lan.owners(ADDRESS) == {standby.name}, WITHIN, "the address has moved")
    stopped = f"{SERVICE} is inactive"
    wait_until(lambda: status(active)["checks"][0]["detail"] == stopped, WITHIN, "it says why")
    active.run("systemctl", "start", SERVICE)
    wait_until(partial(passes, active), WITHIN, "it passes again")


def test_programs_have_no_capability_and_cannot_read_the_key_that_their_user_can(signed: Pair) -> None:
    active = signed.active
    reload(active, group(f"hooks: [{{run: [{PROGRAM}]}}]") + SIGNED)
    ran = hook_ran(active)
    assert ran["result"] == "ok", ran
    assert ran["output"] == f"user vipservice, key , CapPrm: {0:016x}, limits node-{active.name}"


def test_a_hook_of_another_user_runs_where_polkit_says_so_and_check_says_where_not(signed: Pair) -> None:
    active = signed.active
    other = group(f"hooks: [{{run: [{PROGRAM}], user: nobody}}]") + SIGNED
    reload(active, other)
    ran = hook_ran(active)
    assert (ran["result"], "uthentication required" in ran["output"]) == ("failed", True), ran
    assert "no rule of polkit lets vipservice start a transient unit" in active.run("vipservice", "check")
    active.write(POLKIT, documented_rule())
    assert "polkit" not in active.run("vipservice", "check")
    reload(active, other.replace("user: nobody", "user: nobody, name: allowed"))
    ran = hook_ran(active)
    assert ran["output"].startswith("user nobody, key , CapPrm"), ran


def test_check_knows_the_credentials_of_the_unit(signed: Pair) -> None:
    active = signed.active
    active.run("sh", "-c", f"mkdir -p /etc/credstore && mv {KEY} /etc/credstore/advert.key")
    assert "advert.key cannot be read" in active.try_running("vipservice", "check").stderr
    active.write(f"/etc/systemd/system/{UNIT}.d/key.conf", "[Service]\nLoadCredential=advert.key\n")
    active.run("systemctl", "daemon-reload")
    said = active.run("vipservice", "check")
    assert f"key 1 is the credential advert.key of {UNIT}, from /etc/credstore/advert.key" in said
    active.run("systemctl", "restart", UNIT)
    active.run("rm", "/etc/credstore/advert.key")
    assert active.show("ActiveState") == "active"
