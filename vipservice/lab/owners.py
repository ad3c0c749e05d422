"""Who owns an address, and who owned it when: the nodes' kernels are asked by netlink, never the daemons.

Every kernel's address events come through one socket in the hub's namespace, in the order in which they
happened, and are stamped by a process of its own (listening.py). An owner is a kernel that has the address on
an interface. Owners only count together while frames can pass between them (reach.py): a cut-off kernel shows
an address until its lease ends and is of no account, as is one whose power is gone.
"""

import subprocess
import sys
import threading
from collections import defaultdict
from pathlib import Path
from typing import IO

from vipservice.core.values import Address
from vipservice.lab import listening, netlink
from vipservice.lab.clock import now
from vipservice.lab.namespaces import Namespace
from vipservice.lab.ownership import Holding, Ownership, Turn, holdings, ownership
from vipservice.lab.reach import Reach

ANSWER_TIMEOUT = 5.0


class EventsLostError(Exception):
    """Address events were dropped, or their listener died: nothing can be said about the owners."""


class Owners:
    """The record of who owned what, from the start of a LAN to its end."""

    def __init__(self, hub: Namespace, switch: netlink.Netlink, reach: Reach, client: str) -> None:
        self._switch = switch
        self._reach = reach
        self._client = client
        self._names: dict[int, str] = {}
        self._next_number = 1
        self._turns: list[Turn] = []
        self._held: dict[tuple[str, Address], set[int]] = defaultdict(set)
        self._lost: str | None = None
        self._asked = 0
        self._answered = 0
        self._news = threading.Condition()
        self._process = _start_listening(hub)
        self._reader = threading.Thread(target=self._read, name="vipservice-owners", daemon=True)
        self._reader.start()
        hub.on_close(self._stop)

    def watch(self, name: str, kernel: netlink.Netlink, network_descriptor: int) -> None:
        """Count a host's kernel from now on, beginning with the addresses that it has."""
        with self._news:
            number = self._next_number
            self._next_number += 1
            self._names[number] = name
        self._switch.name_namespace(network_descriptor, number)
        at = now()
        present = kernel.addresses()
        with self._news:
            for address, (index, _) in present.items():
                self._note(at, name, netlink.AddressChange(address, index, True))

    def forget(self, name: str) -> None:
        """The host's power is gone, and its kernel with it."""
        self._catch_up()
        at = now()
        with self._news:
            self._names = {number: watched for number, watched in self._names.items() if watched != name}
            for host, address in [key for key, indexes in self._held.items() if indexes and key[0] == name]:
                self._held[host, address].clear()
                self._turns.append(Turn(at, host, address, False))

    def now(self, address: Address) -> frozenset[str]:
        """Who owns it at this moment, of those whom the client can reach."""
        course = self.course(address)
        return course[-1].serving if course else frozenset()

    def between(self, address: Address, since: float, until: float | None = None) -> Ownership:
        """How it was owned in a window of the lab's clock; until now where no end is given.

        Raises:
            EventsLostError: The record has a hole.
        """
        course = self.course(address)
        return ownership(address, course, since, now() if until is None else until)

    def course(self, address: Address) -> list[Holding]:
        """How it stood after each turn since the LAN began.

        Raises:
            EventsLostError: The record has a hole.
        """
        return holdings([turn for turn in self.turns() if turn.address == address], self._reach, self._client)

    def turns(self) -> list[Turn]:
        """Every change of every address up to now, of cut-off kernels too.

        Raises:
            EventsLostError: The record has a hole.
        """
        self._catch_up()
        with self._news:
            return list(self._turns)

    def _catch_up(self) -> None:
        """Wait until the listener has seen everything that has happened before this call."""
        with self._news:
            if self._lost is None:
                self._asked += 1
                _pipe(self._process.stdin).write(b"?")
                _pipe(self._process.stdin).flush()
                question = self._asked
                self._news.wait_for(lambda: self._answered >= question or self._lost, ANSWER_TIMEOUT)
                if self._answered < question and self._lost is None:
                    self._lost = f"the listener did not answer within {ANSWER_TIMEOUT:g} s"
            if self._lost is not None:
                raise EventsLostError(self._lost)

    def _read(self) -> None:
        """Take the listener's records down; a thread."""
        stream = _pipe(self._process.stdout)
        while header := stream.read(listening.RECORD.size):
            at, number, length = listening.RECORD.unpack(header)
            data = stream.read(length)
            with self._news:
                self._take(at, number, data)
        with self._news:
            self._lost = self._lost or "the listener has ended"
            self._news.notify_all()

    def _take(self, at: float, number: int, data: bytes) -> None:
        if number == listening.ANSWER:
            self._answered += 1
            self._news.notify_all()
        elif number == listening.LOST:
            self._lost = "the kernel dropped address events"
        elif number in self._names:
            for kind, body in netlink.messages(data):
                change = netlink.address_change(kind, body)
                if change is not None:
                    self._note(at, self._names[number], change)

    def _note(self, at: float, host: str, change: netlink.AddressChange) -> None:
        """Write a turn down if this is one: renewals are not."""
        indexes = self._held[host, change.address]
        before = bool(indexes)
        if change.held:
            indexes.add(change.index)
        else:
            indexes.discard(change.index)
        if before != bool(indexes):
            self._turns.append(Turn(at, host, change.address, not before))

    def _stop(self) -> None:
        self._process.kill()
        self._reader.join(ANSWER_TIMEOUT)


def _start_listening(hub: Namespace) -> subprocess.Popen[bytes]:
    mask = netlink.RTMGRP_IPV4_IFADDR | netlink.RTMGRP_IPV6_IFADDR
    with hub.in_network(lambda: netlink.open_listener(mask)) as events:
        return hub.spawn(
            (sys.executable, "-I", "-S", str(Path(listening.__file__)), str(events.fileno())),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(events.fileno(),),
        )


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None, "opened as a pipe"
    return stream
