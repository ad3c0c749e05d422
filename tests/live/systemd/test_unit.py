"""The unit under a really booted systemd: what it promises about crashes, hangs, mistakes and privileges."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.live.systemd.conftest import ADDRESS, COMMAND, CONFIGURED, UNIT, Machine, output, wait_for

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
MEMBER = ("setpriv", "--reuid", "65534", "--regid", "vipservice", "--clear-groups")
WITHIN_THE_LEASE = 3.0
ADOPTED = "role initialize -> active: found our own address"


@pytest.fixture
def active(machine: Machine) -> Machine:
    """The machine with our service started and holding the address."""
    machine.run("systemctl", "start", UNIT)
    wait_for(machine.has_address, 5, "the address bound")
    return machine


@pytest.fixture
def watched(active: Machine) -> Iterator[Machine]:
    """The same; that the kernel never removed the address is asserted at the end."""
    command = ("ip", "-4", "-n", active.name, "-oneline", "monitor", "address")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as monitor:
        assert monitor.stdout is not None
        try:
            assert ADDRESS in monitor.stdout.readline(), "the monitor sees no renewal"
            yield active
        finally:
            monitor.terminate()
        assert [line for line in monitor.stdout if line.startswith("Deleted")] == []


def restarted(machine: Machine) -> bool:
    return machine.show("NRestarts") == "1" and ADOPTED in machine.journal()


def test_a_killed_daemon_is_restarted_and_adopts_its_address(watched: Machine) -> None:
    watched.run("systemctl", "kill", "--signal=KILL", "--kill-who=main", UNIT)
    wait_for(lambda: restarted(watched), WITHIN_THE_LEASE, "adopted")


def test_a_hung_daemon_is_killed_by_the_watchdog_and_its_successor_adopts_the_address(
    watched: Machine,
) -> None:
    watched.run("systemctl", "kill", "--signal=STOP", "--kill-who=main", UNIT)
    wait_for(lambda: restarted(watched), WITHIN_THE_LEASE, "adopted")
    assert "Failed with result 'watchdog'" in watched.journal()


def test_systemctl_shows_the_role_and_the_reason_and_others_can_reach_the_address(active: Machine) -> None:
    wait_for(lambda: "vip-1: active" in active.show("StatusText"), 2, "the status told")
    assert "probes unanswered" in active.status()
    client = f"{active.name}-client"
    assert "1 received" in output("ip", "netns", "exec", client, "ping", "-c", "1", "-W", "2", ADDRESS)


def test_stop_takes_the_address_away_and_ends_well(active: Machine) -> None:
    active.run("systemctl", "stop", UNIT)
    assert not active.has_address()
    assert active.show("Result") == "success"


def test_a_reload_disturbs_nothing_and_a_bad_file_is_refused(watched: Machine) -> None:
    process = watched.show("MainPID")
    watched.run("systemctl", "reload", UNIT)
    watched.run("sh", "-c", f"echo 'floating_ip: {{enabld: true}}' > {CONFIGURED}")
    assert watched.try_running("systemctl", "reload", UNIT).returncode != 0
    assert "did you mean 'enabled'" in watched.status()
    assert (watched.show("MainPID"), watched.show("ActiveState")) == (process, "active")


def test_a_broken_configuration_fails_once_and_says_why(machine: Machine) -> None:
    machine.run("sh", "-c", f"echo 'floating_ip: {{enabld: true}}' > {CONFIGURED}")
    assert machine.try_running("systemctl", "start", UNIT).returncode != 0
    assert machine.show("ActiveState") == "failed"  # 'activating' where systemd would try again
    assert machine.show("ExecMainStatus") == "78"
    assert "did you mean 'enabled'" in machine.journal()


def test_a_missing_capability_fails_once_and_names_it(machine: Machine) -> None:
    drop_in = f"/etc/systemd/system/{UNIT}.d"
    less = "[Service]\\nAmbientCapabilities=\\nAmbientCapabilities=CAP_NET_RAW\\n"
    machine.run("sh", "-c", f"mkdir {drop_in} && printf '{less}' > {drop_in}/less.conf")
    machine.run("systemctl", "daemon-reload")
    assert machine.try_running("systemctl", "start", UNIT).returncode != 0
    assert (machine.show("ActiveState"), machine.show("ExecMainStatus")) == ("failed", "77")
    assert "CAP_NET_ADMIN missing" in machine.journal()


def test_the_daemon_has_two_capabilities_a_user_of_its_own_and_realtime(active: Machine) -> None:
    process = active.show("MainPID")
    fields = dict(line.split(":\t", 1) for line in active.run("cat", f"/proc/{process}/status").splitlines())
    assert fields["CapEff"].strip() == fields["CapBnd"].strip() == "0000000000003000"
    assert fields["Uid"].split() == [active.run("id", "-u", "vipservice").strip()] * 4
    assert "SCHED_RR" in active.run("chrt", "-p", process)
    assert "Permission denied" not in active.journal()


def test_only_root_and_the_services_group_may_give_commands(active: Machine) -> None:
    assert "vip-1" in active.run(COMMAND, "status")
    assert "vip-1" in active.run(*MEMBER, COMMAND, "status")
    refused = active.try_running(*NOBODY, COMMAND, "status")
    assert refused.returncode != 0
    assert "you may not use" in refused.stderr
