"""Addresses and links of this host by rtnetlink: the Linux side of the Host port."""

import errno
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from socket import AF_INET, AF_INET6

from vipservice.adapters.host_errors import host_errors
from vipservice.adapters.linux import rtnetlink
from vipservice.adapters.linux.netlink import NLM_F_CREATE, NLM_F_REPLACE, Message
from vipservice.adapters.linux.route_socket import ChangesSocket, RouteError, RouteSocket
from vipservice.adapters.linux.rtnetlink import AddressMessage, DefaultRoute, LinkMessage
from vipservice.adapters.linux.ticks import TickClock, lease_left
from vipservice.core.values import Address
from vipservice.runtime.ports import (
    AddressGone,
    AddressSeen,
    EventsLost,
    GatewayChanged,
    HostAddress,
    HostError,
    HostEvent,
    Interface,
    LinkGone,
    LinkSeen,
)

_NOT_THERE = (errno.ENODEV, errno.EADDRNOTAVAIL)
_NO_SUCH_TABLE = (errno.ENODEV, errno.ENOENT, errno.EOPNOTSUPP)


class LinuxHost:
    """The kernel's addresses and links. Requests are answered before they return (about 15 us)."""

    def __init__(self) -> None:
        with host_errors("opening netlink", "the host"), ExitStack() as opened:
            self._requests = opened.enter_context(closing(RouteSocket()))
            self._changes = opened.enter_context(closing(ChangesSocket()))
            opened.pop_all()
        self._ticks = TickClock()
        self._waiting: deque[HostEvent] = deque()
        self._names: dict[int, str] = {}

    def interfaces(self) -> Sequence[Interface]:
        """Every interface with its addresses, read from the kernel now.

        Raises:
            HostError: The kernel refused.
        """
        links = self._links()
        before = self._ticks.now()
        addresses = self._addresses()
        after = self._ticks.now()
        held: dict[int, list[HostAddress]] = {link.index: [] for link in links}
        for message in addresses:
            if message.index in held:
                held[message.index].append(_host_address(message, before, after))
        return [_interface(link, tuple(held[link.index])) for link in links]

    def gateway(self, interface: str) -> Address | None:
        """The next hop of the default route with the least metric, IPv4 before IPv6; main table only.

        Raises:
            HostError: The kernel refused.
        """
        for link in self._links():
            if link.name == interface:
                routes = self._default_routes(AF_INET, link) or self._default_routes(AF_INET6, link)
                return min(routes, key=lambda route: route.metric).gateway if routes else None
        return None

    def ensure_bound(self, index: int, address: Address, prefix_length: int, lease: int) -> None:
        """Make the interface hold `address` for `lease` seconds from now; doing it twice renews it.

        Raises:
            HostError: The kernel refused, or `lease` is no positive number of seconds.
        """
        operation = f"binding {address}/{prefix_length}"
        if lease <= 0:
            raise HostError(operation, self._name(index), errno.EINVAL, f"a lease of {lease} s")
        body = rtnetlink.leased_address(index, address, prefix_length, lease)
        try:
            self._requests.change(rtnetlink.RTM_NEWADDR, NLM_F_REPLACE | NLM_F_CREATE, body)
        except RouteError as error:
            raise self._error(operation, index, error) from error

    def ensure_absent(self, index: int, address: Address, prefix_length: int) -> None:
        """Take `address` off the interface, whatever prefix it has there, and verify it.

        Raises:
            HostError: The kernel refused, or has the address still.
        """
        self._remove(index, address, prefix_length)
        left = self._held(index, address)
        if not left:
            return
        for other in left:
            self._remove(index, address, other.prefix_length)
        if self.holds(index, address):
            raise HostError(f"removing {address}", self._name(index), errno.EBUSY, "it is there still")

    def holds(self, index: int, address: Address) -> bool:
        """Whether the interface has `address` now, asked of the kernel.

        Raises:
            HostError: The kernel refused.
        """
        return bool(self._held(index, address))

    def addresses(self, index: int) -> Sequence[HostAddress]:
        """Every address of the interface, read from the kernel now; none where it is gone.

        Raises:
            HostError: The kernel refused.
        """
        before = self._ticks.now()
        found = self._addresses(index)
        after = self._ticks.now()
        return [_host_address(message, before, after) for message in found]

    def filenos(self) -> Sequence[int]:
        """Readable when `events` has something."""
        return (self._changes.fileno(),)

    def events(self, limit: int) -> Sequence[HostEvent]:
        """What has changed since the last call, at most `limit`."""
        while len(self._waiting) < limit and self._read_changes():
            pass
        return [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]

    def close(self) -> None:
        """Let the sockets go; addresses stay."""
        self._requests.close()
        self._changes.close()

    def _read_changes(self) -> bool:
        """Take one datagram of events; False when there was none."""
        try:
            messages = self._changes.receive()
        except OSError:
            # ENOBUFS; whatever else a netlink socket reports, the answer is to look again.
            self._waiting.append(EventsLost())
            return True
        if messages is None:
            return False
        for message in messages:
            self._waiting.extend(self._events_of(message))
        return True

    def _events_of(self, message: Message) -> Iterator[HostEvent]:
        match message.kind:
            case rtnetlink.RTM_NEWADDR | rtnetlink.RTM_DELADDR:
                address = rtnetlink.read_address(message.body)
                if address is not None:
                    yield _address_event(message.kind, address)
            case rtnetlink.RTM_NEWLINK | rtnetlink.RTM_DELLINK:
                link = rtnetlink.read_link(message.body)
                if link is not None:
                    yield self._link_event(message.kind, link)
            case rtnetlink.RTM_NEWROUTE | rtnetlink.RTM_DELROUTE:
                yield GatewayChanged()

    def _link_event(self, kind: int, link: LinkMessage) -> HostEvent:
        if kind == rtnetlink.RTM_DELLINK:
            self._names.pop(link.index, None)
            return LinkGone(link.index, link.name)
        self._names[link.index] = link.name
        return LinkSeen(link.index, link.name, link.mac, link.up)

    def _links(self) -> list[LinkMessage]:
        try:
            messages = self._requests.dump(rtnetlink.RTM_GETLINK, rtnetlink.link_dump())
        except RouteError as error:
            raise HostError("reading links", "the host", error.errno, error.problem) from error
        links = [link for message in messages if (link := rtnetlink.read_link(message.body)) is not None]
        self._names = {link.index: link.name for link in links}
        return links

    def _addresses(self, index: int = 0) -> list[AddressMessage]:
        """Dump the addresses of one interface (0: of all); none where the interface is gone."""
        try:
            messages = self._requests.dump(rtnetlink.RTM_GETADDR, rtnetlink.address_dump(index))
        except RouteError as error:
            if index and error.errno == errno.ENODEV:
                return []
            raise self._error("reading addresses", index, error) from error
        found = (rtnetlink.read_address(message.body) for message in messages)
        return [address for address in found if address is not None and index in (0, address.index)]

    def _held(self, index: int, address: Address) -> list[AddressMessage]:
        return [held for held in self._addresses(index) if held.address == address]

    def _remove(self, index: int, address: Address, prefix_length: int) -> None:
        body = rtnetlink.named_address(index, address, prefix_length)
        try:
            self._requests.change(rtnetlink.RTM_DELADDR, 0, body)
        except RouteError as error:
            if error.errno not in _NOT_THERE:
                raise self._error(f"removing {address}/{prefix_length}", index, error) from error

    def _default_routes(self, family: int, link: LinkMessage) -> list[DefaultRoute]:
        try:
            messages = self._requests.dump(rtnetlink.RTM_GETROUTE, rtnetlink.route_dump(family, link.index))
        except RouteError as error:
            if error.errno in _NO_SUCH_TABLE:  # nobody has put a route there yet, or no IPv6
                return []
            raise HostError("reading routes", link.name, error.errno, error.problem) from error
        routes = [route for message in messages for route in rtnetlink.read_default_routes(message.body)]
        return [route for route in routes if route.index == link.index]

    def _name(self, index: int) -> str:
        return self._names.get(index, f"interface {index}")

    def _error(self, operation: str, index: int, error: RouteError) -> HostError:
        return HostError(operation, self._name(index), error.errno, error.problem)


def _interface(link: LinkMessage, addresses: tuple[HostAddress, ...]) -> Interface:
    loopback = bool(link.flags & rtnetlink.IFF_LOOPBACK)
    return Interface(link.name, link.index, link.mac, link.up, loopback, addresses)


def _host_address(message: AddressMessage, before: int, after: int) -> HostAddress:
    left = None if message.permanent else lease_left(message.valid, message.stamp, before, after)
    return HostAddress(message.address, message.prefix_length, left, message.ours, message.floating)


def _address_event(kind: int, message: AddressMessage) -> HostEvent:
    if kind == rtnetlink.RTM_DELADDR:
        return AddressGone(message.index, message.address)
    return AddressSeen(message.index, message.address, message.prefix_length, message.permanent, message.ours)
