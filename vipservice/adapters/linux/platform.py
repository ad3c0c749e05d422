"""Everything the daemon needs of Linux, made here."""

import time
from functools import partial

from vipservice.adapters.linux.echo import LinuxEchoSocket
from vipservice.adapters.linux.frames import LinuxNeighbours
from vipservice.adapters.linux.host import LinuxHost
from vipservice.adapters.linux.udp import LinuxAdvertSockets
from vipservice.core.values import Address
from vipservice.runtime.ports import AdvertSockets, EchoSocket, Host, Interface, Neighbours


class LinuxPlatform:
    """Makes the ports of this machine, in the network namespace of the calling thread."""

    def host(self) -> Host:
        """Open the port to addresses and links."""
        return LinuxHost()

    def neighbours(self, interface: Interface) -> Neighbours:
        """Open the frame sockets on an interface. Raises HostError."""
        return LinuxNeighbours(interface)

    def advert_sockets(self, interface: Interface, own: Address, group: Address, port: int) -> AdvertSockets:
        """Open the UDP sockets on an interface. Raises HostError."""
        return LinuxAdvertSockets(interface, own, group, port)

    def echo_socket(self, interface: Interface, own: Address) -> EchoSocket:
        """Open the ICMP socket on an interface. Raises HostError."""
        return LinuxEchoSocket(interface, own)

    clock = staticmethod(partial(time.clock_gettime, time.CLOCK_BOOTTIME))
    """CLOCK_BOOTTIME, seconds: never stops or steps, and counts suspended time."""
