"""Answers to ARP, and what they mean."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address

from tests.unit.doctor.conftest import ETH0, MAC, OWN, PEER_MAC, STRANGER, VIP, MakePatient, only, well
from vipservice.cli.diagnosis import neighbourhood, placing
from vipservice.cli.diagnosis.findings import Severity
from vipservice.core.values import Mac
from vipservice.runtime.ports import HostAddress

HERE = replace(ETH0, addresses=(*ETH0.addresses, HostAddress(VIP, 32, 2.5, True, floating=True)))
STRAYS = tuple(IPv4Address(f"192.168.3.{number}") for number in (77, 88, 99))


def answered(*macs: Mac) -> Mapping[str, object]:
    return {"answers": {VIP: frozenset(macs), OWN.ip: frozenset()}}


def test_nobody_answers_for_a_free_address(make: MakePatient) -> None:
    assert only(neighbourhood.address, make(), Severity.OK).what == f"{VIP} is free: nobody answers for it"


def test_the_node_that_answers_is_named(make: MakePatient) -> None:
    assert only(neighbourhood.address, make(answered(PEER_MAC)), Severity.OK).what == f"{VIP} is on node-b"


def test_an_answer_of_this_hosts_other_interface_is_none(make: MakePatient) -> None:
    assert (
        "is on this host"
        in only(neighbourhood.address, make(answered(MAC), interfaces=(HERE,)), Severity.OK).what
    )


def test_two_holders_are_an_error(make: MakePatient) -> None:
    found = only(neighbourhood.address, make(answered(PEER_MAC), interfaces=(HERE,)), Severity.ERROR)
    assert found.what == f"{VIP} is answered by this host and node-b: several hosts have it"


def test_who_answers_for_one_stray_address_may_have_it(make: MakePatient) -> None:
    strays = dict.fromkeys(STRAYS, frozenset[Mac]()) | {STRAYS[0]: frozenset({STRANGER})}
    patient = make({**answered(STRANGER), "strays": strays})
    assert only(neighbourhood.address, patient, Severity.ERROR).check == "address"
    assert well(neighbourhood.proxy_arp, patient)


def test_who_answers_for_all_is_a_proxy_and_no_stranger(make: MakePatient) -> None:
    everything = dict.fromkeys(STRAYS, frozenset({STRANGER}))
    patient = make({**answered(STRANGER), "strays": everything, "stray_probes": everything})
    assert well(neighbourhood.address, patient)
    assert only(neighbourhood.proxy_arp, patient, Severity.ERROR).snippet == ("floating_ip:", "  probe: off")


def test_a_fabric_that_answers_for_a_holder_that_does_not_is_suspected(make: MakePatient) -> None:
    deaf = {**answered(PEER_MAC), "unicast_answers": {VIP: frozenset()}}
    found = [one for one in neighbourhood.address(make(deaf)) if one.check == "arp_suppression"]
    assert found[0].snippet[-1] == "  arp_suppression: true"
    spoken = {**answered(PEER_MAC), "unicast_answers": {VIP: frozenset({PEER_MAC})}}
    assert well(neighbourhood.address, make(spoken))


def test_another_host_with_our_own_address_is_an_error(make: MakePatient) -> None:
    twice = {"answers": {VIP: frozenset(), OWN.ip: frozenset({STRANGER})}}
    assert "02:00:00:00:00:63" in only(placing.subnet, make(twice), Severity.ERROR).what


def test_a_second_interface_in_the_subnet_is_warned_of(make: MakePatient) -> None:
    second = replace(
        ETH0, name="eth1", index=3, addresses=(HostAddress(IPv4Address("192.168.3.20"), 24, None, False),)
    )
    assert only(placing.subnet, make(interfaces=(ETH0, second)), Severity.WARNING).check == "arp_ignore"


def test_a_permanent_floating_address_is_somebodys_configuration(make: MakePatient) -> None:
    permanent = replace(ETH0, addresses=(HostAddress(VIP, 24, None, False),))
    found = only(placing.leftovers, make(interfaces=(permanent,)), Severity.ERROR)
    assert found.snippet == (f"ip address del {VIP}/24 dev eth0",)
    assert well(placing.leftovers, make(interfaces=(HERE,)))
