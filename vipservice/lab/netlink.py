"""As much rtnetlink as the lab needs, written apart from the product's own so that it can contradict it.

Message layouts: linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/net_namespace.h.
"""

import os
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self

from vipservice.core.values import Address
from vipservice.lab.namespaces import Namespace

NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_DUMP = 0x300
NLM_F_CREATE_REPLACE = 0x500

RTM_NEWLINK = 16
RTM_DELLINK = 17
RTM_NEWADDR = 20
RTM_DELADDR = 21
RTM_GETADDR = 22
RTM_NEWNSID = 88
RTM_DELNSID = 89

RTMGRP_IPV4_IFADDR = 0x10
RTMGRP_IPV6_IFADDR = 0x100
RTNLGRP_NSID = 28

IFLA_MASTER = 10
IFA_ADDRESS = 1
IFA_LOCAL = 2
IFA_FLAGS = 8
NETNSA_NSID = 1
NETNSA_FD = 3

IFF_UP = 0x1
IFA_F_DADFAILED = 0x08
IFA_F_TENTATIVE = 0x40

NETLINK_ADD_MEMBERSHIP = 1
NETLINK_LISTEN_ALL_NSID = 8
SOL_NETLINK = 270
SO_RCVBUFFORCE = 33

RECEIVE_SIZE = 1 << 17
HEADER = struct.Struct("=IHHII")


@dataclass(frozen=True, slots=True)
class AddressChange:
    """An address that a kernel holds, or has ceased to hold."""

    address: Address
    index: int
    held: bool
    """It answers for the address: present, and for IPv6 past duplicate detection."""


class Netlink:
    """A question-and-answer socket into one namespace's kernel."""

    def __init__(self, namespace: Namespace) -> None:
        self._socket = namespace.in_network(_open_route_socket)
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the socket, and with it the namespace, go."""
        self._socket.close()

    def set_up(self, index: int, up: bool) -> None:
        """`ip link set up|down`: a veth's other end sees its carrier come and go."""
        self._link(RTM_NEWLINK, index, IFF_UP if up else 0, IFF_UP)

    def set_master(self, index: int, bridge: int) -> None:
        """Plug a port into a bridge (by index); 0 pulls it out."""
        self._link(RTM_NEWLINK, index, 0, 0, _attribute(IFLA_MASTER, struct.pack("=I", bridge)))

    def delete_link(self, index: int) -> None:
        """Remove an interface; of a veth pair both ends go."""
        self._link(RTM_DELLINK, index, 0, 0)

    def add_address(self, index: int, address: Address, prefix_length: int) -> None:
        """`ip address replace`, permanent; for IPv6 without duplicate detection."""
        self._address(RTM_NEWADDR, NLM_F_CREATE_REPLACE, index, address, prefix_length)

    def delete_address(self, index: int, address: Address, prefix_length: int) -> None:
        """`ip address del`."""
        self._address(RTM_DELADDR, 0, index, address, prefix_length)

    def addresses(self) -> dict[Address, tuple[int, int]]:
        """Every address this kernel answers for: interface index and prefix length."""
        found = {}
        for kind, body in self._request(RTM_GETADDR, NLM_F_DUMP, struct.pack("=BBBBi", 0, 0, 0, 0, 0)):
            change = address_change(kind, body)
            if change is not None and change.held:
                found[change.address] = (change.index, body[1])
        return found

    def name_namespace(self, descriptor: int, number: int) -> None:
        """Give another network namespace a number by which this one knows it (RTM_NEWNSID)."""
        body = struct.pack("=Bxxx", 0)
        body += _attribute(NETNSA_NSID, struct.pack("=i", number))
        body += _attribute(NETNSA_FD, struct.pack("=I", descriptor))
        self._request(RTM_NEWNSID, NLM_F_ACK, body)

    def _link(self, kind: int, index: int, flags: int, change: int, attributes: bytes = b"") -> None:
        body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, change) + attributes
        self._request(kind, NLM_F_ACK, body)

    def _address(self, kind: int, flags: int, index: int, address: Address, prefix_length: int) -> None:
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        nodad = 0x02 if address.version == 6 else 0
        body = struct.pack("=BBBBi", family, prefix_length, nodad, 0, index)
        body += _attribute(IFA_LOCAL, address.packed) + _attribute(IFA_ADDRESS, address.packed)
        self._request(kind, flags | NLM_F_ACK, body)

    def _request(self, kind: int, flags: int, body: bytes) -> list[tuple[int, bytes]]:
        """Ask, and collect until the kernel says that was all."""
        self._sequence += 1
        header = HEADER.pack(HEADER.size + len(body), kind, NLM_F_REQUEST | flags, self._sequence, 0)
        self._socket.sendto(header + body, (0, 0))
        answers: list[tuple[int, bytes]] = []
        while True:
            for answer, content in messages(self._socket.recv(RECEIVE_SIZE)):
                if answer == NLMSG_ERROR:
                    _raise_refusal(content)
                if answer in (NLMSG_ERROR, NLMSG_DONE):
                    return answers
                answers.append((answer, content))


def open_listener(mask: int, groups: Sequence[int] = ()) -> socket.socket:
    """A socket in the calling thread's namespace that hears its own and every numbered namespace's events.

    One queue for all kernels keeps the order in which things happened, which several sockets read one after
    the other would not: an address moved in 20 us must not look as if two had held it.
    """
    listener = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    listener.setsockopt(SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, 1)
    listener.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
    listener.bind((0, mask))
    for group in groups:
        listener.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
    return listener


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Take a datagram apart into (type, body)."""
    at = 0
    while at + HEADER.size <= len(data):
        length, kind, *_ = HEADER.unpack_from(data, at)
        if length < HEADER.size:
            return
        yield kind, data[at + HEADER.size : at + length]
        at += (length + 3) & ~3


def address_change(kind: int, body: bytes) -> AddressChange | None:
    """What an RTM_NEWADDR or RTM_DELADDR says; None for anything else."""
    if kind not in (RTM_NEWADDR, RTM_DELADDR):
        return None
    _, _, short_flags, _, index = struct.unpack_from("=BBBBi", body)
    attributes = dict(_attributes(body[8:]))
    packed = attributes.get(IFA_LOCAL) or attributes.get(IFA_ADDRESS)
    if packed is None:
        return None
    flags = int.from_bytes(attributes.get(IFA_FLAGS, bytes([short_flags])), sys.byteorder)
    answers = not flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)
    return AddressChange(ip_address(packed), index, kind == RTM_NEWADDR and answers)


def _open_route_socket() -> socket.socket:
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    opened.bind((0, 0))
    opened.settimeout(5.0)
    return opened


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            return
        yield kind & 0x3FFF, data[at + 4 : at + length]
        at += (length + 3) & ~3


def _raise_refusal(content: bytes) -> None:
    (code,) = struct.unpack_from("=i", content)
    if code:
        raise OSError(-code, os.strerror(-code))
