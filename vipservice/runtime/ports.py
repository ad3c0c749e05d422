"""What the loop needs from the outside, written from its own needs; folders under `adapters/` fill it in.

Every method is synchronous and returns within microseconds; none waits for a peer. Receivers hand over what
is there now, at most `limit` of it, and never block. What the machine refuses is a HostError.
"""

from collections.abc import Sequence
from typing import Protocol

from vipservice.core.frozen import dataclass
from vipservice.core.messages import Path
from vipservice.core.values import Address, GroupId, Mac, NodeId


class HostError(Exception):
    """The machine refused: `operation` on `interface`, with the errno and its words."""

    def __init__(self, operation: str, interface: str, errno: int, problem: str) -> None:
        super().__init__(f"{operation} on {interface}: {problem}")
        self.operation = operation
        self.interface = interface
        self.errno = errno
        self.problem = problem


@dataclass(frozen=True, slots=True)
class HostAddress:
    """An address on an interface, as the kernel has it."""

    address: Address
    prefix_length: int
    lease_left: float | None
    """Seconds until the kernel removes it; None when it is permanent."""
    ours: bool
    """It carries our protocol number (IFA_PROTO)."""
    floating: bool = False
    """Secondary or host-masked, so not what the host is reached by."""


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface with its addresses."""

    name: str
    index: int
    mac: Mac
    up: bool
    """Administratively up and with a carrier."""
    loopback: bool
    addresses: tuple[HostAddress, ...]


@dataclass(frozen=True, slots=True)
class AddressGone:
    """The kernel removed `address` from the interface (by anybody's hand, or its lease lapsed)."""

    index: int
    address: Address


@dataclass(frozen=True, slots=True)
class AddressSeen:
    """The kernel added or changed `address` on the interface (our own renewals are among these)."""

    index: int
    address: Address
    prefix_length: int
    permanent: bool
    ours: bool


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """State of a link after a change; `name` may be new."""

    index: int
    name: str
    mac: Mac
    up: bool


@dataclass(frozen=True, slots=True)
class LinkGone:
    """The interface was deleted."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class EventsLost:
    """The kernel dropped events: what is there must be read again."""


@dataclass(frozen=True, slots=True)
class GatewayChanged:
    """A default route came or went: who the gateway is must be read again."""


HostEvent = AddressGone | AddressSeen | LinkSeen | LinkGone | EventsLost | GatewayChanged


class Host(Protocol):
    """Addresses and links of this host."""

    def interfaces(self) -> Sequence[Interface]:
        """Every interface with its addresses, read from the kernel now."""

    def gateway(self, interface: str) -> Address | None:
        """The default gateway reached through `interface`, if there is one."""

    def ensure_bound(self, index: int, address: Address, prefix_length: int, lease: int) -> None:
        """Make the interface hold `address` for `lease` seconds from now; doing it twice renews it.

        Raises:
            HostError: The kernel refused.
        """

    def ensure_absent(self, index: int, address: Address, prefix_length: int) -> None:
        """Take `address` off the interface; fine when it is not there.

        Raises:
            HostError: The kernel refused.
        """

    def holds(self, index: int, address: Address) -> bool:
        """Whether the interface has `address` now, asked of the kernel."""

    def addresses(self, index: int) -> Sequence[HostAddress]:
        """Every address of the interface, read from the kernel now; none where it is gone.

        Raises:
            HostError: The kernel refused.
        """

    def filenos(self) -> Sequence[int]:
        """Readable when `events` has something."""

    def events(self, limit: int) -> Sequence[HostEvent]:
        """What has changed since the last call."""

    def close(self) -> None:
        """Let the sockets go; addresses stay."""


KEPT = 64
"""While strangers are thinned out one of so many of their packets passes, by chance; a power of two."""


class Neighbours(Protocol):
    """Frames on one interface: ARP/ND and raw adverts. Bytes in, bytes out."""

    def filenos(self) -> Sequence[int]:
        """Readable when `receive_arp` or `receive_adverts` has something."""

    def listen_for(self, addresses: frozenset[Address]) -> None:
        """Tell the kernel filter whose packets count: ours, the floating ones, witnesses' and peers'."""

    def thin_arp(self, known: frozenset[Mac] | None) -> None:
        """Let ARP from `known` pass, what is sent to us alone, and one of `KEPT` others; None: everything.

        Raises:
            HostError: The kernel refused the filter; the former one stays.
        """

    def thin_adverts(self, known: frozenset[Mac] | None) -> None:
        """Let raw adverts from `known` pass, and one of `KEPT` others; None: all. Raises HostError."""

    def receive_arp(self, limit: int) -> Sequence[bytes]:
        """Whole Ethernet frames with ARP in them, not sent by this socket."""

    def receive_adverts(self, limit: int) -> Sequence[bytes]:
        """Payloads of raw adverts (EtherType 0x88B5), Ethernet padding possibly still at the end."""

    def send(self, frame: bytes) -> None:
        """Put a whole Ethernet frame on the wire.

        Raises:
            HostError: The kernel refused (interface down, no buffer).
        """

    def close(self) -> None:
        """Let the sockets go."""


class AdvertSockets(Protocol):
    """Adverts by UDP on one interface."""

    def filenos(self) -> Sequence[int]:
        """Readable when `receive` has something."""

    def receive(self, limit: int) -> Sequence[tuple[bytes, Path]]:
        """Datagrams that came with TTL 255 and are no longer than any advert, and how; others are counted."""

    def thin(self, known: frozenset[Mac] | None) -> None:
        """Let datagrams from `known` pass, and one of `KEPT` others; None: all. Raises HostError."""

    @property
    def rejected_ttl(self) -> int:
        """How many datagrams came with another TTL so far."""

    @property
    def rejected_size(self) -> int:
        """How many datagrams were larger than any advert so far."""

    def send_multicast(self, payload: bytes) -> None:
        """To the group, on this interface, TTL 255. Raises HostError."""

    def send_unicast(self, payload: bytes, address: Address) -> None:
        """To one peer, from our own address on this interface, TTL 255. Raises HostError."""

    def close(self) -> None:
        """Leave the group and let the sockets go."""


class EchoSocket(Protocol):
    """ICMP echoes on one interface."""

    def fileno(self) -> int:
        """Readable when `receive` has something."""

    def send(self, address: Address, payload: bytes, sequence: int) -> None:
        """Send an echo request. Raises HostError."""

    def receive(self, limit: int) -> Sequence[tuple[Address, int, bytes, float]]:
        """Echo replies: source, sequence, payload, and when the kernel saw it (the clock's seconds)."""

    def close(self) -> None:
        """Let the socket go."""


class Platform(Protocol):
    """Makes the ports for this machine."""

    def host(self) -> Host:
        """Open the port to addresses and links."""

    def neighbours(self, interface: Interface) -> Neighbours:
        """Open the frame sockets on an interface. Raises HostError."""

    def advert_sockets(self, interface: Interface, own: Address, group: Address, port: int) -> AdvertSockets:
        """Open the UDP sockets on an interface. Raises HostError."""

    def echo_socket(self, interface: Interface, own: Address) -> EchoSocket:
        """Open the ICMP socket on an interface. Raises HostError."""

    def clock(self) -> float:
        """Seconds on a clock that never stops or steps, suspended time included."""


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """What a group remembers across restarts."""

    own_term: int = 0
    reserved_term: int = 1
    addresses: tuple[str, ...] = ()
    """What we bound last, to know our own leftovers where the kernel has no IFA_PROTO."""
    maintenance: bool = False
    """An operator wants this node to stay out."""


@dataclass(frozen=True, slots=True)
class StoredPeer:
    """A node we have known, so that lost redundancy and a hung peer are known after our own restart."""

    node: NodeId
    name: str
    macs: tuple[Mac, ...]
    address: Address
    interface: str
    last_seen: float
    """Wall clock, seconds since the epoch: only ever shown to people."""


class StateStore(Protocol):
    """The state directory. Reads happen once, before the loop; writes are queued and happen off it."""

    @property
    def node_id(self) -> NodeId:
        """128 bits, made at the first start."""

    @property
    def incarnation(self) -> int:
        """This life's number: greater than any before, max(stored, wall clock seconds) + 1."""

    def group(self, group: GroupId) -> StoredGroup:
        """What was stored for `group`."""

    def peers(self) -> Sequence[StoredPeer]:
        """The peers that were stored."""

    def store_group(self, group: GroupId, stored: StoredGroup) -> None:
        """Queue a write; the latest wins."""

    def store_maintenance(self, on: bool) -> None:
        """Queue a write: so it is for every group, also for one that is to come."""

    def store_peers(self, peers: Sequence[StoredPeer]) -> None:
        """Queue a write; the latest wins."""

    def store_incarnation(self, incarnation: int) -> None:
        """Queue a write; the latest wins."""

    @property
    def problem(self) -> str | None:
        """Why the last write failed, or None."""

    def close(self) -> None:
        """Finish the queued writes (bounded)."""


class ServiceManager(Protocol):
    """systemd, or nobody."""

    @property
    def watchdog_interval(self) -> float | None:
        """Seconds within which it wants a sign of life; None when it doesn't watch."""

    def ready(self) -> None:
        """The loop turns."""

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""

    def alive(self) -> None:
        """The loop has really gone round."""

    def reloading(self) -> None:
        """A reload begins; `ready` ends it."""

    def stopping(self) -> None:
        """Shutdown begins."""
