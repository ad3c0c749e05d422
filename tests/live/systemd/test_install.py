"""Installing on a booted systemd and taking it away again, by the commands alone."""

from collections.abc import Iterator

import pytest

from vipservice.lab.booted.layer import COMMAND
from vipservice.lab.booted.machine import CONFIGURED, UNIT, Machine
from vipservice.lab.booted.pair import ADDRESS, CONFIGURATION
from vipservice.lab.clock import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

FILES = (f"/etc/systemd/system/{UNIT}", "/etc/sysusers.d/vipservice.conf", "/usr/local/bin/vipservice")


@pytest.fixture
def bare(lone: Machine) -> Iterator[Machine]:
    """The machine before an installation."""
    yield lone
    lone.run(COMMAND, "uninstall", "--purge")


@pytest.fixture
def machine(bare: Machine) -> Machine:
    """A machine on which our service is installed and configured, and nobody has started it yet."""
    bare.run(COMMAND, "install")
    bare.write(CONFIGURED, CONFIGURATION)
    return bare


def there(machine: Machine, path: object) -> bool:
    return machine.try_running("test", "-e", str(path)).returncode == 0


def has_address(machine: Machine) -> bool:
    return f"inet {ADDRESS}/" in machine.host.run(("ip", "address", "show", "eth0"))


def test_an_installed_service_starts_and_binds_nothing_until_it_is_told_to(bare: Machine) -> None:
    assert "enable --now" in bare.run(COMMAND, "install")
    bare.run("systemctl", "enable", "--now", UNIT)
    assert bare.show("ActiveState") == "active"
    assert bare.show("StatusText") == "no floating address is enabled"
    assert bare.run("stat", "-c", "%U:%G %a", str(CONFIGURED)).strip() == "root:vipservice 640"
    assert "vipservice 0." in bare.run("vipservice", "version")


def test_a_second_installation_changes_nothing_and_leaves_the_configuration_alone(machine: Machine) -> None:
    assert machine.run(COMMAND, "install").strip() == "Everything is in place."
    assert machine.run("cat", str(CONFIGURED)) == CONFIGURATION


def test_a_dry_run_writes_nothing(bare: Machine) -> None:
    said = bare.run(COMMAND, "install", "--dry-run")
    assert "would write /etc/systemd/system/vipservice.service" in said
    assert not any(there(bare, path) for path in (*FILES, CONFIGURED))


def test_uninstalling_releases_the_address_and_keeps_what_is_the_admins(machine: Machine) -> None:
    machine.run("systemctl", "enable", "--now", UNIT)
    wait_until(lambda: has_address(machine), 5, "the address bound")
    assert "--purge" in machine.run(COMMAND, "uninstall")
    assert not has_address(machine)
    assert machine.show("LoadState") == "not-found"
    assert not any(there(machine, path) for path in FILES)
    assert there(machine, CONFIGURED)
    machine.run(COMMAND, "uninstall", "--purge")
    assert not there(machine, CONFIGURED)
    assert machine.run(COMMAND, "uninstall").strip().startswith("Nothing")


def test_a_program_that_the_service_could_not_see_is_not_installed(bare: Machine) -> None:
    bare.run("cp", "-a", "/opt/vipservice", "/root/vipservice")
    refused = bare.try_running("/root/vipservice/bin/python", "-m", "vipservice", "install")
    assert refused.returncode == 78
    assert "its unit hides /root" in refused.stderr
    assert "/opt/vipservice" in refused.stderr
