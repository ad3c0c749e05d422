"""The unit under a really booted systemd: what it promises about mistakes, privileges and what it shows."""

import pytest

from tests.live.systemd.conftest import Watch
from vipservice.lab.booted.machine import CONFIGURED, UNIT, Machine
from vipservice.lab.booted.pair import Pair
from vipservice.lab.clock import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
MEMBER = ("setpriv", "--reuid", "65534", "--regid", "vipservice", "--clear-groups")
WRONG = "floating_ip: {enabld: true}\n"
WITHIN_THE_LEASE = 3.0
ADOPTED = "role initialize -> active: found our own address with "


def restarted(machine: Machine, process: str) -> bool:
    """Whether another process of the service is ready."""
    return machine.show("MainPID") not in ("0", process) and machine.show("SubState") == "running"


def test_a_killed_daemon_is_restarted_and_adopts_its_address(
    pair: Pair, active: Machine, watch: Watch
) -> None:
    process = active.show("MainPID")
    active.signal("KILL")
    wait_until(lambda: restarted(active, process), WITHIN_THE_LEASE, "restarted")
    watch.assert_nothing_lost(for_at_least=1.0)
    [role] = watch.roles(active)
    assert role.startswith(ADOPTED), role
    assert watch.roles(pair.standby) == []


def test_a_hung_daemon_is_killed_by_the_watchdog_and_its_successor_adopts_the_address(
    pair: Pair, active: Machine, watch: Watch
) -> None:
    process = active.show("MainPID")
    active.signal("STOP")
    wait_until(lambda: restarted(active, process), WITHIN_THE_LEASE, "restarted")
    watch.assert_nothing_lost(for_at_least=1.0)
    assert "Failed with result 'watchdog'" in watch.said(active)
    [role] = watch.roles(active)
    assert role.startswith(ADOPTED), role
    assert watch.roles(pair.standby) == []


def test_systemctl_shows_the_role_and_the_reason(active: Machine, watch: Watch) -> None:
    assert "vip-1: active since" in active.show("StatusText")
    assert active.show("StatusText") in active.status()


def test_stop_hands_over_and_ends_well(pair: Pair, active: Machine, watch: Watch) -> None:
    active.run("systemctl", "stop", UNIT)
    seen, owned = watch.seen(0.5), watch.owned()
    assert (owned.moves, owned.several, active.show("Result")) == (1, 0, "success")
    assert pair.active is not active
    assert seen.net_gap < 0.05, seen
    back = Watch.begin(pair)
    active.run("systemctl", "start", UNIT)
    back.assert_nothing_lost(for_at_least=1.0)


def test_a_reload_disturbs_nothing_and_a_bad_file_is_refused(
    pair: Pair, active: Machine, watch: Watch
) -> None:
    process = active.show("MainPID")
    active.run("systemctl", "reload", UNIT)
    active.write(CONFIGURED, WRONG)
    assert active.try_running("systemctl", "reload", UNIT).returncode != 0
    assert "did you mean 'enabled'" in active.status()
    assert (active.show("MainPID"), active.show("ActiveState")) == (process, "active")
    watch.assert_nothing_lost(for_at_least=0.5)
    # A standby may look who has the address where the machine stood still: that is no turn of the active.
    assert not [
        role for role in watch.roles(active) + watch.roles(pair.standby) if "active" in role.split(":")[0]
    ]


def test_a_broken_configuration_fails_once_and_says_why(pair: Pair, active: Machine) -> None:
    active.run("systemctl", "stop", UNIT)
    active.write(CONFIGURED, WRONG)
    began = Watch.begin(pair)
    assert active.try_running("systemctl", "start", UNIT).returncode != 0
    assert active.show("ActiveState") == "failed"  # 'activating' where systemd would try again
    assert active.show("ExecMainStatus") == "78"
    status = active.status()
    assert f"{CONFIGURED}:1" in status
    assert "did you mean 'enabled'" in status
    began.assert_nothing_lost(for_at_least=1.0)
    assert began.said(active).count("Starting vipservice.service") == 1
    assert active.show("ActiveState") == "failed"


def test_a_missing_capability_fails_once_and_names_it(pair: Pair, active: Machine) -> None:
    less = "[Service]\nAmbientCapabilities=\nAmbientCapabilities=CAP_NET_RAW\n"
    active.write(f"/etc/systemd/system/{UNIT}.d/less.conf", less)
    active.run("systemctl", "daemon-reload")
    assert active.try_running("systemctl", "restart", UNIT).returncode != 0
    assert (active.show("ActiveState"), active.show("ExecMainStatus")) == ("failed", "77")
    assert "CAP_NET_ADMIN missing" in active.journal()


def test_the_daemon_has_two_capabilities_a_user_of_its_own_and_realtime(active: Machine) -> None:
    process = active.show("MainPID")
    fields = dict(line.split(":\t", 1) for line in active.run("cat", f"/proc/{process}/status").splitlines())
    assert fields["CapEff"].strip() == fields["CapBnd"].strip() == "0000000000003000"
    assert fields["Uid"].split() == [active.run("id", "-u", "vipservice").strip()] * 4
    assert "SCHED_RR" in active.run("chrt", "-p", process)
    assert "Permission denied" not in active.journal()


def test_only_root_and_the_services_group_may_give_commands(active: Machine) -> None:
    assert "vip-1" in active.run("vipservice", "status")
    assert "vip-1" in active.run(*MEMBER, "vipservice", "status")
    refused = active.try_running(*NOBODY, "vipservice", "status")
    assert refused.returncode != 0
    assert "you may not use" in refused.stderr
