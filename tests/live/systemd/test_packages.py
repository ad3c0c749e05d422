"""The .deb and the .rpm of scripts/packages, installed, run, upgraded and taken away on booted machines."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from vipservice.lab.booted.layer import TOP
from vipservice.lab.booted.machine import CONFIGURED, UNIT, Machine
from vipservice.lab.booted.pair import ADDRESS, CONFIGURATION, Pair
from vipservice.lab.clock import now

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

COMPLETE = """\
. /usr/share/bash-completion/bash_completion
. /usr/share/bash-completion/completions/vipservice
COMP_WORDS=(vipservice hand) COMP_CWORD=1 COMP_LINE='vipservice hand' COMP_POINT=15
declare -F _shtab_vipservice >/dev/null && _shtab_vipservice vipservice hand vipservice
echo "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A layer with both in /packages."""
    top = tmp_path_factory.mktemp("packages")
    top.chmod(0o755)
    subprocess.run((TOP / "scripts/packages", top / "packages"), check=True, timeout=120, capture_output=True)
    return top


@pytest.fixture(scope="module")
def packaged(packages: Path) -> Iterator[Pair]:
    """Two machines on which dpkg has put the service."""
    with Pair(packages, install) as pair:
        pair.settle()
        yield pair


def install(machine: Machine) -> None:
    machine.run("sh", "-c", "dpkg -i /packages/*.deb")
    assert machine.try_running("systemctl", "is-enabled", UNIT).stdout.strip() == "disabled"
    assert machine.show("ActiveState") == "inactive"


def there(machine: Machine, path: object) -> bool:
    return (machine.root / str(path).lstrip("/")).exists()


def test_the_deb_serves_with_the_modules_of_the_distribution(packaged: Pair) -> None:
    active = packaged.active
    assert active.run("stat", "-c", "%U:%G %a", str(CONFIGURED)).strip() == "root:vipservice 640"
    assert active.show("FragmentPath").endswith("/lib/systemd/system/vipservice.service")
    assert list((active.root / "usr/lib/vipservice/vipservice/__pycache__").glob("*.pyc"))
    assert "prometheus_client" not in {path.name for path in (active.root / "usr/lib/vipservice").iterdir()}


def test_bash_completes_the_commands(packaged: Pair) -> None:
    assert packaged.active.run("bash", "-c", COMPLETE).split() == ["handover"]


def test_an_upgrade_of_the_package_loses_no_ping_and_keeps_the_configuration(packaged: Pair) -> None:
    active, since = packaged.active, now()
    process = active.show("MainPID")
    active.run("sh", "-c", "dpkg -i /packages/*.deb")
    seen, owned = packaged.seen(since), packaged.lan.owned(ADDRESS, since)
    assert (owned.none, owned.several, owned.moves) == (0, 0, 0), owned
    assert seen.nothing_lost, seen
    assert active.show("MainPID") == process
    assert "upgrade" in active.journal()
    assert active.run("cat", str(CONFIGURED)) == CONFIGURATION


def test_installing_beside_the_package_is_refused(packaged: Pair) -> None:
    refused = packaged.active.try_running("vipservice", "install")
    assert refused.returncode == os.EX_CANTCREAT
    assert "a package has installed vipservice here: /usr/lib/systemd/system/" in refused.stderr


def test_removal_hands_over_and_only_purge_takes_the_configuration(packaged: Pair) -> None:
    active, other = packaged.active, packaged.standby
    active.run("dpkg", "-r", "vipservice")
    assert packaged.lan.owners(ADDRESS) == {other.name}
    assert not there(active, "/usr/lib/vipservice")
    assert there(active, CONFIGURED)
    active.run("dpkg", "-P", "vipservice")
    assert not there(active, CONFIGURED.parent)
    rpm_runs_there_too(active)


def rpm_runs_there_too(machine: Machine) -> None:
    """Debian's rpm knows none of its packages; the scripts run all the same."""
    if shutil.which("rpm") is None:
        return
    machine.run("sh", "-c", "rpm -i --nodeps /packages/*.rpm")
    machine.write(CONFIGURED, CONFIGURATION)
    machine.run("systemctl", "start", UNIT)
    assert machine.show("SubState") == "running"
    machine.run("rpm", "-e", "vipservice")
    assert not there(machine, "/usr/lib/vipservice/vipservice")
    assert machine.show("ActiveState") == "inactive"
