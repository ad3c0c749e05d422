"""The sockets of one interface that is there, and who reads and writes them."""

from collections.abc import Callable
from dataclasses import dataclass

from vipservice.config.settings import AdvertSettings
from vipservice.runtime.adverts import Adverts
from vipservice.runtime.detect import Found
from vipservice.runtime.observe import Observer
from vipservice.runtime.pinger import Pinger
from vipservice.runtime.ports import AdvertSockets, HostError, Neighbours, Platform
from vipservice.runtime.probe import Looking
from vipservice.runtime.strangers import Strangers
from vipservice.wire.signing import Keyring


@dataclass(slots=True)
class Open:
    """An interface in use."""

    found: Found
    neighbours: Neighbours
    sockets: AdvertSockets
    adverts: Adverts
    looking: Looking
    strangers: Strangers
    pinger: Pinger

    def filenos(self) -> tuple[int, ...]:
        """What to wait on, and to read when it is ready."""
        return (*self.neighbours.filenos(), *self.sockets.filenos(), self.pinger.fileno())

    def close(self) -> None:
        """Let them go."""
        for one in (self.neighbours, self.sockets, self.pinger):
            one.close()


def open_interface(
    platform: Platform,
    found: Found,
    settings: AdvertSettings,
    keyring: Keyring,
    observer: Observer,
) -> Open:
    """Open everything, or nothing. Raises HostError."""
    interface, own = found.interface, found.own
    closing: list[Callable[[], None]] = []
    try:
        neighbours = platform.neighbours(interface)
        closing.append(neighbours.close)
        sockets = platform.advert_sockets(interface, own, settings.group, settings.port)
        closing.append(sockets.close)
        echo = platform.echo_socket(interface, own)
    except HostError:
        for close in closing:
            close()
        raise
    macs = found.ready.macs
    strangers = Strangers(sockets, neighbours, observer.send_failed)
    return Open(
        found=found,
        neighbours=neighbours,
        sockets=sockets,
        adverts=Adverts(sockets, neighbours, keyring, settings.peers, macs[0]),
        looking=Looking(neighbours, macs, strangers.is_stranger),
        strangers=strangers,
        pinger=Pinger(echo, platform.clock, observer.pinged),
    )
