"""Unit, clock, scheduling, rights, connections: what files of the host say, and what follows."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.unit.doctor.conftest import VIP, MakePatient, Write, only, well
from vipservice.adapters.linux.survey.host import Account, processor_times, unreadable
from vipservice.cli.diagnosis import placing, rights, service
from vipservice.cli.diagnosis.findings import Severity
from vipservice.config.load import load

UNIT = "etc/systemd/system/vipservice.service"
PACKAGED = Path(__file__).parents[3] / "packaging/systemd/vipservice.service"


def test_our_own_unit_outlives_a_hang(make: MakePatient, write: Write) -> None:
    write(UNIT, PACKAGED.read_text())
    (found,) = service.watchdog(make())
    assert (found.severity, found.what) == (
        Severity.OK,
        "vip: a lease of 3s outlives a hang (WatchdogSec=1s, RestartSec=100ms)",
    )


@pytest.mark.parametrize(
    ("drop_in", "why"),
    [
        ("WatchdogSec=10s", "with WatchdogSec=10s, RestartSec=100ms a hang moves the address"),
        ("RestartSec=5", "with WatchdogSec=1s, RestartSec=5s a hang moves the address"),
        ("WatchdogSec=0", "a daemon that hangs is not restarted"),
        ("Restart=no", "a daemon that crashes stays away"),
    ],
)
def test_a_drop_in_that_spoils_it_is_found(make: MakePatient, write: Write, drop_in: str, why: str) -> None:
    write(UNIT, PACKAGED.read_text())
    write(f"{UNIT}.d/10-site.conf", f"[Service]\n{drop_in}\n")
    found = only(service.watchdog, make(), Severity.WARNING)
    assert found.why.startswith(why)
    assert found.snippet[0] == "# /etc/systemd/system/vipservice.service.d/50-watchdog.conf"


def test_the_drop_in_it_prints_mends_it(make: MakePatient, write: Write) -> None:
    write(UNIT, PACKAGED.read_text())
    write(f"{UNIT}.d/10-site.conf", "[Service]\nWatchdogSec=1min\n")
    _, *lines = only(service.watchdog, make(), Severity.WARNING).snippet
    write(f"{UNIT}.d/50-watchdog.conf", "\n".join(lines))
    assert well(service.watchdog, make())


def test_no_unit_is_a_note(make: MakePatient) -> None:
    assert only(service.watchdog, make(), Severity.INFO).what == "no vipservice.service is installed"


@pytest.mark.parametrize(("count", "severity"), [(100, Severity.INFO), (800, Severity.ERROR)])
def test_a_full_table_of_connections_is_a_firewall(
    make: MakePatient, write: Write, count: int, severity: Severity
) -> None:
    write("proc/sys/net/netfilter/nf_conntrack_count", f"{count}\n")
    write("proc/sys/net/netfilter/nf_conntrack_max", "1000\n")
    assert max(one.severity for one in service.conntrack(make())) is severity


@pytest.mark.parametrize(("value", "severity"), [("0", Severity.INFO), ("1", Severity.OK)])
def test_whether_services_can_bind_before_the_address_is_here(
    make: MakePatient, write: Write, value: str, severity: Severity
) -> None:
    write("proc/sys/net/ipv4/ip_nonlocal_bind", value)
    assert only(service.nonlocal_bind, make(), severity).check == "nonlocal_bind"


def test_a_slow_clock_source_is_named(make: MakePatient, write: Write) -> None:
    folder = "sys/devices/system/clocksource/clocksource0"
    write(f"{folder}/current_clocksource", "hpet\n")
    assert "hpet" in only(service.clock, make(), Severity.WARNING).what
    write(f"{folder}/current_clocksource", "tsc\n")
    assert well(service.clock, make())


def test_real_time_that_never_runs_is_an_error(make: MakePatient, write: Write) -> None:
    write("proc/sys/kernel/sched_rt_runtime_us", "0\n")
    assert only(rights.scheduling, make(), Severity.ERROR).check == "scheduling"


def test_the_units_policy_counts_where_no_daemon_runs(make: MakePatient, write: Write) -> None:
    write("proc/thread-self/status", "CapEff:\t0000000000000000\n")
    write(UNIT, PACKAGED.read_text())
    assert "(rr)" in only(rights.scheduling, make(), Severity.OK).what


def test_time_stolen_now_warns_and_long_ago_is_a_note(make: MakePatient, write: Write) -> None:
    write("proc/stat", "cpu  100 0 100 800 0 0 0 50 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    assert processor_times(make().root) == (50, 1050)
    write("proc/thread-self/status", f"CapEff:\t{1 << 23:016x}\n")
    found = only(rights.scheduling, make(stolen=0.03), Severity.WARNING)
    assert found.what.startswith("the hypervisor took 3.0%")
    assert "4.8% since boot" in only(rights.scheduling, make(), Severity.INFO).what


def test_capabilities_are_the_daemons_where_one_runs(make: MakePatient, write: Write) -> None:
    write("proc/42/status", f"Name:\tvipservice\nCapEff:\t{1 << 12:016x}\n")
    found = only(rights.capabilities, make(status={"pid": 42}), Severity.ERROR)
    assert found.what == "the daemon (process 42) lacks CAP_NET_RAW"
    write("proc/42/status", f"CapEff:\t{3 << 12:016x}\n")
    assert well(rights.capabilities, make(status={"pid": 42}))


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter, unlike those of pytest."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


SOMEBODY = Account("somebody", os.getuid() + 1, frozenset({os.getgid() + 1}))


def test_a_folder_on_the_way_can_refuse(open_folder: Path) -> None:
    file = open_folder / "closed" / "file"
    file.parent.mkdir(mode=0o700)
    file.write_text("")
    file.chmod(0o644)
    assert unreadable(SOMEBODY, file, os.R_OK) == file.parent
    file.parent.chmod(0o755)
    assert unreadable(SOMEBODY, file, os.R_OK) is None
    assert unreadable(SOMEBODY, file, os.W_OK) == file


def test_rights_follow_owner_group_and_others(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    file.chmod(0o640)
    owner, group = file.stat().st_uid, file.stat().st_gid
    assert Account("group", owner + 1, frozenset({group})).may(file, os.R_OK)
    assert not Account("group", owner + 1, frozenset({group})).may(file, os.W_OK)
    assert not Account("other", owner + 1, frozenset({group + 1})).may(file, os.R_OK)
    assert Account("root", 0, frozenset()).may(file, os.W_OK)


def test_a_state_directory_that_refuses_names_the_command(
    make: MakePatient, write: Write, open_folder: Path
) -> None:
    config, state = open_folder / "vipservice.yml", open_folder / "state"
    config.write_text(f"node: {{state_directory: {state}}}\n")
    config.chmod(0o644)
    state.mkdir(mode=0o755)
    patient = make(settings=load(config), account=SOMEBODY)
    found = only(rights.files, patient, Severity.ERROR)
    assert found.what == f"user somebody may not write the state: {state} refuses (mode 0755)"
    assert found.snippet == (f"chown somebody {state}", f"chmod u+rwx {state}")
    config.chmod(0o600)
    assert f"chgrp somebody {config}" in {line for one in rights.files(patient) for line in one.snippet}


@pytest.mark.parametrize(("level", "hidden"), [(0, False), (1, False), (2, True), (8, True)])
def test_arp_settings_under_which_the_kernel_hides_the_address(
    make: MakePatient, write: Write, level: int, hidden: bool
) -> None:
    write("proc/sys/net/ipv4/conf/all/arp_ignore", f"{level}\n")
    assert well(placing.arp_settings, make()) is not hidden


def running(**changes: object) -> dict[str, Any]:
    group = {
        "id": 1,
        "name": "vip",
        "conditions": {},
        "checks": [],
        "addresses": [{"address": str(VIP)}],
        "role": "backup",
    }
    return {
        "name": "node-a",
        "version": "1",
        "pid": 42,
        "up_for": 5.0,
        "groups": [group],
        "waiting": [],
        "problems": [],
        "reload": {"ok": True},
    } | changes


def test_a_daemon_that_is_content_is_well(make: MakePatient) -> None:
    assert only(service.daemon, make(status=running()), Severity.OK).what.startswith("node-a, vipservice 1")
    assert well(service.daemon, make(status=running()))


def test_what_the_daemon_complains_of_is_passed_on(make: MakePatient) -> None:
    complaining = running(problems=["vip: redundancy is lost, 1 of 2 nodes are there"])
    assert "redundancy is lost" in only(service.daemon, make(status=complaining), Severity.WARNING).what


def test_a_file_that_was_changed_and_not_reloaded_is_told(make: MakePatient) -> None:
    status = running()
    status["groups"][0]["addresses"] = [{"address": "192.168.3.9"}]
    found = only(service.daemon, make(status=status), Severity.WARNING)
    assert found.what == f"the daemon has group 1: 192.168.3.9, the configuration now says group 1: {VIP}"
    assert found.snippet == ("systemctl reload vipservice",)
