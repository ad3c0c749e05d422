"""Our netlink bytes, with pyroute2 as the oracle that reads and writes the same messages."""

import errno
from ipaddress import IPv4Address, IPv6Address
from socket import AF_BRIDGE, AF_INET, AF_INET6
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from vipservice.adapters.linux import netlink, rtnetlink
from vipservice.core.values import Address

VIP = IPv4Address("10.77.0.234")
VIP6 = IPv6Address("fd00::234")
UP = rtnetlink.IFF_UP | rtnetlink.IFF_RUNNING | rtnetlink.IFF_LOWER_UP


def body_of(message: object) -> bytes:
    """Let pyroute2 write its message, and take the netlink header off."""
    message.encode()  # type: ignore[attr-defined]  # pyroute2 has no types
    return bytes(message.data)[16:]  # type: ignore[attr-defined]  # the same


def decoded(kind: type, sent: bytes) -> dict[str, object]:
    message = kind(sent)
    message.decode()
    return {
        **{key: message[key] for key in message if key not in ("attrs", "header")},
        **dict(message["attrs"]),
    }


@pytest.mark.parametrize(
    ("address", "family", "preferred", "flags"),
    [(VIP, AF_INET, 9, 0x200), (VIP6, AF_INET6, 0, 0x202)],
)
def test_a_leased_address_reads_as_meant(address: Address, family: int, preferred: int, flags: int) -> None:
    sent = netlink.request(
        rtnetlink.RTM_NEWADDR,
        netlink.NLM_F_REPLACE | netlink.NLM_F_CREATE,
        77,
        rtnetlink.leased_address(5, address, address.max_prefixlen, 9),
    )
    message = ifaddrmsg(sent)
    message.decode()
    assert message["header"] == {
        "length": len(sent),
        "type": 20,
        "flags": 0x501,
        "sequence_number": 77,
        "pid": 0,
    } | {key: message["header"][key] for key in message["header"] if key in ("error", "stats", "target")}
    seen = decoded(ifaddrmsg, sent)
    assert (seen["family"], seen["index"], seen["prefixlen"]) == (family, 5, address.max_prefixlen)
    assert (seen["scope"], seen["flags"], seen["IFA_FLAGS"]) == (0, 0, flags)
    assert seen["IFA_LOCAL"] == seen["IFA_ADDRESS"] == str(address)
    assert seen["IFA_CACHEINFO"] == {"ifa_preferred": preferred, "ifa_valid": 9, "cstamp": 0, "tstamp": 0}
    assert seen["IFA_PROTO"] == 0xEA
    assert "IFA_LABEL" not in seen


def test_the_questions_read_as_meant() -> None:
    links = decoded(ifinfmsg, netlink.request(18, netlink.NLM_F_DUMP, 1, rtnetlink.link_dump()))
    addresses = decoded(
        ifaddrmsg, netlink.request(22, netlink.NLM_F_DUMP, 1, rtnetlink.address_dump(3, AF_INET))
    )
    routes = decoded(rtmsg, netlink.request(26, netlink.NLM_F_DUMP, 1, rtnetlink.route_dump(AF_INET6, 3)))
    assert (links["family"], links["index"], links["IFLA_EXT_MASK"]) == (0, 0, 8)
    assert (addresses["family"], addresses["index"], addresses["prefixlen"]) == (AF_INET, 3, 0)
    assert (routes["family"], routes["table"], routes["dst_len"], routes["type"]) == (AF_INET6, 254, 0, 0)
    assert (routes["RTA_TABLE"], routes["RTA_OIF"]) == (254, 3)


def address_from_oracle(family: int, prefix_length: int, **attributes: object) -> bytes:
    message = ifaddrmsg()
    message["family"], message["prefixlen"], message["index"] = family, prefix_length, 4
    message["attrs"] = [[f"IFA_{name.upper()}", value] for name, value in attributes.items()]
    return body_of(message)


def cacheinfo(valid: int) -> dict[str, int]:
    return {"ifa_preferred": 0, "ifa_valid": valid, "cstamp": 11, "tstamp": 4321}


def test_an_address_is_read_with_its_lease_and_protocol() -> None:
    body = address_from_oracle(
        AF_INET, 32, address=str(VIP), local=str(VIP), flags=0x200, cacheinfo=cacheinfo(3), proto=0xEA
    )
    read = rtnetlink.read_address(body)
    assert read is not None
    assert (read.index, read.address, read.prefix_length, read.flags) == (4, VIP, 32, 0x200)
    assert (read.valid, read.stamp, read.permanent, read.ours, read.floating) == (3, 4321, False, True, True)


def test_an_old_kernel_without_protocol_numbers_makes_nothing_ours() -> None:
    read = rtnetlink.read_address(address_from_oracle(AF_INET, 24, local=str(VIP), cacheinfo=cacheinfo(3)))
    assert read is not None
    assert (read.protocol, read.ours, read.floating) == (None, False, False)


def test_the_far_end_of_a_point_to_point_link_is_not_our_address() -> None:
    read = rtnetlink.read_address(address_from_oracle(AF_INET, 32, address="10.0.0.2", local="10.0.0.1"))
    assert read is not None
    assert (read.address, read.permanent) == (IPv4Address("10.0.0.1"), True)


