"""ARP frames and raw adverts on one interface by AF_PACKET: the Linux side of the Neighbours port."""

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from struct import Struct

from vipservice.adapters.classic_bpf import Program
from vipservice.adapters.host_errors import host_error, host_errors
from vipservice.adapters.linux.packet_filter import advert_program, arp_program
from vipservice.adapters.linux.socket_options import (
    PACKET_IGNORE_OUTGOING,
    PACKET_STATISTICS,
    SOL_PACKET,
    attach_filter,
    receive_buffer,
    set_if_known,
)
from vipservice.core.values import Address, Mac
from vipservice.runtime.ports import HostError, Interface

ETHERTYPE_ARP = 0x0806
ETHERTYPE_ADVERT = 0x88B5
"""IEEE 802's Local Experimental EtherType 1."""

_ETHERNET_HEADER = 14
_LARGEST_FRAME = 9216 + _ETHERNET_HEADER
_RECEIVE_BUFFER = 256 * 1024
"""Bytes of kernel memory: some 300 small frames, which is what a flood can cost."""
_STATISTICS = Struct("=I I")  # packets, drops


class LinuxNeighbours:
    """Frames on one interface, filtered in the kernel. Nothing of it needs an IP address."""

    def __init__(self, interface: Interface) -> None:
        self._interface = interface.name
        self._index = interface.index
        self._buffer = bytearray(_LARGEST_FRAME)
        self._addresses: frozenset[Address] = frozenset()
        self._known: frozenset[Mac] | None = None
        self._dropped = 0
        self._truncated = 0
        with host_errors("opening a packet socket", interface.name), ExitStack() as opened:
            self._arp = opened.enter_context(
                _listener(interface, ETHERTYPE_ARP, arp_program((), interface.index))
            )
            self._adverts = opened.enter_context(
                _listener(interface, ETHERTYPE_ADVERT, advert_program(interface.index))
            )
            self._sender = opened.enter_context(_bound(interface, 0))
            opened.pop_all()

    def filenos(self) -> Sequence[int]:
        """Readable when `receive_arp` or `receive_adverts` has something."""
        return (self._arp.fileno(), self._adverts.fileno())

    def listen_for(self, addresses: frozenset[Address]) -> None:
        """Exchange the kernel's filter in one step: no frame is lost and none slips through.

        About 0.5 ms for 250 addresses, nothing when they are the same as before.

        Raises:
            HostError: The kernel refused the filter; the former one stays.
        """
        if addresses == self._addresses:
            return
        self._filter_arp(addresses, self._known)

    def thin_arp(self, known: frozenset[Mac] | None) -> None:
        """Let ARP from `known` pass, what is sent to us alone, and one of `KEPT` others; None: everything.

        Raises:
            HostError: The kernel refused the filter; the former one stays.
        """
        self._filter_arp(self._addresses, known)

    def thin_adverts(self, known: frozenset[Mac] | None) -> None:
        """Let raw adverts from `known` pass, and one of `KEPT` others; None: all of them.

        Raises:
            HostError: The kernel refused the filter; the former one stays.
        """
        with host_errors("setting the filter of raw adverts", self._interface):
            attach_filter(self._adverts, advert_program(self._index, known))

    def receive_arp(self, limit: int) -> Sequence[bytes]:
        """Ethernet frames with ARP in them, cut to 128 bytes, not sent by this host."""
        return self._receive(self._arp, limit)

    def receive_adverts(self, limit: int) -> Sequence[bytes]:
        """Payloads of raw adverts, Ethernet padding possibly still at the end."""
        return [frame[_ETHERNET_HEADER:] for frame in self._receive(self._adverts, limit)]

    def send(self, frame: bytes) -> None:
        """Put a whole Ethernet frame on the wire.

        Raises:
            HostError: The kernel refused (interface down, no buffer).
        """
        try:
            self._sender.send(frame)
        except OSError as error:
            raise host_error("sending a frame", self._interface, error) from error

    @property
    def dropped(self) -> int:
        """How many frames that passed the filters found no room in the receive buffers so far."""
        for listener in (self._arp, self._adverts):
            counts = listener.getsockopt(SOL_PACKET, PACKET_STATISTICS, _STATISTICS.size)
            self._dropped += _STATISTICS.unpack(counts)[1]  # reading sets the kernel's count to 0
        return self._dropped

    @property
    def truncated(self) -> int:
        """How many frames were larger than any advert and thrown away so far."""
        return self._truncated

    def close(self) -> None:
        """Let the sockets go."""
        for opened in (self._arp, self._adverts, self._sender):
            opened.close()

    def _filter_arp(self, addresses: frozenset[Address], known: frozenset[Mac] | None) -> None:
        with host_errors("setting the ARP filter", self._interface):
            attach_filter(self._arp, arp_program(addresses, self._index, known))
        self._addresses, self._known = addresses, known

    def _receive(self, listener: socket.socket, limit: int) -> list[bytes]:
        frames: list[bytes] = []
        for _ in range(limit):
            try:
                length = listener.recv_into(self._buffer, 0, socket.MSG_TRUNC)
            except BlockingIOError:
                break
            except OSError:
                # ENETDOWN, once, when the interface goes down: netlink tells that story.
                continue
            if length > len(self._buffer):
                self._truncated += 1
            else:
                frames.append(bytes(self._buffer[:length]))
        return frames


def _listener(interface: Interface, ethertype: int, program: Program) -> socket.socket:
    """Open a socket for one EtherType; it receives nothing before its filter is in place."""
    opened = _unbound()
    try:
        attach_filter(opened, program)
        set_if_known(opened, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)  # spares the filter the work (Linux 4.20)
        receive_buffer(opened, _RECEIVE_BUFFER)
        _bind(opened, interface, ethertype)
    except BaseException:
        opened.close()
        raise
    return opened


def _bound(interface: Interface, ethertype: int) -> socket.socket:
    opened = _unbound()
    try:
        _bind(opened, interface, ethertype)
    except BaseException:
        opened.close()
        raise
    return opened


def _unbound() -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    opened.setblocking(False)
    return opened


def _bind(opened: socket.socket, interface: Interface, ethertype: int) -> None:
    """Bind to the interface by name, and check that the name is still that of the one meant."""
    if socket.if_nametoindex(interface.name) != interface.index:
        raise HostError("binding a packet socket", interface.name, errno.ENODEV, "it is another one now")
    opened.bind((interface.name, ethertype))
