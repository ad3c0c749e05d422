"""Somebody on the LAN who means no good: sends what he likes, hears what passes, and lies about addresses."""

import contextlib
import re
import secrets
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address

from vipservice.core.messages import Advert, Capability, Entry, PeerHeard
from vipservice.core.roles import Role
from vipservice.core.values import Address, GroupId, Mac, NodeId
from vipservice.lab.demo.cluster import VIP, Cluster
from vipservice.lab.hosts import INTERFACE
from vipservice.lab.namespaces import Namespace
from vipservice.lab.network import port_name
from vipservice.wire.advert import encode
from vipservice.wire.signing import Keyring, seal

GROUP = "224.0.0.254"
PORT = 61111
ETH_P_ALL = 0x0003
SO_RCVBUFFORCE = 33
SERIES = re.compile(r"(?P<name>\w+)(?:\{(?P<labels>[^}]*)\})? (?P<value>\S+)")
MAC = Mac(bytes.fromhex("0276697000ee"))
SECRET = bytes(range(32))
FAR = 10**12
"""A term, an incarnation, a sequence number that beats any other."""


def speak(cluster: Cluster, datagrams: Iterable[bytes], ttl: int = 255) -> None:
    """Multicast datagrams to the port of the adverts, from the client's host."""

    def work() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, cluster.lan.client.address.packed)
            for datagram in datagrams:
                sender.sendto(datagram, (GROUP, PORT))

    cluster.lan.client.in_network(work)


def packet_socket(box: Namespace, interface: str = INTERFACE) -> socket.socket:
    """Open a socket that hears and sends whole frames in somebody's network."""

    def work() -> socket.socket:
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 * 1024 * 1024)
        opened.bind((interface, ETH_P_ALL))
        opened.setblocking(False)
        return opened

    return box.in_network(work)


@contextlib.contextmanager
def recorded(cluster: Cluster, node: str) -> Iterator[Callable[[], list[bytes]]]:
    """Record what a node sends, at its switch port; the block's value gives the adverts so far."""
    frames: list[bytes] = []
    mac = bytes.fromhex(cluster.lan.node(node).plan.mac.replace(":", ""))
    with packet_socket(cluster.lan._hub, port_name(node)) as tap:

        def adverts() -> list[bytes]:
            with contextlib.suppress(BlockingIOError):
                while True:
                    frames.append(tap.recv(65536))
            return [_finished(frame) for frame in frames if frame[6:12] == mac and b"VIPS" in frame[14:64]]

        yield adverts


def _finished(frame: bytes) -> bytes:
    """A recorded frame as a network card would have sent it: a virtual one leaves the UDP checksum undone.

    Zero says that there is none (RFC 768), and every kernel takes it.
    """
    if frame[12:14] != b"\x08\x00":
        return frame
    checksum = 14 + 4 * (frame[14] & 0x0F) + 6
    return frame[:checksum] + bytes(2) + frame[checksum + 2 :]


@contextlib.contextmanager
def sending(cluster: Cluster, frames: list[bytes], pause: float = 0.001) -> Iterator[None]:
    """Put these frames on the wire from the client's host, over and over, for the length of a block."""
    ended = threading.Event()
    with packet_socket(cluster.lan.client) as sender:

        def work() -> None:
            while not ended.is_set():
                for frame in frames:
                    with contextlib.suppress(OSError):
                        sender.send(frame)
                    if ended.wait(pause):
                        return

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def forged(
    cluster: Cluster,
    keyring: Keyring | None = None,
    *,
    addresses: tuple[Address, ...] = (VIP,),
    role: Role = Role.ACTIVE,
    node: bytes | None = None,
    heard: bool = False,
) -> bytes:
    """An advert of somebody who claims the highest rank there is."""
    entry = Entry(
        group=GroupId(1),
        role=role,
        priority=254,
        term=FAR,
        interval=0.1,
        lease_left=3.0,
        digest=bytes(8),
        addresses=addresses,
        fit=True,
    )
    advert = Advert(
        node=NodeId(node or secrets.token_bytes(16)),
        name="mallory",
        incarnation=FAR,
        sequence=FAR,
        address=IPv4Address("10.99.0.100"),
        macs=(MAC,),
        capabilities=Capability.NONE,
        heard=tuple(lives(cluster)) if heard else (),
        entries=(entry,),
    )
    return seal(encode(advert), keyring or Keyring())


def lives(cluster: Cluster) -> Iterator[PeerHeard]:
    """The present incarnations of the nodes, as somebody who hears them would name them."""
    for daemon in cluster.daemons.values():
        status = daemon.status()
        yield PeerHeard(NodeId(bytes.fromhex(status["node_id"])), status["incarnation"], 0.01)


def metrics(box: Namespace, port: int = 10234) -> dict[str, float]:
    """Scrape a node from inside: series to value, labels as they are printed."""
    text: str = box.in_network(
        lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
    )
    found = (SERIES.fullmatch(line) for line in text.splitlines() if not line.startswith("#"))
    return {
        match["name"] + (f"{{{match['labels']}}}" if match["labels"] else ""): float(match["value"])
        for match in found
        if match is not None
    }


def rejected(cluster: Cluster, node: str, reason: str) -> float:
    """How many adverts a node has rejected for a reason."""
    return metrics(cluster.lan.node(node)).get(f'vipservice_adverts_rejected_total{{reason="{reason}"}}', 0.0)


def wait_rejected(cluster: Cluster, node: str, reason: str, at_least: float, timeout: float = 3.0) -> None:
    """Wait until a node has counted so many.

    Raises:
        TimeoutError: It has not.
    """
    deadline = time.monotonic() + timeout
    while (seen := rejected(cluster, node, reason)) < at_least:
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"{node} counted {seen:g} of {at_least:g} adverts as {reason}\n{cluster.report()}"
            )
        time.sleep(0.05)