@pytest.mark.parametrize(
    ("family", "address", "prefix_length", "flags", "floating"),
    [
        (AF_INET, "10.0.0.1", 24, 0x80, False),
        (AF_INET, "10.0.0.2", 24, 0x81, True),
        (AF_INET, "10.0.0.3", 32, 0x80, True),
        (AF_INET6, "fd00::1", 64, 0x80, False),
        (AF_INET6, "fd00::2", 64, 0x01, False),
        (AF_INET6, "fd00::3", 128, 0x80, False),
        (AF_INET6, "fd00::4", 128, 0x20, True),
    ],
)
def test_floating_addresses_are_secondary_or_host_masked_as_each_family_has_it(
    family: int, address: str, prefix_length: int, flags: int, floating: bool
) -> None:
    read = rtnetlink.read_address(address_from_oracle(family, prefix_length, address=address, flags=flags))
    assert read is not None
    assert read.floating is floating


def link_from_oracle(family: int, flags: int, **attributes: object) -> bytes:
    message = ifinfmsg()
    message["family"], message["index"], message["flags"] = family, 6, flags
    message["attrs"] = [[f"IFLA_{name.upper()}", value] for name, value in attributes.items()]
    return body_of(message)


@pytest.mark.parametrize(
    ("flags", "up"),
    [
        (UP, True),
        (UP & ~rtnetlink.IFF_UP, False),
        (UP & ~rtnetlink.IFF_LOWER_UP, False),
        (UP & ~rtnetlink.IFF_RUNNING, False),
    ],
)
def test_a_link_is_up_with_carrier_and_out_of_dormancy(flags: int, up: bool) -> None:
    body = link_from_oracle(0, flags, ifname="eth0", address="02:00:00:00:00:0a", operstate="UP")
    read = rtnetlink.read_link(body)
    assert read is not None
    assert (read.index, read.name, read.mac.hex(":"), read.up) == (6, "eth0", "02:00:00:00:00:0a", up)


def test_a_bridges_word_about_its_port_and_a_wireless_event_are_no_links() -> None:
    assert rtnetlink.read_link(link_from_oracle(AF_BRIDGE, UP, ifname="eth0", operstate="UP")) is None
    assert rtnetlink.read_link(link_from_oracle(0, UP, ifname="wlan0")) is None


def test_a_link_without_a_mac_of_six_bytes_has_none() -> None:
    read = rtnetlink.read_link(link_from_oracle(0, UP, ifname="tun0", operstate="UNKNOWN"))
    assert read is not None
    assert read.mac == bytes(6)


def route_from_oracle(**attributes: object) -> bytes:
    message = rtmsg()
    message["family"], message["table"], message["type"] = AF_INET, 254, 1
    dst_length = attributes.pop("dst_len", 0)
    message["dst_len"] = dst_length
    message["attrs"] = [[f"RTA_{name.upper()}", value] for name, value in attributes.items()]
    return body_of(message)


def test_default_routes_are_read_with_interface_and_metric() -> None:
    body = route_from_oracle(table=254, oif=6, gateway="10.0.0.1", priority=100)
    assert rtnetlink.read_default_routes(body) == [rtnetlink.DefaultRoute(6, IPv4Address("10.0.0.1"), 100)]


@pytest.mark.parametrize(
    "attributes",
    [
        {"table": 254, "oif": 6, "gateway": "10.0.0.1", "dst_len": 8, "dst": "10.0.0.0"},
        {"table": 1000, "oif": 6, "gateway": "10.0.0.1"},
        {"table": 254, "oif": 6},
    ],
)
def test_other_routes_are_no_gateways(attributes: dict[str, object]) -> None:
    assert rtnetlink.read_default_routes(route_from_oracle(**attributes)) == []


def error_message(number: int, flags: int, echoed: bytes, words: bytes) -> netlink.Message:
    attribute = netlink.attribute(1, words + b"\0") if words else b""
    header = pack("=IHHII", 16 + len(echoed), 20, 5, 1, 0)
    return netlink.Message(netlink.NLMSG_ERROR, flags, 1, pack("=i", -number) + header + echoed + attribute)


def test_an_acknowledgement_is_no_error() -> None:
    assert netlink.read_error(error_message(0, netlink.NLM_F_CAPPED, b"", b"")) == (0, "")


@pytest.mark.parametrize(
    ("flags", "echoed"),
    [
        (netlink.NLM_F_CAPPED | netlink.NLM_F_ACK_TLVS, b""),
        (netlink.NLM_F_ACK_TLVS, b"our whole request, 31 bytes of..\0\0\0\0"),
    ],
)
def test_the_kernels_words_are_found_whether_it_repeats_our_request_or_not(flags: int, echoed: bytes) -> None:
    refused = error_message(errno.EINVAL, flags, echoed, b"ipv4: Invalid prefix length")
    assert netlink.read_error(refused) == (errno.EINVAL, "ipv4: Invalid prefix length")


@given(st.lists(st.tuples(st.integers(0, 0x3FFF), st.binary(max_size=20)), unique_by=lambda pair: pair[0]))
def test_attributes_come_back_as_they_were_written(pairs: list[tuple[int, bytes]]) -> None:
    written = b"".join(netlink.attribute(kind, value) for kind, value in pairs)
    assert netlink.attributes(written) == dict(pairs)


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_apart_without_an_error(data: bytes) -> None:
    netlink.attributes(data)
    for message in netlink.split(data):
        assert message.body in data


def test_messages_of_one_datagram_are_told_apart() -> None:
    data = netlink.request(20, 0, 1, b"abcd") + netlink.request(21, 0x10, 2, b"") + b"\x05\0"
    assert list(netlink.split(data)) == [
        netlink.Message(20, 1, 1, b"abcd"),
        netlink.Message(21, 0x11, 2, b""),
    ]
