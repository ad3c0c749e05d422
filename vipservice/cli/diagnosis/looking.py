"""Looks at the links of this host for some seconds, beside the running daemon or in its place.

What goes out: ARP questions (probes that claim nothing, and ordinary ones for addresses that nobody has),
and, where a daemon runs, its own adverts to the peers it knows, which it is asked for. None of it takes part
in an election; while the daemon probes itself, no question is asked for its addresses.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path as File
from random import Random

from vipservice.adapters.linux.survey import tap
from vipservice.adapters.linux.survey.arp import PROXY_PATIENCE, Answers, who_has
from vipservice.adapters.linux.survey.tap import Tap
from vipservice.adapters.linux.udp import LinuxAdvertSockets
from vipservice.cli.asking import Answer, ask
from vipservice.cli.diagnosis.patient import Link
from vipservice.cli.exit_codes import CommandError
from vipservice.config.settings import ResolvedGroup, Settings
from vipservice.core.frozen import dataclass
from vipservice.core.messages import Path
from vipservice.core.values import Address
from vipservice.runtime.ports import Host, HostError, Interface

ASKS, BETWEEN = 3, 0.15
"""How often the peers are asked for paths, and seconds between: a first answer may come before the
last copy.
"""

STRAYS = 3
BATCH = 256

Received = tuple[bytes, Path]


@dataclass(frozen=True, slots=True)
class Place:
    """An interface to look at, and what is expected there."""

    interface: Interface
    own: IPv4Interface
    gateway: Address | None
    floating: tuple[IPv4Address, ...]
    known: frozenset[IPv4Address]
    """Addresses of peers."""
    quiet: bool
    """The daemon is probing: nobody else asks for its addresses now."""


def places(
    host: Host, groups: Sequence[ResolvedGroup], status: Answer | None, known: frozenset[IPv4Address]
) -> Iterator[Place]:
    """Where to look: each interface that a group is on.

    Raises:
        HostError: The kernel does not tell its interfaces.
    """
    probing = {g["name"] for g in (status or {}).get("groups", ()) if g["role"] == "probing"}
    for interface in host.interfaces():
        here = [group for group in groups if group.interface == interface.name]
        floating = tuple(a for g in here for a in g.core.addresses if isinstance(a, IPv4Address))
        own = _own(interface, floating)
        if here and own is not None:
            quiet = any(group.core.name in probing for group in here)
            yield Place(interface, own, host.gateway(interface.name), floating, known, quiet)


def _own(interface: Interface, floating: Sequence[IPv4Address]) -> IPv4Interface | None:
    held = [
        IPv4Interface((one.address, one.prefix_length))
        for one in interface.addresses
        if isinstance(one.address, IPv4Address) and not one.floating and one.address not in floating
    ]
    fitting = [one for one in held if any(address in one.network for address in floating)]
    return next(iter([*fitting, *held]), None)


class Look:
    """One look at some places.

    Args:
        where: Where to look.
        settings: How adverts travel.
        control_socket: The daemon's, None where none runs: then this listens in its place.
        seconds: How long to listen at least.
    """

    def __init__(
        self, where: Sequence[Place], settings: Settings, control_socket: File | None, seconds: float
    ) -> None:
        self._places = where
        self._adverts = settings.adverts
        self._control = control_socket
        self._seconds = seconds
        self._taps: dict[str, Tap] = {}
        self._sockets: dict[str, LinuxAdvertSockets] = {}
        self._problems: dict[str, str] = {}
        self.links: list[Link] = []
        self.received: list[Received] = []
        """What came to sockets like the daemon's, where none runs."""
        self.status: Answer | None = None
        """The daemon's after the look."""
        self.took = 0.0
        """Seconds from the first question to `status`."""

    def perform(self) -> None:
        """Look."""
        with ExitStack() as opened:
            for place in self._places:
                self._open(place, opened)
            began = time.monotonic()
            self._ask_for_paths()
            links = [self._ask_around(place) for place in self._places]
            while (left := self._seconds - (time.monotonic() - began)) > 0:
                self._listen(min(left, BETWEEN))
            self._listen(BETWEEN)
            if self._control is not None:
                self.status = ask(self._control, {"command": "status"})
            self.took = time.monotonic() - began
            self.links = [self._with_passed(link) for link in links]

    def _open(self, place: Place, opened: ExitStack) -> None:
        name = place.interface.name
        try:
            self._taps[name] = opened.enter_context(closing(Tap(place.interface, self._adverts.port)))
            if self._control is None:
                with suppress(HostError):  # somebody else's port, or no multicast: then the tap alone tells
                    sockets = LinuxAdvertSockets(
                        place.interface, place.own.ip, self._adverts.group, self._adverts.port
                    )
                    self._sockets[name] = opened.enter_context(closing(sockets))
        except HostError as error:
            self._problems[name] = str(error)

    def _ask_for_paths(self) -> None:
        for _ in range(ASKS if self._control is not None else 0):
            with suppress(CommandError):  # an older daemon does not know the command
                ask(self._control or File(), {"command": "paths"})
            self._listen(BETWEEN)

    def _listen(self, seconds: float) -> None:
        tap.listen(self._taps.values(), seconds)
        for sockets in self._sockets.values():
            self.received += sockets.receive(BATCH)

    def _ask_around(self, place: Place) -> Link:
        link = Link(place.interface, place.own, place.gateway)
        if place.interface.name in self._problems:
            return replace(link, problem=self._problems[place.interface.name])
        try:
            return _asked(place, link, min(PROXY_PATIENCE, self._seconds))
        except HostError as error:
            return replace(link, problem=str(error))

    def _with_passed(self, link: Link) -> Link:
        heard = self._taps.get(link.interface.name)
        return link if heard is None else replace(link, passed=tuple(heard.passed))


def _asked(place: Place, link: Link, patience: float) -> Link:
    """Ask by ARP for the floating addresses, our own, the peers', and some that nobody should have."""
    interface = place.interface
    floating = () if place.quiet else place.floating
    answers = who_has(interface, {*floating, place.own.ip, *place.known})
    strays = _strays(place)
    answered = who_has(interface, strays, place.own.ip, patience=patience)
    suspicious = [address for address, macs in answered.items() if macs]
    return replace(
        link,
        answers=answers,
        unicast_answers=_one_by_one(interface, {one: answers[one] for one in floating}),
        strays=answered,
        stray_probes=who_has(interface, suspicious, patience=patience),
    )


def _one_by_one(interface: Interface, answers: Answers) -> Answers:
    """The same questions for those alone who answered; not where several did."""
    asked: Answers = {}
    for address, macs in answers.items():
        if len(macs) == 1:
            asked |= who_has(interface, (address,), to=next(iter(macs)))
    return asked


def _strays(place: Place) -> tuple[IPv4Address, ...]:
    """Addresses of the subnet that are nobody's we know, drawn anew in each run; few subnets are so small."""
    network = place.own.network
    taken = {place.own.ip, place.gateway, *place.floating, *place.known}
    if network.num_addresses < 4 * (STRAYS + len(taken)):
        return ()
    dice = Random()  # noqa: S311 - no secret: only not the same address each time
    found: set[IPv4Address] = set()
    while len(found) < STRAYS:
        one = network[dice.randrange(1, network.num_addresses - 1)]
        if one not in taken:
            found.add(one)
    return tuple(found)
