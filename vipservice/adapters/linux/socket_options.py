"""Socket options of Linux that the standard library has no name for, and how they are set.

Numbers are those of asm-generic/socket.h, linux/in.h and linux/if_packet.h.
"""

import ctypes
import socket
from contextlib import suppress
from struct import Struct

from vipservice.adapters.classic_bpf import Program, assemble

SO_ATTACH_FILTER, SO_RCVBUFFORCE, SO_TIMESTAMPNS = 26, 33, 35
IP_MTU_DISCOVER, IP_PMTUDISC_OMIT = 10, 5
IP_RECVTTL, IP_MULTICAST_ALL, IP_UNICAST_IF = 12, 49, 50
SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING = 263, 6, 23

_FILTER_PROGRAM = Struct("@H P")  # struct sock_fprog: how many, where


def attach_filter(on: socket.socket, program: Program) -> None:
    """Let the kernel drop what `program` does not pass; replaces the former one between two frames."""
    code = assemble(program)
    array = ctypes.create_string_buffer(code, len(code))
    pointer = _FILTER_PROGRAM.pack(len(program), ctypes.addressof(array))
    on.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, pointer)


def receive_buffer(on: socket.socket, size: int) -> None:
    """Make the receive buffer `size` bytes, past net.core.rmem_max where CAP_NET_ADMIN allows that."""
    on.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    set_if_known(on, socket.SOL_SOCKET, SO_RCVBUFFORCE, size)


def set_if_known(on: socket.socket, level: int, option: int, value: int) -> None:
    """Set an option that makes things better, and that an older kernel or a container may refuse."""
    with suppress(OSError):
        on.setsockopt(level, option, value)
