"""Everything the daemon needs of macOS, made here."""

import errno
import logging
from pathlib import Path

from vipservice.adapters.darwin.commands import REMOVE_IPV4
from vipservice.adapters.darwin.echo import DarwinEchoSocket
from vipservice.adapters.darwin.host import DarwinHost
from vipservice.adapters.darwin.neighbours import DarwinNeighbours
from vipservice.adapters.darwin.system import System
from vipservice.adapters.darwin.udp import DarwinAdvertSockets
from vipservice.adapters.guard import clock
from vipservice.adapters.guard.client import Guard, GuardError
from vipservice.core.values import Address
from vipservice.runtime.ports import AdvertSockets, EchoSocket, Host, HostError, Interface, Neighbours

log = logging.getLogger("vipservice")


class DarwinPlatform:
    """Makes the ports of this machine.

    Args:
        system: MacOs, or one that is played.
        guard_socket: Where the guard is found by this daemon and by the next.
    """

    def __init__(self, system: System, guard_socket: Path) -> None:
        self._system = system
        self._guard_socket = guard_socket

    def host(self) -> Host:
        """Open the port to addresses and links, with a guard behind it. Raises HostError."""
        try:
            guard = Guard(self._guard_socket, REMOVE_IPV4, clock.now, log.warning)
        except GuardError as error:
            raise HostError("starting the guard", "the host", errno.ESRCH, str(error)) from error
        return DarwinHost(self._system, guard, clock.now)

    def neighbours(self, interface: Interface) -> Neighbours:
        """Open bpf(4) on an interface. Raises HostError."""
        return DarwinNeighbours(interface, self._system)

    def advert_sockets(self, interface: Interface, own: Address, group: Address, port: int) -> AdvertSockets:
        """Open the UDP sockets on an interface. Raises HostError."""
        return DarwinAdvertSockets(interface, own, group, port)

    def echo_socket(self, interface: Interface, own: Address) -> EchoSocket:
        """Open the ICMP socket on an interface. Raises HostError."""
        return DarwinEchoSocket(interface, own)

    def clock(self) -> float:
        """The guard's clock, seconds: never stops or steps, and counts the machine's sleep."""
        return clock.now()
