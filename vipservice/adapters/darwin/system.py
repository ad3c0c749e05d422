"""The lowest port of the macOS adapter: programs that are run, and descriptors that are opened.

Everything above it is tried on any machine against one that is played; only `MacOs` needs macOS itself.
"""

import array
import errno
import fcntl
import os
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import psutil

from vipservice.adapters.classic_bpf import Program, assemble
from vipservice.adapters.darwin import capture, kernel_events

PF_ROUTE = 17
AF_LINK = 18
COMMAND_WITHIN = 1.0
"""Seconds for ifconfig or route, which take some milliseconds: a loop that waits longer has lost anyhow."""

NO_MAC = bytes(6)
_DEVICES = 256
_EVENTS_BUFFER = 256 * 1024


class Output(NamedTuple):
    """What a program left behind."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Link:
    """An interface as getifaddrs(3) shows it."""

    name: str
    index: int
    mac: bytes
    up: bool
    """Up and running; a carrier is another matter."""
    loopback: bool
    addresses: tuple[tuple[str, str], ...]
    """IPv4 addresses and their masks."""


class System(Protocol):
    """What the adapter needs of macOS."""

    def run(self, command: Sequence[str]) -> Output:
        """Run a program to its end. Raises OSError where it cannot be run."""

    def links(self) -> Sequence[Link]:
        """Every interface now."""

    def route_events(self) -> socket.socket:
        """A routing socket that hears everything. Raises OSError."""

    def link_events(self) -> socket.socket:
        """A socket that hears the kernel's events of links. Raises OSError."""

    def capture(self, interface: str, buffer: int, program: Program) -> int:
        """A descriptor of bpf(4) on `interface`, which captures what `program` passes. Raises OSError."""

    def set_filter(self, descriptor: int, program: Program) -> None:
        """Exchange a descriptor's filter; what has been captured stays. Raises OSError."""


class MacOs:
    """MacOS itself."""

    def run(self, command: Sequence[str]) -> Output:
        """Run a program to its end. Raises OSError where it cannot be run."""
        try:
            done = subprocess.run(  # noqa: S603 - words of our own, no shell
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=COMMAND_WITHIN,
                env={"LC_ALL": "C"},
            )
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(
                errno.ETIMEDOUT, f"{command[0]} has not ended within {COMMAND_WITHIN:g} s"
            ) from error
        return Output(done.returncode, done.stdout, done.stderr)

    def links(self) -> Sequence[Link]:
        """Every interface now."""
        statistics, found = psutil.net_if_stats(), []
        for name, addresses in psutil.net_if_addrs().items():
            flags = statistics[name].flags.split(",") if name in statistics else []
            with suppress(OSError):  # it has gone since
                index = socket.if_nametoindex(name)
                macs = [
                    bytes.fromhex(one.address.replace(":", "")) for one in addresses if one.family == AF_LINK
                ]
                held = tuple(
                    (one.address, one.netmask or "255.255.255.255")
                    for one in addresses
                    if one.family == socket.AF_INET
                )
                up = "up" in flags and "running" in flags
                found.append(Link(name, index, (macs or [NO_MAC])[0], up, "loopback" in flags, held))
        return found

    def route_events(self) -> socket.socket:
        """A routing socket that hears everything."""
        return _listening(socket.socket(PF_ROUTE, socket.SOCK_RAW, 0))

    def link_events(self) -> socket.socket:
        """A socket that hears the kernel's events of links."""
        opened = socket.socket(kernel_events.PF_SYSTEM, socket.SOCK_RAW, kernel_events.SYSPROTO_EVENT)
        request = kernel_events.REQUEST.pack(
            kernel_events.APPLE, kernel_events.NETWORK, kernel_events.DATA_LINK
        )
        try:
            fcntl.ioctl(opened, kernel_events.SIOCSKEVFILT, request)
        except BaseException:
            opened.close()
            raise
        return _listening(opened)

    def capture(self, interface: str, buffer: int, program: Program) -> int:
        """A descriptor of bpf(4) on `interface`, which writes whole frames and does not see what it sends."""
        descriptor = _free_device()
        try:
            _set(descriptor, capture.BIOCSBLEN, buffer)
            self.set_filter(descriptor, program)  # before it is attached: nothing else is ever captured
            fcntl.ioctl(descriptor, capture.BIOCSETIF, capture.IFREQ.pack(interface.encode()))
            _set(descriptor, capture.BIOCIMMEDIATE, 1)
            _set(descriptor, capture.BIOCSHDRCMPLT, 1)
            _set(descriptor, capture.BIOCSSEESENT, 0)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def set_filter(self, descriptor: int, program: Program) -> None:
        """Exchange a descriptor's filter; what has been captured stays."""
        code = array.array("B", assemble(program))
        address, _ = code.buffer_info()
        fcntl.ioctl(descriptor, capture.BIOCSETFNR, capture.PROGRAM.pack(len(program), address))


def _mac(text: str) -> bytes:
    """As psutil writes it; an interface without one has something shorter."""
    with suppress(ValueError):
        mac = bytes.fromhex(text.replace(":", ""))
        return mac if len(mac) == len(NO_MAC) else NO_MAC
    return NO_MAC


def _set(descriptor: int, request: int, value: int) -> None:
    fcntl.ioctl(descriptor, request, capture.FLAG.pack(value))


def _free_device() -> int:
    """Open the first /dev/bpfN that nobody has; macOS makes the next one when the last is taken."""
    for number in range(_DEVICES):
        try:
            return os.open(f"/dev/bpf{number}", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
    raise OSError(errno.EBUSY, "every /dev/bpf is taken")


def _listening(opened: socket.socket) -> socket.socket:
    opened.setblocking(False)
    with suppress(OSError):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _EVENTS_BUFFER)
    return opened
