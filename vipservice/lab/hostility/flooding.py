"""A process that puts frames on the wire at a given rate. Run by its path; standard library only.

usage: flooding.py INTERFACE RATE < frames

Standard input has the frames, each after its length (two bytes, big-endian), then a zero length. They are
sent in turn, over and over, RATE a second as far as the machine gives that; what was missed is made up for by
`BURST` seconds at most. A byte on standard input is answered by a line: how many were sent, how many were
refused. The end of standard input is ours.

It is a real-time process above the daemons: packets from outside come whatever the host is doing.
"""

import contextlib
import os
import select
import socket
import sys
import time
from collections.abc import Iterator
from itertools import cycle

STEP = 0.001
"""Seconds between two bursts: what a second's rate is cut into."""

BURST = 0.05
PRIORITY = 30
SOL_PACKET, PACKET_QDISC_BYPASS = 263, 20


def read_frames(descriptor: int) -> list[bytes]:
    """The frames, up to the zero length."""
    frames = []
    while size := int.from_bytes(read_exactly(descriptor, 2), "big"):
        frames.append(read_exactly(descriptor, size))
    return frames


def read_exactly(descriptor: int, size: int) -> bytes:
    """So many bytes; fewer are an error."""
    data = b""
    while len(data) < size:
        more = os.read(descriptor, size - len(data))
        if not more:
            raise EOFError("standard input ended within the frames")
        data += more
    return data


def flood(sender: socket.socket, frames: Iterator[bytes], rate: float) -> None:
    """Send until standard input ends, and answer what is asked there."""
    sent = refused = 0
    poll = select.poll()
    poll.register(0, select.POLLIN)
    last, owed = time.monotonic(), 0.0
    while True:
        now = time.monotonic()
        owed = min(owed + (now - last) * rate, BURST * rate)
        last = now
        for _ in range(int(owed)):
            try:
                sender.send(next(frames))
                sent += 1
            except OSError:
                refused += 1
        owed -= int(owed)
        if poll.poll(max(0.0, (last + STEP - time.monotonic()) * 1000)):
            if not os.read(0, 1):
                return
            os.write(1, f"{sent} {refused}\n".encode())


def main() -> None:
    """Read the arguments and the frames, and send."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.bind((sys.argv[1], 0))
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
        with contextlib.suppress(OSError):
            sender.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        flood(sender, cycle(read_frames(0)), float(sys.argv[2]))


if __name__ == "__main__":
    main()
