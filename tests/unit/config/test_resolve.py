from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from vipservice.config.load import loads
from vipservice.config.problems import ConfigError, MissingInterface
from vipservice.config.resolve import resolve, resolve_group
from vipservice.config.seen import SeenInterface
from vipservice.config.settings import Origin, ResolvedGroup
from vipservice.core.settings import BindMode, GroupSettings, Isolation, ProbeMode, WhenAllFail
from vipservice.core.timing import Timing

Nic = Callable[..., SeenInterface]
SOURCE = Path("vipservice.yml")


@pytest.fixture
def lo(nic: Nic) -> SeenInterface:
    return nic("lo", "127.0.0.1/8", "10.9.9.9/32", loopback=True)


def resolved(keys: str, *interfaces: SeenInterface, ours: str = "") -> ResolvedGroup:
    """The only group, with `keys` in its mapping."""
    mine = frozenset([IPv4Address(ours)] if ours else [])
    [group] = resolve(loads(f"floating_ip: {{enabled: true, {keys}}}", SOURCE), interfaces, mine)
    return group


def error(keys: str, *interfaces: SeenInterface, ours: str = "") -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        resolved(keys, *interfaces, ours=ours)
    return caught.value


def test_the_seeds_example_is_detected(nic: Nic, lo: SeenInterface) -> None:
    group = resolved("", lo, nic("en1", "192.168.3.35/24"))
    assert group.interface == "en1"
    assert group.core.addresses == (IPv4Address("192.168.3.234"),)
    assert group.prefix_length == 32
    assert group.origins["ip"] is group.origins["interface"] is Origin.DETECTED
    assert group.origins["netmask"] is group.origins["priority"] is Origin.DEFAULT
    assert group.origins["enabled"] is Origin.FILE
    assert group.notices == ()


def test_what_the_file_says_reaches_the_election(nic: Nic) -> None:
    group = resolved(
        "id: 7, name: web, ip: [10.0.0.8, 10.0.0.9], priority: 5, failback: 30s, timing: fast, lease: 5s, "
        "probe: off, announce: off, witnesses: [10.0.0.1], on_isolation: 9s, arp_suppression: true, "
        "nodes: 3, ping: off",
        nic("eth0", "10.0.0.2/24"),
    )
    addresses = (IPv4Address("10.0.0.8"), IPv4Address("10.0.0.9"))
    assert group.core == GroupSettings(
        id=group.core.id,
        name="web",
        addresses=addresses,
        priority=5,
        timing=Timing(0.01, 3, 5),
        failback=30,
        probe=ProbeMode.OFF,
        arp_suppression=True,
        on_isolation=Isolation.RELEASE,
        isolation_wait=9,
        announce_refresh=0,
        when_all_fail=WhenAllFail.KEEP,
        bind=BindMode.KERNEL,
    )
    assert (group.core.id, group.nodes, group.ping_interval) == (7, 3, 0)
    assert group.witnesses == (IPv4Address("10.0.0.1"),)
    assert group.origins["advert_interval"] is Origin.FILE


def test_the_first_non_local_address_decides_not_the_first_interface(nic: Nic, lo: SeenInterface) -> None:
    group = resolved(
        "",
        lo,
        nic("eth0"),
        nic("eth1", "169.254.7.7/16"),
        nic("eth2", "10.1.1.234/32"),
        nic("eth3", "10.2.2.2/24", up=False),
        nic("eth4", "10.3.3.3/24"),
    )
    assert (group.interface, str(group.core.addresses[0])) == ("eth3", "10.2.2.234")


def test_an_address_of_our_earlier_life_is_neither_own_nor_a_reason_to_choose(nic: Nic) -> None:
    leftover, own = nic("eth0", "10.0.0.234/24"), nic("eth1", "10.1.1.234/32", "10.1.1.5/24")
    assert resolved("ip: 10.1.1.9", leftover, own, ours="10.0.0.234").interface == "eth1"
    assert resolved("", own, ours="10.1.1.234").core.addresses == (IPv4Address("10.1.1.234"),)
    assert "this host's own address on eth1" in str(error("", own))


