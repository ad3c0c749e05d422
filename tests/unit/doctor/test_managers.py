"""networkd's, NetworkManager's and keepalived's own files say whether they would take the address away."""

import pytest

from tests.unit.doctor.conftest import MakePatient, Write, only, well
from vipservice.cli.diagnosis.findings import Severity
from vipservice.cli.diagnosis.managers import network_manager, networkd, others

LINK = "run/systemd/netif/links/2"
MANAGED = "# This is private data. Do not parse.\nADMIN_STATE=configured\nNETWORK_FILE={file}\n"
UNIT = "etc/systemd/network/10-eth0.network"


def manage(write: Write, network: str, drop_in: str = "") -> None:
    write(LINK, MANAGED.format(file=f"/{UNIT}"))
    write(UNIT, network)
    if drop_in:
        write(f"{UNIT}.d/50-vipservice.conf", drop_in)


def test_a_host_without_either_has_nothing_to_fear(make: MakePatient) -> None:
    assert not list(networkd(make())) and not list(network_manager(make()))


def test_networkd_takes_the_address_and_the_drop_in_says_how_not_to(make: MakePatient, write: Write) -> None:
    manage(write, "[Match]\nName=eth0\n[Network]\nDHCP=yes\n")
    found = only(networkd, make(), Severity.WARNING)
    assert "KeepConfiguration=no" in found.what
    assert found.snippet == (
        "# /etc/systemd/network/10-eth0.network.d/50-vipservice.conf",
        "[Network]",
        "KeepConfiguration=yes",
    )


def test_the_drop_in_that_is_printed_is_the_one_that_is_understood(make: MakePatient, write: Write) -> None:
    manage(write, "[Network]\nDHCP=yes\n")
    _, *drop_in = only(networkd, make(), Severity.WARNING).snippet
    manage(write, "[Network]\nDHCP=yes\n", "\n".join(drop_in))
    assert well(networkd, make())


@pytest.mark.parametrize("value", ["static", "no", "dhcp-on-stop", "dynamic-on-stop"])
def test_values_that_do_not_keep_an_address_with_a_lifetime(
    make: MakePatient, write: Write, value: str
) -> None:
    manage(write, f"[Network]\nKeepConfiguration={value}\n")
    assert value in only(networkd, make(), Severity.WARNING).what


def test_a_later_drop_in_wins_and_comments_and_other_sections_do_not_count(
    make: MakePatient, write: Write
) -> None:
    manage(write, "[Network]\nKeepConfiguration=yes\n#KeepConfiguration=no\n[Link]\nKeepConfiguration=no\n")
    assert well(networkd, make())
    write(f"run/{UNIT.removeprefix('etc/')}.d/90-late.conf", "[Network]\nKeepConfiguration=no\n")
    assert not well(networkd, make())


def test_networkd_leaves_alone_what_it_does_not_manage(make: MakePatient, write: Write) -> None:
    write(LINK, "ADMIN_STATE=unmanaged\n")
    assert not list(networkd(make()))


def test_network_manager_is_named_with_its_drop_in(make: MakePatient, write: Write) -> None:
    write("run/NetworkManager/devices/2", "[device]\nmanaged=true\nconnection-uuid=1b2c\nnm-owned=false\n")
    found = only(network_manager, make(), Severity.WARNING)
    assert found.snippet[-1] == "unmanaged-devices=interface-name:eth0"
    write("run/NetworkManager/devices/2", "[device]\nmanaged=false\n")
    assert not list(network_manager(make()))


def test_keepalived_with_the_same_address_is_an_error_and_with_another_a_note(
    make: MakePatient, write: Write
) -> None:
    write("proc/4711/comm", "keepalived\n")
    write("etc/keepalived/keepalived.conf", "virtual_ipaddress { 192.168.3.234/24 }")
    assert "process 4711) manages 192.168.3.234" in only(others, make(), Severity.ERROR).what
    write("etc/keepalived/keepalived.conf", "virtual_ipaddress { 192.168.3.23 192.168.3.2341 }")
    assert only(others, make(), Severity.INFO).check == "other_managers"
