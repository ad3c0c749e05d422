"""The process that asks: one ICMP echo each millisecond. Run by its path; standard library only.

usage: pinging.py ADDRESS PERIOD DESCRIPTOR

DESCRIPTOR is a memory file that the lab maps too: one 64-bit count of the echoes sent, then for each echo two
doubles, when it was sent and when its answer was received (0 for not yet), seconds on CLOCK_MONOTONIC. So the
lab can look at any moment without disturbing anybody. The schedule is absolute: a late echo makes no other
late, and none is left out. An ARP cache like any host's decides where the echoes go.
"""

import contextlib
import gc
import mmap
import os
import select
import socket
import struct
import sys
import time

COUNT = struct.Struct("=q")
PAIR = 2
"""Doubles for an echo: sent, received."""
ECHO = struct.Struct("!BBHHHIQ")
"""Type, code, checksum, identifier, low half of the number, the number, our mark."""
ECHO_REQUEST = 8
ECHO_REPLY = 0
MARK = 0x7669706C61620000
PRIORITY = 30
SOL_RAW = 255
ICMP_FILTER = 1
CATCH_UP = 5
"""Echoes sent in one go after a pause of our own, before answers are read again."""


def checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def echo(number: int, identifier: int) -> bytes:
    """An echo request that says which one it is."""
    low = number & 0xFFFF
    blank = ECHO.pack(ECHO_REQUEST, 0, 0, identifier, low, number, MARK)
    return ECHO.pack(ECHO_REQUEST, 0, checksum(blank), identifier, low, number, MARK)


def answered(packet: bytes, identifier: int) -> int | None:
    """The number of the echo that an IPv4 packet answers; None if it is no answer to us."""
    header = (packet[0] & 0x0F) * 4
    if len(packet) < header + ECHO.size:
        return None
    kind, _, _, sender, _, number, mark = ECHO.unpack_from(packet, header)
    if (kind, sender, mark) != (ECHO_REPLY, identifier, MARK):
        return None
    return int(number)


class Pings:
    """The echoes and the memory they are written down in."""

    def __init__(self, address: str, memory: mmap.mmap) -> None:
        self._address = address
        self._identifier = os.getpid() & 0xFFFF
        self._memory = memory
        self._times = memoryview(memory)[COUNT.size :].cast("d")
        self._most = len(self._times) // PAIR
        self._number = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        # A set bit keeps a type out: everything but echo replies.
        self._socket.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF & ~(1 << ECHO_REPLY)))
        self._socket.setblocking(False)

    def run(self, period: float) -> None:
        """Send and receive until the memory is full."""
        began = time.monotonic()
        sockets = (self._socket,)
        while self._number < self._most:
            wait = began + self._number * period - time.monotonic()
            readable, _, _ = select.select(sockets, (), (), max(wait, 0.0))
            if readable:
                self._receive()
            due = int((time.monotonic() - began) / period) + 1 - self._number
            for _ in range(min(due, CATCH_UP)):
                self._send()

    def _send(self) -> None:
        if self._number >= self._most:
            return
        packet = echo(self._number, self._identifier)
        self._times[PAIR * self._number] = time.monotonic()
        # No route, no neighbour: an echo without an answer, like any other.
        with contextlib.suppress(OSError):
            self._socket.sendto(packet, (self._address, 0))
        self._number += 1
        COUNT.pack_into(self._memory, 0, self._number)

    def _receive(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = self._socket.recv(512)
                at = time.monotonic()
                number = answered(packet, self._identifier)
                if number is not None and number < self._number and not self._times[PAIR * number + 1]:
                    self._times[PAIR * number + 1] = at


def main() -> None:
    """Read the arguments, take priority where permitted, ping."""
    address, period, descriptor = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    gc.disable()
    Pings(address, mmap.mmap(descriptor, 0)).run(period)


if __name__ == "__main__":
    main()
