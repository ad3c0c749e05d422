"""ARP and raw adverts on one interface by bpf(4): the macOS side of the Neighbours port."""

import os
import random
from collections.abc import Sequence
from contextlib import suppress

from vipservice.adapters.classic_bpf import Program
from vipservice.adapters.darwin import capture
from vipservice.adapters.darwin.capture_filter import advert_program, arp_program
from vipservice.adapters.darwin.system import System
from vipservice.adapters.host_errors import host_error, host_errors
from vipservice.core.values import Address, Mac
from vipservice.runtime.ports import KEPT, Interface

_ETHERNET_HEADER = 14
_ARP_BUFFER = 64 * 60
"""Bytes of one read(2): no more records of the least size than the loop takes in a round."""

_ADVERT_BUFFER = 12 * 1024
"""More than any raw advert, and 200 of the least frames; the kernel cuts what is larger."""


class DarwinNeighbours:
    """Frames on one interface, filtered in the kernel. Nothing of it needs an IP address."""

    def __init__(self, interface: Interface, system: System) -> None:
        self._interface = interface
        self._addresses: frozenset[Address] = frozenset()
        with host_errors("opening /dev/bpf (only root may)", interface.name):
            self._arp = _Capture(system, interface, _ARP_BUFFER, arp_program((), interface.mac))
            try:
                self._adverts = _Capture(system, interface, _ADVERT_BUFFER, advert_program(interface.mac))
            except BaseException:
                self._arp.close()
                raise

    def filenos(self) -> Sequence[int]:
        """Readable when `receive_arp` or `receive_adverts` has something."""
        return (self._arp.descriptor, self._adverts.descriptor)

    def listen_for(self, addresses: frozenset[Address]) -> None:
        """Exchange the kernel's filter in one step: no frame is lost and none slips through.

        Raises:
            HostError: The kernel refused the filter; the former one stays.
        """
        if addresses != self._addresses:
            with host_errors("setting the ARP filter", self._interface.name):
                self._arp.filter(arp_program(addresses, self._interface.mac))
            self._addresses = addresses

    def thin_arp(self, known: frozenset[Mac] | None) -> None:
        """Let ARP from `known` pass, what is sent to us alone, and one of `KEPT` others; None: everything."""
        self._arp.known = known

    def thin_adverts(self, known: frozenset[Mac] | None) -> None:
        """Let raw adverts from `known` pass, and one of `KEPT` others; None: all of them."""
        self._adverts.known = known

    def receive_arp(self, limit: int) -> Sequence[bytes]:  # noqa: ARG002 - see _ARP_BUFFER
        """Ethernet frames with ARP in them, cut to 128 bytes, not sent by this host."""
        return self._arp.receive(spare=self._interface.mac)

    def receive_adverts(self, limit: int) -> Sequence[bytes]:  # noqa: ARG002 - see _ADVERT_BUFFER
        """Payloads of raw adverts, Ethernet padding possibly still at the end."""
        return [frame[_ETHERNET_HEADER:] for frame in self._adverts.receive()]

    def send(self, frame: bytes) -> None:
        """Put a whole Ethernet frame on the wire.

        Raises:
            HostError: The kernel refused (interface down, no buffer).
        """
        try:
            os.write(self._arp.descriptor, frame)
        except OSError as error:
            raise host_error("sending a frame", self._interface.name, error) from error

    def close(self) -> None:
        """Let the descriptors go."""
        self._arp.close()
        self._adverts.close()


class _Capture:
    """One descriptor of bpf(4)."""

    def __init__(self, system: System, interface: Interface, buffer: int, program: Program) -> None:
        self._system = system
        self._buffer = buffer
        self.descriptor = system.capture(interface.name, buffer, program)
        self.known: frozenset[Mac] | None = None
        """While strangers are thinned out: whose frames all count."""

    def filter(self, program: Program) -> None:
        self._system.set_filter(self.descriptor, program)

    def receive(self, spare: Mac | None = None) -> list[bytes]:
        """What one read(2) gives, which is all or a buffer full; what is left makes the descriptor readable.

        A flood is thinned out here, for BSD's filter knows no chance; that many frames come by one call is
        what makes it cheap enough.
        """
        return [frame for frame in capture.frames(self._read()) if self._counts(frame, spare)]

    def close(self) -> None:
        with suppress(OSError):
            os.close(self.descriptor)

    def _read(self) -> bytes:
        try:
            return os.read(self.descriptor, self._buffer)
        except OSError:
            # EAGAIN when there is nothing; ENXIO when the interface is gone, of which events tell.
            return b""

    def _counts(self, frame: bytes, spare: Mac | None) -> bool:
        if self.known is None or frame[6:12] in self.known or frame[:6] == spare:
            return True
        return not random.getrandbits(KEPT.bit_length() - 1)
