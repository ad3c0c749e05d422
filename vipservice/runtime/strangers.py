"""Packets of strangers on one interface: counted, and thinned out by the kernel while there are too many."""

import logging
from collections.abc import Callable

from vipservice.core.actions import Rejected
from vipservice.core.values import Mac
from vipservice.runtime.flood import Flood
from vipservice.runtime.ports import KEPT, AdvertSockets, HostError, Neighbours

log = logging.getLogger("vipservice")

Known = frozenset[Mac]

BY_ANOTHER_PATH = "copy"
"""Refused at each advert of a peer whose words come by several paths; our own never come back by any."""


class Strangers:
    """Two floods that are told apart: adverts that were refused, and ARP from MACs that no peer has.

    Args:
        sockets: Whose datagrams are thinned out in a flood of adverts,
        neighbours: and whose frames in either flood.
        failed: Called with what the kernel said where it refuses a filter; then everything passes.
    """

    def __init__(
        self, sockets: AdvertSockets, neighbours: Neighbours, failed: Callable[[HostError], None]
    ) -> None:
        self._sockets = sockets
        self._neighbours = neighbours
        self._failed = failed
        self._adverts = Flood()
        self._arp = Flood()
        self._known: Known = frozenset()
        self._disbelieved = 0

    def disbelieved(self, rejected: Rejected) -> None:
        """The election did not act on an advert that could be read: a recording, above all."""
        self._disbelieved += rejected.reason != BY_ANOTHER_PATH

    def count(self, adverts: int, arp: int, now: float) -> None:
        """So many have been read since the last round, and refused."""
        adverts, self._disbelieved = adverts + self._disbelieved, 0
        if self._adverts.turned(adverts, now):
            self._turn("adverts that are not for us", self._adverts.on, self._thin_adverts)
        if self._arp.turned(arp, now):
            self._turn("ARP of strangers", self._arp.on, self._thin_arp)

    def know(self, known: Known) -> None:
        """These MACs are peers': what they send always passes."""
        if known == self._known:
            return
        self._known = known
        for flood, thin in ((self._adverts, self._thin_adverts), (self._arp, self._thin_arp)):
            if flood.on:
                self._try(thin)

    def is_stranger(self, mac: bytes) -> bool:
        """Whether no peer has this MAC."""
        return mac not in self._known

    def _turn(self, what: str, on: bool, thin: Callable[[], None]) -> None:
        if on:
            log.warning("flood of %s: of %d only one is read from now on", what, KEPT)
        else:
            log.info("the flood of %s is over", what)
        self._try(thin)

    def _try(self, thin: Callable[[], None]) -> None:
        try:
            thin()
        except HostError as error:
            self._failed(error)

    def _thin_adverts(self) -> None:
        known = self._known if self._adverts.on else None
        self._sockets.thin(known)
        self._neighbours.thin_adverts(known)

    def _thin_arp(self) -> None:
        self._neighbours.thin_arp(self._known if self._arp.on else None)