@pytest.mark.parametrize(
    ("own", "why"),
    [
        ("192.168.3.234/24", "this host's own address on eth0"),
        ("192.168.3.35/25", "outside of 192.168.3.0/25, the subnet of eth0"),
        ("10.0.0.2/29", "outside of 10.0.0.0/29, the subnet of eth0"),
    ],
)
def test_a_default_that_does_not_fit_says_what_to_set(nic: Nic, own: str, why: str) -> None:
    default = own.rsplit(".", 1)[0] + ".234"
    assert str(error("", nic("eth0", own))) == (
        f"vipservice.yml:1: floating_ip.ip: the default {default} is {why}; "
        "set 'ip' to a free address of the subnet"
    )


def test_a_default_in_a_wide_subnet_deserves_a_second_look(nic: Nic) -> None:
    group = resolved("", nic("eth0", "10.0.5.7/16"))
    assert group.core.addresses == (IPv4Address("10.0.5.234"),)
    [notice] = group.notices
    assert "in a /16 another host may have others, so set 'ip' on every node" in notice


@pytest.mark.parametrize(
    ("ip", "why"),
    [
        ("10.0.0.2", "this host's own address on eth0"),
        ("10.1.0.2", "this host's own address on eth1"),
        ("10.0.0.0", "the network address of 10.0.0.0/24"),
        ("10.0.0.255", "the broadcast address of 10.0.0.0/24"),
        ("10.9.9.9", "outside of 10.0.0.0/24, the subnet of eth0"),
    ],
)
def test_a_written_address_that_cannot_float_is_refused(nic: Nic, ip: str, why: str) -> None:
    interfaces = nic("eth0", "10.0.0.2/24"), nic("eth1", "10.1.0.2/24")
    assert str(error(f"ip: {ip}", *interfaces)) == (
        f"vipservice.yml:1: floating_ip.ip: found '{ip}', which is {why}; "
        "set 'ip' to a free address of the subnet"
    )


def test_an_address_of_another_interface_names_it(nic: Nic) -> None:
    refused = error("ip: 10.1.0.234", nic("eth0", "10.0.0.2/24"), nic("eth1", "10.1.0.2/24"))
    assert "outside of 10.0.0.0/24" in str(refused)
    assert str(refused).endswith("; set 'interface: eth1', whose subnet it is in")
    group = resolved(
        "ip: 10.1.0.234, interface: eth1", nic("eth0", "10.0.0.2/24"), nic("eth1", "10.1.0.2/24")
    )
    assert group.interface == "eth1"


def test_an_own_address_of_the_loopback_interface_is_an_own_address(nic: Nic, lo: SeenInterface) -> None:
    refused = error("ip: 10.9.9.9", lo, nic("eth0", "10.9.9.2/24"))
    assert "which is this host's own address on lo" in str(refused)


def test_any_subnet_of_the_interface_will_do(nic: Nic) -> None:
    group = resolved("ip: [10.0.0.9, 10.1.0.9]", nic("eth0", "10.0.0.2/24", "10.1.0.2/16"))
    assert len(group.core.addresses) == 2


def test_a_point_to_point_subnet_has_no_ends_to_avoid(nic: Nic) -> None:
    assert resolved("ip: 10.0.0.0", nic("eth0", "10.0.0.1/31")).core.addresses == (IPv4Address("10.0.0.0"),)


@pytest.mark.parametrize(
    ("keys", "own", "prefix_length", "notices"),
    [
        ("ip: 10.0.0.9", "10.0.0.2/24", 32, 0),
        ("ip: 10.0.0.9, netmask: 255.255.255.0", "10.0.0.2/24", 24, 0),
        ("ip: 10.0.0.9, netmask: 255.255.255.255", "10.0.0.2/24", 32, 0),
        ("ip: 10.0.0.9, netmask: 255.255.0.0", "10.0.0.2/24", 32, 1),
        ("ip: 10.0.0.9, netmask: /25", "10.0.0.2/24", 32, 1),
    ],
)
def test_a_netmask_counts_only_where_it_leaves_the_address_secondary(
    nic: Nic, keys: str, own: str, prefix_length: int, notices: int
) -> None:
    group = resolved(keys, nic("eth0", own))
    assert group.prefix_length == prefix_length
    assert len(group.notices) == notices
    in_force = "netmask" in keys and not notices
    assert group.origins["netmask"] is (Origin.FILE if in_force else Origin.DEFAULT)


def test_our_own_leftover_does_not_make_a_netmask_secondary(nic: Nic) -> None:
    interface = nic("eth0", "10.0.0.2/16", "10.0.0.9/24")
    assert resolved("ip: 10.0.0.9, netmask: /24", interface, ours="10.0.0.9").prefix_length == 32


