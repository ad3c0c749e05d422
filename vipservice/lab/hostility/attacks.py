"""Each attack by its name: what it starts, and what it says about itself when it ends."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from random import Random

from vipservice.config.settings import DEFAULT_METRICS_PORT
from vipservice.core.values import Address, Mac
from vipservice.lab.clock import now
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.hostility import flooding, frames, hogging, slow_clients
from vipservice.lab.hostility.memory_group import MemoryGroup
from vipservice.lab.hosts import GATEWAY, INTERFACE

LOOPS = 64
RATE = 25_000.0
"""Packets a second that a flood aims at; 20 000 are asked for, and the machine takes its share."""

CONNECTIONS = 40
"""Of each of the five kinds, to one node: two hundred together."""

SPARE = 48 * 2**20
"""Bytes that the group of the daemons may take beyond what they have: the hogs want more."""

ANONYMOUS, CACHED = 32 * 2**20, 256 * 2**20
HOGS = 2
SEED = 5798
RECORDED = 1.0
"""Seconds for which adverts are recorded before they are replayed."""

ETHERTYPE_ALL = 0x0003


@dataclass(frozen=True, slots=True)
class Scene:
    """What an attack is made on."""

    cluster: Cluster
    memory: MemoryGroup | None
    dice: Random

    @property
    def targets(self) -> list[tuple[Mac, Address]]:
        """The nodes' MACs and addresses."""
        nodes = [self.cluster.lan.node(name) for name in self.cluster.daemons]
        return [(Mac(bytes.fromhex(node.plan.mac.replace(":", ""))), node.address) for node in nodes]

    @property
    def gateway(self) -> IPv4Address:
        """The gateway's address, which the lab always gives to such a cluster."""
        address = self.cluster.lan.address_of(GATEWAY)
        assert isinstance(address, IPv4Address), "the lab's network is IPv4"
        return address


Telling = Callable[[], str]
"""Says how strong the attack has been so far."""

Attack = Callable[[Scene], contextlib.AbstractContextManager[Telling]]


@contextlib.contextmanager
def nothing(_scene: Scene) -> Iterator[Telling]:
    """No attack: what the others are compared with."""
    yield lambda: ""


@contextlib.contextmanager
def busy_loops(scene: Scene) -> Iterator[Telling]:
    """Many processes that never wait for anything."""
    command = (sys.executable, "-I", "-S", "-c", "while True: pass")
    with _processes(scene, [command] * LOOPS):
        yield lambda: f"{LOOPS} loops"


@contextlib.contextmanager
def memory_pressure(scene: Scene) -> Iterator[Telling]:
    """The daemons share a control group with processes that want more than it may have."""
    group = scene.memory
    if group is None:
        raise RuntimeError("this machine gives no control group for memory")
    command = (sys.executable, "-I", "-S", str(Path(hogging.__file__)), str(ANONYMOUS), str(CACHED))
    group.limit(group.usage() + SPARE)
    before = group.reclaims()
    try:
        with contextlib.ExitStack() as stack:
            with group.starting_here():
                stack.enter_context(_processes(scene, [command] * HOGS))
            yield lambda: f"the limit met {group.reclaims() - before} times"
    finally:
        group.limit(None)


def arp_flood(scene: Scene) -> contextlib.AbstractContextManager[Telling]:
    """ARP of every kind."""
    return _flood(scene, frames.arp_flood(scene.dice, scene.gateway))


def garbage(scene: Scene) -> contextlib.AbstractContextManager[Telling]:
    """Random bytes to the advert port."""
    return _flood(scene, frames.garbage(scene.dice, scene.targets))


def wrong_signatures(scene: Scene) -> contextlib.AbstractContextManager[Telling]:
    """Adverts with a wrong signature, from addresses that nobody has."""
    return _flood(scene, frames.wrongly_signed(scene.dice, scene.targets))


