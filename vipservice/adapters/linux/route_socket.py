"""Two ways to talk rtnetlink: a socket that asks and gets its answer, and one that listens to changes."""

import errno
import os
import socket
from collections.abc import Sequence
from struct import Struct

from vipservice.adapters.linux.netlink import (
    NLM_F_ACK,
    NLM_F_DUMP,
    NLM_F_DUMP_INTR,
    NLMSG_DONE,
    NLMSG_ERROR,
    Message,
    read_error,
    request,
    split,
)
from vipservice.adapters.linux.packet_filter import changes_program
from vipservice.adapters.linux.socket_options import attach_filter, receive_buffer, set_if_known

_SOL_NETLINK = 270
_NETLINK_EXT_ACK, _NETLINK_CAP_ACK, _NETLINK_GET_STRICT_CHK = 11, 10, 12
_RTMGRP_LINK, _RTMGRP_IPV4_IFADDR, _RTMGRP_IPV6_IFADDR = 0x1, 0x10, 0x100
_RTMGRP_IPV4_ROUTE, _RTMGRP_IPV6_ROUTE = 0x40, 0x400
_GROUPS = _RTMGRP_LINK | _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV6_IFADDR | _RTMGRP_IPV4_ROUTE | _RTMGRP_IPV6_ROUTE

_DATAGRAM = 65536
"""Twice what the kernel puts into one datagram of a dump."""
_ANSWER_WITHIN = 1
"""Seconds. The kernel answers before sendto(2) returns; this is for a kernel that loses an answer."""
_EVENTS_BUFFER = 4 * 1024 * 1024
"""Bytes: some 3000 renewals' worth of a stalled daemon."""
_DUMP_ATTEMPTS = 5
_TIMEVAL = Struct("@l l")


class RouteError(Exception):
    """The kernel refused a request: errno, and its own words where it has any."""

    def __init__(self, number: int, words: str) -> None:
        super().__init__(words or os.strerror(number))
        self.errno = number
        self.problem = f"{os.strerror(number)}: {words}" if words else os.strerror(number)


class RouteSocket:
    """Asks the kernel, and waits for its answer: microseconds, and never longer than a second."""

    def __init__(self) -> None:
        self._socket = _open()
        self._sequence = 0
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL.pack(_ANSWER_WITHIN, 0))

    def change(self, kind: int, flags: int, body: bytes) -> None:
        """Send a request that changes something and take its acknowledgement.

        Raises:
            RouteError: The kernel refused.
        """
        sequence = self._send(kind, flags | NLM_F_ACK, body)
        while True:
            for message in self._receive(sequence):
                if message.kind == NLMSG_ERROR:
                    _raise_for(message)
                    return

    def dump(self, kind: int, body: bytes) -> Sequence[Message]:
        """Read a whole table; again when it changed meanwhile (NLM_F_DUMP_INTR).

        Raises:
            RouteError: The kernel refused.
        """
        messages: list[Message] = []
        for _attempt in range(_DUMP_ATTEMPTS):
            messages = self._dump_once(kind, body)
            if not any(message.flags & NLM_F_DUMP_INTR for message in messages):
                break
        return [message for message in messages if message.kind != NLMSG_DONE]

    def close(self) -> None:
        """Let the socket go."""
        self._socket.close()

    def _dump_once(self, kind: int, body: bytes) -> list[Message]:
        """Collect a dump's messages, the NLMSG_DONE that ends it included."""
        sequence = self._send(kind, NLM_F_DUMP, body)
        messages: list[Message] = []
        while not messages or messages[-1].kind != NLMSG_DONE:
            for message in self._receive(sequence):
                if message.kind in (NLMSG_ERROR, NLMSG_DONE):
                    _raise_for(message)
                messages.append(message)
        return messages

    def _send(self, kind: int, flags: int, body: bytes) -> int:
        self._sequence = (self._sequence + 1) & 0xFFFFFFFF
        try:
            self._socket.send(request(kind, flags, self._sequence, body))
        except OSError as error:
            raise RouteError(error.errno or errno.EIO, "") from error
        return self._sequence

    def _receive(self, sequence: int) -> list[Message]:
        """Take one datagram; messages of an earlier request that went wrong are left out."""
        try:
            data = self._socket.recv(_DATAGRAM)
        except OSError as error:
            raise RouteError(error.errno or errno.EIO, "no answer from the kernel") from error
        return [message for message in split(data) if message.sequence == sequence]


class ChangesSocket:
    """Hears what changes on links, addresses and default routes, whoever did it."""

    def __init__(self) -> None:
        self._socket = _open()
        self._socket.setblocking(False)
        receive_buffer(self._socket, _EVENTS_BUFFER)
        attach_filter(self._socket, changes_program())
        self._socket.bind((0, _GROUPS))

    def fileno(self) -> int:
        """Readable when `receive` has something."""
        return self._socket.fileno()

    def receive(self) -> Sequence[Message] | None:
        """Take one datagram's messages, or None when there is none.

        Raises:
            OSError: ENOBUFS: the kernel dropped some; what follows is whole again.
        """
        try:
            data, (port, _groups) = self._socket.recvfrom(_DATAGRAM)
        except (BlockingIOError, InterruptedError):
            return None
        # Another process may send to us; only the kernel has port 0.
        return list(split(data)) if port == 0 else []

    def close(self) -> None:
        """Let the socket go."""
        self._socket.close()


def _open() -> socket.socket:
    """Open NETLINK_ROUTE, with the kernel's words in errors and filtered dumps where it knows them."""
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    for option in (_NETLINK_EXT_ACK, _NETLINK_CAP_ACK, _NETLINK_GET_STRICT_CHK):
        set_if_known(opened, _SOL_NETLINK, option, 1)
    return opened


def _raise_for(message: Message) -> None:
    number, words = read_error(message)
    if number:
        raise RouteError(number, words)
