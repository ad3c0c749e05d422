"""What systemd does to a service, on two booted machines: what each costs the client, and who serves then."""

from collections.abc import Iterator

import pytest

from tests.live.systemd.conftest import Watch
from vipservice.lab.booted import networkd
from vipservice.lab.booted.machine import UNIT, Machine
from vipservice.lab.booted.pair import ADDRESS, Pair
from vipservice.lab.clock import now, wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

LEASE_AND_LAPSE = 6.0
"""The longest lease left, and the kernel's two seconds."""

ADOPTED = "role initialize -> active: found our own address with "


def started_again(machine: Machine, process: str) -> bool:
    return machine.show("MainPID") not in ("0", process)


def test_a_daemon_killed_at_each_of_its_starts_is_started_for_ever_and_serves_in_the_end(
    pair: Pair, active: Machine, watch: Watch
) -> None:
    for _ in range(8):  # more than systemd's own limit of 5 starts in 10 s
        process = active.show("MainPID")
        active.signal("KILL")
        wait_until(lambda process=process: started_again(active, process), 2, "started again")  # type: ignore[misc]
    pair.settle()
    assert int(active.show("NRestarts")) >= 8
    assert active.show("SubState") == "running"
    assert watch.owned().several == 0


def test_a_daemon_killed_again_and_again_costs_the_client_nothing(
    pair: Pair, active: Machine, watch: Watch
) -> None:
    for _ in range(4):
        adopted = len(watch.roles(active))
        active.signal("KILL")
        wait_until(lambda adopted=adopted: len(watch.roles(active)) > adopted, 3, "adopted")  # type: ignore[misc]
    watch.assert_nothing_lost()
    assert all(role.startswith(ADOPTED) for role in watch.roles(active))
    assert watch.roles(pair.standby) == []


def test_where_nobody_restarts_a_hung_daemon_its_lease_frees_the_address_and_the_other_takes_it(
    pair: Pair, active: Machine, watch: Watch
) -> None:
    successor = pair.standby
    # Not a mask in /run: the unit in /etc, where `vipservice install` puts it, would win over it.
    active.write(f"/etc/systemd/system/{UNIT}.d/once.conf", "[Service]\nRestart=no\n")
    active.run("systemctl", "daemon-reload")
    active.signal("STOP")
    wait_until(lambda: pair.lan.owners(ADDRESS) == {successor.name}, LEASE_AND_LAPSE, "the other has it")
    seen, owned = watch.seen(now() - watch.since + 0.2), watch.owned()
    assert (owned.several, owned.moves) == (0, 1), owned
    assert seen.net_gap < 0.1, seen
    assert (active.show("ActiveState"), active.show("Result")) == ("failed", "watchdog")
    assert watch.roles(successor)[-1].startswith("role probing -> active: ")


def test_restart_hands_over(pair: Pair, active: Machine, watch: Watch) -> None:
    active.run("systemctl", "restart", UNIT)
    seen, owned = watch.seen(1.0), watch.owned()
    assert (owned.several, owned.moves) == (0, 1), owned
    assert seen.net_gap < 0.05, seen
    assert watch.roles(pair.standby)[-1] == "role initialize -> backup: started"


def test_daemon_reexec_costs_nothing_and_the_watchdog_stays_fed(
    pair: Pair, active: Machine, watch: Watch
) -> None:
    process = active.show("MainPID")
    active.run("systemctl", "daemon-reexec")
    watch.assert_nothing_lost(for_at_least=2.5)  # more than two periods of the watchdog
    assert (active.show("MainPID"), active.show("NRestarts")) == (process, "0")
    assert watch.roles(active) == watch.roles(pair.standby) == []


def test_the_active_rebooted_hands_over_and_comes_back_as_backup(
    pair: Pair, active: Machine, watch: Watch
) -> None:
    successor = pair.standby
    active.begin_reboot()
    active.wait_until_up()
    pair.settle()
    seen, owned = watch.seen(), watch.owned()
    assert (owned.several, owned.moves, pair.active) == (0, 1, successor), owned
    assert seen.net_gap < 0.05, seen


def test_two_machines_booted_at_the_same_instant_agree_on_one(pair: Pair, watch: Watch) -> None:
    for machine in pair.machines.values():
        machine.run("systemctl", "reboot")
    for machine in pair.machines.values():
        machine.wait_until_down()
    for machine in pair.machines.values():
        machine.wait_until_up()
    pair.settle()
    owned = watch.owned()
    assert owned.several == 0, owned
    assert len(owned.final) == 1


@pytest.fixture
def managed(pair: Pair, active: Machine) -> Iterator[Machine]:
    """The active machine once systemd-networkd has its link."""
    with networkd.managing(pair, active):
        yield active


def test_networkd_restarted_leaves_the_address_alone(pair: Pair, managed: Machine) -> None:
    watch = Watch.begin(pair)
    networkd.restart(managed)
    watch.assert_nothing_lost(for_at_least=1.0)


def test_a_link_that_networkd_configures_again_has_its_address_back_at_once_on_the_same_node(
    pair: Pair, managed: Machine
) -> None:
    # systemd 252 takes every address off the link, the machine's own and with it the way back to the client.
    watch = Watch.begin(pair)
    networkd.reconfigure(managed)
    seen, owned = watch.seen(1.0), watch.owned()
    assert (owned.several, owned.moves, len(owned.final)) == (0, 0, 1), owned
    assert seen.net_gap < 0.1, seen
    assert watch.roles(managed) + watch.roles(pair.standby) == []


STARTED = [
    "Started vipservice.service - Floating IP (virtual IP) daemon.",
    "Starting vipservice.service - Floating IP (virtual IP) daemon...",
    "adverts are not signed: anybody on the link can forge them (see 'vipservice keygen')",
    "role backup -> active: node-{active} handed over",
    "role initialize -> backup: started",
]
STOPPED = [
    "stopped",
    "Stopped vipservice.service - Floating IP (virtual IP) daemon.",
]


def test_the_journal_of_a_start_and_of_a_handover_reads_well(pair: Pair, active: Machine) -> None:
    other = pair.standby
    other.run("systemctl", "stop", UNIT)
    watch = Watch.begin(pair)
    other.run("systemctl", "start", UNIT)
    pair.settle()
    active.run("systemctl", "stop", UNIT)
    wait_until(lambda: len(watch.roles(other)) == 2, 3, "taken over")
    # In any order: systemd and the daemon speak at the same time, and the journal takes what comes first.
    said = sorted(line for line in watch.said(other).splitlines() if not line.startswith("stood still for "))
    assert said == [line.format(active=active.name) for line in STARTED]
    assert set(STOPPED) <= set(watch.said(active).splitlines())
