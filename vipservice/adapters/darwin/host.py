"""Addresses and links of this host: the macOS side of the Host port.

Addresses are read by getifaddrs(3) and changed by ifconfig(8). IPv4 has no lifetimes on macOS: the guard's
word stands for the kernel's, and it is given before an address is added.
"""

import errno
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv4Network
from typing import Protocol

from vipservice.adapters.darwin import commands, kernel_events, route_messages
from vipservice.adapters.darwin.route_messages import AddressMessage, LinkMessage
from vipservice.adapters.darwin.system import Link, Output, System
from vipservice.adapters.guard.client import GuardError
from vipservice.adapters.guard.messages import Held
from vipservice.adapters.host_errors import host_errors
from vipservice.core.values import Address, Mac
from vipservice.runtime.ports import (
    AddressGone,
    AddressSeen,
    EventsLost,
    HostAddress,
    HostError,
    HostEvent,
    Interface,
    LinkGone,
    LinkSeen,
)

_DATAGRAM = 65536
_HOST_PREFIX = 32


class Guarding(Protocol):
    """What a host needs of the guard."""

    @property
    def leases(self) -> Mapping[Held, float]:
        """What is guarded, and until when."""

    def keep(self, held: Held, until: float) -> None:
        """Let it be until then. Raises GuardError."""

    def drop(self, held: Held) -> None:
        """Forget it."""

    def close(self) -> None:
        """Let the connection go."""


