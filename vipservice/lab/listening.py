"""The process that stamps address events as the kernels utter them. Run by its path; standard library only.

usage: listening.py DESCRIPTOR

DESCRIPTOR is a netlink socket that hears every namespace's events. Each datagram becomes a record on standard
output: seconds on CLOCK_MONOTONIC, the number of the namespace, how many bytes follow, the bytes. A byte on
standard input is answered, once the socket is empty, by a record of namespace ANSWER; its end is ours. Events
that the kernel had to drop are a record of namespace LOST. It is a process of its own, with realtime priority
where permitted, so that neither the lab's Python nor a busy machine delays the stamps.
"""

import contextlib
import os
import select
import socket
import struct
import sys
import time

RECORD = struct.Struct("=diI")
ANSWER = -2
LOST = -3
OWN = -1
PRIORITY = 40
SOL_NETLINK = 270
NETLINK_LISTEN_ALL_NSID = 8
RECEIVE_SIZE = 1 << 17


def listen(events: socket.socket) -> None:
    """Turn events into records until standard input ends."""
    poll = select.poll()
    poll.register(events, select.POLLIN)
    poll.register(0, select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _ in poll.poll()]
        drain(events)
        if 0 in ready:
            asked = os.read(0, 64)
            if not asked:
                return
            # An event that came before the question has been queued before it: what is there now is enough.
            drain(events)
            for _ in asked:
                write(time.monotonic(), ANSWER, b"")


def drain(events: socket.socket) -> None:
    """Write down everything that is queued."""
    while True:
        try:
            data, ancillary, _, _ = events.recvmsg(RECEIVE_SIZE, 64, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            write(time.monotonic(), LOST, b"")
            continue
        write(time.monotonic(), namespace_of(ancillary), data)


def namespace_of(ancillary: list[tuple[int, int, bytes]]) -> int:
    """The number of the namespace a message came from; OWN for the listener's own."""
    for level, kind, data in ancillary:
        if (level, kind) == (SOL_NETLINK, NETLINK_LISTEN_ALL_NSID):
            return int.from_bytes(data[:4], sys.byteorder, signed=True)
    return OWN


def write(at: float, namespace: int, data: bytes) -> None:
    """One record, whole."""
    record = memoryview(RECORD.pack(at, namespace, len(data)) + data)
    while record:
        record = record[os.write(1, record) :]


def main() -> None:
    """Read the arguments and listen."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    with socket.socket(fileno=int(sys.argv[1])) as events, contextlib.suppress(BrokenPipeError):
        listen(events)  # who listens to us may be killed: then nobody wants the rest


if __name__ == "__main__":
    main()