def spoofed_signatures(scene: Scene) -> contextlib.AbstractContextManager[Telling]:
    """Adverts with a wrong signature, in the name of the nodes."""
    sources = [address for _mac, address in scene.targets]
    return _flood(scene, frames.wrongly_signed(scene.dice, scene.targets, sources))


def raw_signatures(scene: Scene) -> contextlib.AbstractContextManager[Telling]:
    """Adverts with a wrong signature as Ethernet frames."""
    return _flood(scene, frames.raw_wrongly_signed(scene.dice))


def replays(scene: Scene) -> contextlib.AbstractContextManager[Telling]:
    """The nodes' own adverts of the last second, rightly signed, over and over."""
    return _flood(scene, frames.replayed(_recorded(scene)))


@contextlib.contextmanager
def slow_http(scene: Scene) -> Iterator[Telling]:
    """Slow, endless and deaf HTTP clients at the owner and at a standby."""
    owner = scene.cluster.owner or next(iter(scene.cluster.daemons))
    other = next(name for name in scene.cluster.daemons if name != owner)
    script = str(Path(slow_clients.__file__))
    commands = [
        (sys.executable, "-I", "-S", script, str(scene.cluster.lan.address_of(name)), port, str(CONNECTIONS))
        for name, port in ((owner, str(DEFAULT_METRICS_PORT)), (other, str(DEFAULT_METRICS_PORT)))
    ]
    with _processes(scene, commands) as processes:

        def tell() -> str:
            counts = [_ask(process) for process in processes]
            return (
                f"{5 * CONNECTIONS * len(counts)} clients, {sum(opened for opened, _ in counts)} connections"
            )

        yield tell


ATTACKS: Mapping[str, Attack] = {
    "nothing": nothing,
    "busy-loops": busy_loops,
    "memory-pressure": memory_pressure,
    "arp-flood": arp_flood,
    "garbage": garbage,
    "wrong-signatures": wrong_signatures,
    "spoofed-signatures": spoofed_signatures,
    "raw-signatures": raw_signatures,
    "replays": replays,
    "slow-http": slow_http,
}
"""In the order in which they are made."""


def _recorded(scene: Scene) -> list[bytes]:
    """What the nodes multicast in a second."""

    def work() -> list[bytes]:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as tap:
            tap.bind((INTERFACE, ETHERTYPE_ALL))
            heard, until = [], now() + RECORDED
            while (left := until - now()) > 0:
                tap.settimeout(left)
                with contextlib.suppress(TimeoutError):
                    heard.append(tap.recv(2048))
        return [frame for frame in heard if frames.is_advert(frame)]

    return scene.cluster.lan.client.in_network(work)


@contextlib.contextmanager
def _flood(scene: Scene, wanted: Iterable[bytes]) -> Iterator[Telling]:
    command = (sys.executable, "-I", "-S", str(Path(flooding.__file__)), INTERFACE, repr(RATE))
    with _processes(scene, [command]) as (process,):
        assert process.stdin is not None, "opened as a pipe"
        process.stdin.write(b"".join(frames.written(wanted)))
        process.stdin.flush()
        began = now()
        _ask(process)

        def tell() -> str:
            sent, refused = _ask(process)
            return f"{sent / (now() - began):.0f} packets/s" + (f" ({refused} refused)" if refused else "")

        yield tell


@contextlib.contextmanager
def _processes(scene: Scene, commands: Iterable[tuple[str, ...]]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes in the client's box for the length of a block; they die with the box at the latest."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        started += [
            scene.cluster.lan.client.spawn(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for command in commands
        ]
        yield started
    finally:
        for process in started:
            process.kill()
        for process in started:
            with process:  # closes its pipes and waits
                pass


def _ask(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """The two numbers that such a process tells about itself."""
    assert process.stdin is not None, "opened as a pipe"
    assert process.stdout is not None, "opened as a pipe"
    process.stdin.write(b"?")
    process.stdin.flush()
    first, second = process.stdout.readline().split()
    return int(first), int(second)