class DarwinHost:
    """The kernel's addresses and links, with the leases of the guard."""

    def __init__(self, system: System, guard: Guarding, clock: Callable[[], float]) -> None:
        self._system = system
        self._guard = guard
        self._clock = clock
        self._waiting: deque[HostEvent] = deque()
        self._names: dict[int, str] = {}
        with host_errors("listening to the kernel", "the host"), ExitStack() as opened:
            self._routes = opened.enter_context(system.route_events())
            self._links = opened.enter_context(system.link_events())
            opened.pop_all()

    def interfaces(self) -> Sequence[Interface]:
        """Every interface with its addresses, read from the kernel now.

        Raises:
            HostError: ifconfig could not be run.
        """
        without_carrier = self._without_carrier()
        return [
            Interface(
                name=link.name,
                index=link.index,
                mac=Mac(link.mac),
                up=link.up and link.name not in without_carrier,
                loopback=link.loopback,
                addresses=tuple(self._addresses(link)),
            )
            for link in self._table()
        ]

    def gateway(self, interface: str) -> Address | None:
        """The next hop of the default route of `interface`, if it has one. Raises HostError."""
        shown = self._run("reading the default route", interface, commands.default_route(interface))
        return commands.gateway(shown.out, interface)

    def ensure_bound(self, index: int, address: Address, prefix_length: int, lease: int) -> None:  # noqa: ARG002 - always a host's mask
        """Make the interface hold `address` for `lease` seconds from now; doing it twice renews it.

        The mask is that of a host whatever `prefix_length` is. A renewal of an IPv4 address is a word to the
        guard, and ifconfig only runs where somebody has taken the address away.

        Raises:
            HostError: The kernel refused, nobody guards it, or `lease` is no positive number of seconds.
        """
        operation, name = f"binding {address}", self._name(index)
        if lease <= 0:
            raise HostError(operation, name, errno.EINVAL, f"a lease of {lease} s")
        if isinstance(address, IPv4Address):
            try:
                self._guard.keep(Held(name, str(address)), self._clock() + lease)
            except GuardError as error:
                raise HostError(operation, name, errno.ESRCH, str(error)) from error
            if self.holds(index, address):
                return
        done = self._run(operation, name, commands.bind(name, address, lease))
        if done.code:
            raise HostError(operation, name, errno.EIO, " ".join(done.err.split()))

    def ensure_absent(self, index: int, address: Address, prefix_length: int) -> None:  # noqa: ARG002 - one alias
        """Take `address` off the interface, and verify it; the guard forgets it then.

        Raises:
            HostError: The kernel refused, or has the address still.
        """
        operation, name = f"removing {address}", self._name(index)
        if self.holds(index, address):
            done = self._run(operation, name, commands.release(name, address))
            if self.holds(index, address):
                problem = " ".join(done.err.split()) or "it is there still"
                raise HostError(operation, name, errno.EBUSY, problem)
        self._guard.drop(Held(name, str(address)))

    def holds(self, index: int, address: Address) -> bool:
        """Whether the interface has `address` now, asked of the kernel."""
        return any(one.address == address for one in self.addresses(index))

    def addresses(self, index: int) -> Sequence[HostAddress]:
        """Every IPv4 address of the interface, read from the kernel now; none where it is gone."""
        return [one for link in self._table() if link.index == index for one in self._addresses(link)]

    def filenos(self) -> Sequence[int]:
        """Readable when `events` has something."""
        return (self._routes.fileno(), self._links.fileno())

    def events(self, limit: int) -> Sequence[HostEvent]:
        """What has changed since the last call, at most `limit`."""
        changed: dict[str, None] = {}
        while len(self._waiting) < limit and (data := self._read(self._routes)):
            for message in route_messages.read(data):
                match message:
                    case AddressMessage():
                        self._waiting.append(self._address_event(message))
                    case LinkMessage(index=index):
                        changed[self._name(index)] = None
        while data := self._read(self._links):
            changed.update((name, None) for _code, name in kernel_events.read(data))
        if changed:
            self._waiting.extend(self._link_events(changed))
        return [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]

    def close(self) -> None:
        """Let the sockets go; addresses stay, and the guard with them until their leases are over."""
        self._routes.close()
        self._links.close()
        self._guard.close()

    def _read(self, listener: socket.socket) -> bytes:
        try:
            return listener.recv(_DATAGRAM)
        except BlockingIOError:
            return b""
        except OSError:
            # ENOBUFS; whatever else such a socket reports, the answer is to look again.
            self._waiting.append(EventsLost())
            return b""

    def _address_event(self, message: AddressMessage) -> HostEvent:
        if not message.added:
            return AddressGone(message.index, message.address)
        ours = Held(self._name(message.index), str(message.address)) in self._guard.leases
        return AddressSeen(message.index, message.address, message.prefix_length, not ours, ours)

    def _link_events(self, changed: Mapping[str, None]) -> Iterator[HostEvent]:
        """What has become of these interfaces; one look at the host for all of them."""
        before = {name: index for index, name in self._names.items()}
        now = {interface.name: interface for interface in self.interfaces()}
        for name in changed:
            if name in now:
                found = now[name]
                yield LinkSeen(found.index, name, found.mac, found.up)
            elif name in before:
                yield LinkGone(before[name], name)

    def _addresses(self, link: Link) -> Iterator[HostAddress]:
        for text, mask in link.addresses:
            until = self._guard.leases.get(Held(link.name, text))
            left = None if until is None else max(0.0, until - self._clock())
            prefix_length = IPv4Network(f"0.0.0.0/{mask}").prefixlen
            yield HostAddress(
                IPv4Address(text), prefix_length, left, until is not None, prefix_length == _HOST_PREFIX
            )

    def _table(self) -> Sequence[Link]:
        with host_errors("reading addresses", "the host"):
            links = self._system.links()
        self._names = {link.index: link.name for link in links}
        return links

    def _without_carrier(self) -> frozenset[str]:
        return commands.without_carrier(self._run("reading interfaces", "the host", commands.look()).out)

    def _name(self, index: int) -> str:
        if index not in self._names:
            self._table()
        return self._names.get(index, f"interface {index}")

    def _run(self, operation: str, interface: str, command: Sequence[str]) -> Output:
        with host_errors(operation, interface):
            return self._system.run(command)