def test_a_netmask_has_to_suit_every_address(nic: Nic) -> None:
    interface = nic("eth0", "10.0.0.2/24", "10.1.0.2/16")
    assert resolved("ip: [10.0.0.9, 10.1.0.9], netmask: /24", interface).prefix_length == 32


def test_a_host_masked_interface_gets_the_seeds_netmask(nic: Nic) -> None:
    group = resolved("interface: eth0", nic("eth0", "10.0.0.2/32"))
    assert (str(group.core.addresses[0]), group.prefix_length) == ("10.0.0.234", 32)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("interface: eth9", "found 'eth9', which does not exist; interfaces of this machine: eth0"),
        (
            "interface: eth0",
            "found 'eth0', which has no IPv4 address of its own; give the interface an address",
        ),
        (
            "priority: 5",
            "found no interface with an address that is not local; "
            "set 'interface', or give the host an address",
        ),
    ],
)
def test_a_missing_interface_is_a_problem_that_waiting_may_cure(
    nic: Nic, lo: SeenInterface, keys: str, expected: str
) -> None:
    refused = error(keys, lo, nic("eth0"))
    assert str(refused) == f"vipservice.yml:1: floating_ip.interface: {expected}"
    assert refused.only_missing_interfaces
    assert isinstance(refused.problems[0], MissingInterface)


def test_the_loopback_interface_is_a_problem_that_waiting_cannot_cure(nic: Nic, lo: SeenInterface) -> None:
    refused = error("interface: lo", lo)
    assert "found 'lo', which is the loopback interface" in str(refused)
    assert not refused.only_missing_interfaces


def test_a_witness_that_arp_cannot_reach_is_refused(nic: Nic) -> None:
    refused = error("witnesses: [10.0.0.1, 10.1.0.1]", nic("eth0", "10.0.0.2/24"))
    assert str(refused) == (
        "vipservice.yml:1: floating_ip.witnesses[1]: found '10.1.0.1', which is outside of 10.0.0.0/24, "
        "the subnet of eth0; write a host of the subnet: it is asked by ARP"
    )


def test_problems_of_all_groups_come_together_on_their_lines(nic: Nic) -> None:
    settings = loads(
        "floating_ip:\n"
        "  - {id: 1, name: a, enabled: true,\n"
        "     ip: [10.0.0.9,\n"
        "          10.5.0.9]}\n"
        "  - {id: 2, name: b, enabled: true, interface: eth9}\n"
        "  - {id: 3, name: c, enabled: false, interface: eth9}\n",
        SOURCE,
    )
    with pytest.raises(ConfigError) as caught:
        resolve(settings, [nic("eth0", "10.0.0.2/24")])
    assert [(p.line, p.key_path, type(p).__name__) for p in caught.value.problems] == [
        (4, "floating_ip[0].ip[1]", "Problem"),
        (5, "floating_ip[1].interface", "MissingInterface"),
    ]
    assert not caught.value.only_missing_interfaces


def test_two_groups_cannot_both_take_the_default(nic: Nic) -> None:
    settings = loads(
        "floating_ip:\n  - {id: 1, name: a, enabled: true}\n  - {id: 2, name: b, enabled: true}\n", SOURCE
    )
    with pytest.raises(ConfigError) as caught:
        resolve(settings, [nic("eth0", "10.0.0.2/24")])
    assert str(caught.value) == (
        "vipservice.yml:3: floating_ip[1].ip: 10.0.0.234 is what floating_ip[0] has too; "
        "set 'ip' in both groups"
    )


def test_a_disabled_group_is_not_resolved(nic: Nic) -> None:
    settings = loads("floating_ip: {interface: eth9}", SOURCE)
    assert resolve(settings, [nic("eth0", "10.0.0.2/24")]) == ()


def test_one_group_can_be_resolved_while_another_waits(nic: Nic) -> None:
    settings = loads(
        "floating_ip:\n"
        "  - {id: 1, name: a, enabled: true, interface: eth9}\n"
        "  - {id: 2, name: b, enabled: true, interface: eth0}\n",
        SOURCE,
    )
    assert resolve_group(settings, settings.groups[1], [nic("eth0", "10.0.0.2/24")]).interface == "eth0"
