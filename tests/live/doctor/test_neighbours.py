"""Strangers, clones, gateways that answer for everything, keys that don't fit: each is really there."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from tests.live.daemon.stranger import forged, packet_socket, speak
from tests.live.doctor.conftest import SETPRIV, Visit
from vipservice.adapters.state_documents import read_identity
from vipservice.core.values import Mac
from vipservice.lab.demo.cluster import VIP, Cluster
from vipservice.lab.hosts import GATEWAY, write_settings
from vipservice.wire import arp
from vipservice.wire.arp import Operation
from vipservice.wire.errors import DecodeError
from vipservice.wire.signing import Keyring

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]


def test_a_stranger_with_the_address_is_found_from_a_standby_and_from_the_holder(
    healed: Cluster, visit: Visit
) -> None:
    healed.lan.add_address("client", VIP)
    try:
        for node in ("a", "b"):
            report = visit(healed.lan.node(node))
            found = report.of("address", "error")
            assert found["what"].startswith(f"{VIP} is answered by 02:76:69:70:00:64, which is no node")
            assert report.code == 69
    finally:
        healed.lan.delete_address("client", VIP)


def test_an_address_set_by_hand_on_this_host_is_found_before_the_daemon_starts(
    healed: Cluster, visit: Visit
) -> None:
    healed.daemons["b"].stop()
    healed.lan.add_address("b", VIP, 24)
    try:
        report = visit(healed.lan.node("b"))
        # Configured like this host's own, it is refused with the configuration.
        assert report.code in {69, 78}, report.told()
        assert any(str(VIP) in one["what"] for one in report.trouble()), report.told()
    finally:
        healed.lan.delete_address("b", VIP)


def test_proxy_arp_of_a_linux_gateway_harms_clients_only(healed: Cluster, visit: Visit) -> None:
    gateway = healed.lan.node(GATEWAY)
    on = {"net/ipv4/ip_forward": "1", "net/ipv4/conf/eth0/proxy_arp_pvlan": "1"}
    gateway.in_network(lambda: write_settings(on))
    try:
        found = visit(healed.lan.node("a"), "1s").of("proxy_arp", "warning")
        assert "02:76:69:70:00:01 on eth0 answers ARP for addresses that nobody has" in found["what"]
    finally:
        gateway.in_network(lambda: write_settings(dict.fromkeys(on, "0")))


def test_a_gateway_that_answers_probes_too_calls_for_probe_off(healed: Cluster, visit: Visit) -> None:
    healed.daemons["b"].stop()
    with answering_for_everything(healed):
        report = visit(healed.lan.node("b"))
    found = report.of("proxy_arp", "error")
    assert "answers ARP for every address, probes included" in found["what"]
    assert found["snippet"] == ["floating_ip:", "  probe: off"]


@contextlib.contextmanager
def answering_for_everything(cluster: Cluster) -> Iterator[None]:
    """A gateway as clouds have it: it answers every ARP question, whoever asks, as itself."""
    mac = Mac(bytes.fromhex("027669700001"))
    ended = threading.Event()
    with packet_socket(cluster.lan.node(GATEWAY)) as port:
        port.setblocking(True)
        port.settimeout(0.05)

        def work() -> None:
            while not ended.is_set():
                with contextlib.suppress(TimeoutError, DecodeError):
                    asked = arp.decode(port.recv(2048))
                    if asked.operation is Operation.REQUEST and asked.sender_mac != mac:
                        answer = replace(
                            asked,
                            operation=Operation.REPLY,
                            sender_mac=mac,
                            sender_address=asked.target_address,
                            target_mac=asked.sender_mac,
                            target_address=asked.sender_address,
                            source=mac,
                            destination=asked.sender_mac,
                        )
                        port.send(arp.encode(answer))

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def secret(cluster: Cluster) -> Keyring:
    text = (cluster.lan.node("a").root / "run/vipservice/adverts-1.key").read_text().strip()
    return Keyring({1: bytes.fromhex(text)})


@contextlib.contextmanager
def repeating(cluster: Cluster, datagram: bytes) -> Iterator[None]:
    """The client's host advertises this, over and over."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.1):
            speak(cluster, [datagram])

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_a_clone_a_clash_of_ids_and_a_foreign_key_are_seen(healed: Cluster, visit: Visit) -> None:
    healed.daemons["b"].stop()  # nobody is to be confused by what is said here but the doctor
    host = healed.lan.node("b")
    ours = bytes.fromhex(visit_id(healed))
    clone = forged(healed, secret(healed), node=ours, addresses=(IPv4Address("10.99.0.77"),))
    with repeating(healed, clone):
        report = visit(host, "1s")
    found = report.of("node_id", "error")
    assert "mallory (10.99.0.100, 02:76:69:70:00:64) has this node's id" in found["what"]
    assert any(line.startswith("rm ") for line in found["snippet"])
    clash = report.of("group_id", "error")
    assert "has group 1 with 10.99.0.77, here it is 10.99.0.234" in clash["what"]
    with repeating(healed, forged(healed, Keyring({1: bytes(range(32))}), addresses=(VIP,))):
        keys = visit(host, "1s").of("keys", "error")
    assert "is signed with another secret under the same number" in keys["what"]


def visit_id(cluster: Cluster) -> str:
    stored = cluster.lan.node("b").root / "run/vipservice/state/identity.json"
    return read_identity(stored.read_bytes()).node.hex()


def test_without_capabilities_it_says_so_and_judges_what_it_can(healed: Cluster, visit: Visit) -> None:
    healed.daemons["b"].stop()
    report = visit(healed.lan.node("b"), before=SETPRIV)
    found = report.of("capabilities", "error")
    assert found["what"] == "this process lacks CAP_NET_ADMIN and CAP_NET_RAW"
    assert "nothing was looked at on eth0" in report.of("link", "info")["what"]
    assert report.code == 69


def test_a_configuration_that_cannot_be_used_ends_with_78(healed: Cluster, visit: Visit) -> None:
    file = healed.lan.node("b").root / "run/vipservice/vipservice.yml"
    before = file.read_text()
    file.write_text("floating_ip: {enabled: perhaps}\n")
    try:
        report = visit(healed.lan.node("b"))
    finally:
        file.write_text(before)
    assert report.code == 78
    assert "perhaps" in report.of("configuration", "error")["what"]


def test_kernel_settings_that_hide_the_address_are_found(healed: Cluster, visit: Visit) -> None:
    host = healed.lan.node("b")
    host.in_network(lambda: write_settings({"net/ipv4/conf/eth0/arp_ignore": "2"}))
    try:
        found = visit(host).of("arp_ignore", "error")
    finally:
        host.in_network(lambda: write_settings({"net/ipv4/conf/eth0/arp_ignore": "0"}))
    assert found["what"].startswith("arp_ignore is 2 on eth0")
