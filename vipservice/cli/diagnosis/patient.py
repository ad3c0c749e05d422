"""Everything that the checks judge, gathered beforehand: they look at values and files, and send nothing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path as File

from vipservice.adapters.linux.survey.arp import Answers
from vipservice.adapters.linux.survey.host import Account
from vipservice.adapters.linux.survey.tap import Passed
from vipservice.cli.asking import Answer
from vipservice.cli.diagnosis.findings import Finding
from vipservice.config.settings import ResolvedGroup, Settings
from vipservice.core.frozen import dataclass
from vipservice.core.messages import Path
from vipservice.core.values import Address, Mac
from vipservice.runtime.ports import Interface
from vipservice.wire.signing import Keyring

UNIT = "vipservice.service"


@dataclass(frozen=True, slots=True)
class Peer:
    """Another node, as the daemon knows it, or as it was heard."""

    node_id: str
    """32 hex digits."""
    name: str
    address: Address
    interface: str
    macs: frozenset[Mac]
    heard_by: Mapping[Path, bool]
    """Whether its adverts came by each path while we looked; a path that nobody tried is missing."""
    hears_us_by: Mapping[Path, bool]
    """Whether ours reached it, by its own word; empty where it said nothing."""
    last_seen: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """What was seen on one interface."""

    interface: Interface
    own: IPv4Interface
    """This host's own address there."""
    gateway: Address | None = None
    passed: tuple[Passed, ...] = ()
    """Adverts that passed the interface."""
    answers: Answers = field(default_factory=dict)
    """Who answered probes: for the floating addresses, our own, and silent peers'."""
    unicast_answers: Answers = field(default_factory=dict)
    """The same floating addresses, asked of whoever had answered alone."""
    strays: Answers = field(default_factory=dict)
    """Who answered for addresses that nobody should have, when this host asked."""
    stray_probes: Answers = field(default_factory=dict)
    """Who answered probes for the same addresses."""
    problem: str = ""
    """Why nothing could be seen, in words."""


@dataclass(frozen=True, slots=True)
class Patient:
    """A host with its configuration, its daemon if one runs, and what its links showed."""

    root: File
    account: Account
    """Whom the daemon runs as, or would."""
    settings: Settings | None = None
    groups: tuple[ResolvedGroup, ...] = ()
    keyring: Keyring = field(default_factory=Keyring)
    status: Answer | None = None
    """The daemon's, None where none runs."""
    interfaces: tuple[Interface, ...] = ()
    links: tuple[Link, ...] = ()
    peers: tuple[Peer, ...] = ()
    node_id: str = ""
    """Ours; empty where it is not known."""
    listened: float = 0.0
    """Seconds."""
    stolen: float = 0.0
    """Share of the processor's time that the hypervisor took while we looked."""

    @property
    def pid(self) -> int | None:
        """The daemon's process."""
        return None if self.status is None else int(self.status["pid"])

    @property
    def own_macs(self) -> frozenset[Mac]:
        """All of this host."""
        return frozenset(one.mac for one in self.interfaces)

    def link(self, interface: str) -> Link | None:
        """What was seen there."""
        return next((link for link in self.links if link.interface.name == interface), None)

    def role(self, group: ResolvedGroup) -> str:
        """The daemon's role in a group; empty where none runs."""
        groups = () if self.status is None else self.status["groups"]
        return next((str(one["role"]) for one in groups if one["id"] == group.core.id), "")

    def holds(self, address: Address) -> bool:
        """Whether this host's kernel has a floating address now."""
        return any(held.address == address for one in self.interfaces for held in one.addresses)

    def peer_with(self, mac: Mac) -> Peer | None:
        """The node whose MAC this is."""
        return next((peer for peer in self.peers if mac in peer.macs), None)

    def floating(self) -> Iterator[tuple[ResolvedGroup, IPv4Address]]:
        """Every group with each of its IPv4 addresses."""
        for group in self.groups:
            for address in group.core.addresses:
                if isinstance(address, IPv4Address):
                    yield group, address


Check = Callable[[Patient], Iterator[Finding]]
