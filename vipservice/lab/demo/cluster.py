"""Nodes that run the real daemon on a LAN of the lab, a client that pings their address, and who owns it.

Everything here is known without asking the daemons: owners come from the kernels, roles from the log. So
looking on costs the nodes nothing.
"""

import re
import secrets
import textwrap
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Self

from vipservice.lab.client import PERIOD
from vipservice.lab.clock import now
from vipservice.lab.daemons import FOLDER, RUN, STATE, Daemon, Line, Status, node_section
from vipservice.lab.hosts import Host
from vipservice.lab.lan import Lan
from vipservice.lab.service import Service

VIP = IPv4Address("10.99.0.234")
LOOK_PERIOD = 0.02
"""Seconds between two looks at the kernels' record: each wakes a process on this machine."""

READY_WITHIN = 10.0
WHOLE_WITHIN = 20.0

_LOG_LINE = re.compile(r"\S+ (?P<level>[a-z]+) (?P<text>.*)")
_ROLE = re.compile(r"role (?P<old>\w+) -> (?P<new>\w+): (?P<detail>.*)")


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a node said of itself in its log, at a moment of the lab's clock."""

    at: float
    node: str
    level: str
    text: str

    @property
    def turn(self) -> tuple[str, str, str] | None:
        """The role before, the role after and why, where the sentence is about a change of role."""
        match = _ROLE.fullmatch(self.text)
        return None if match is None else (match["old"], match["new"], match["detail"])


class Cluster:
    """Some nodes and a client; nothing is started yet.

    Args:
        nodes: Short names of the nodes.
        interval: `advert_interval` of the configuration.
        gateway: Whether there is a gateway, which helps a pair to prove that it hears.
        signed: Whether adverts carry a signature.
        period: How often the client asks for the address, seconds.
        command: What each node executes.
        more: Further keys of the group, YAML lines.
    """

    def __init__(
        self,
        nodes: Sequence[str] = ("a", "b", "c"),
        *,
        interval: str = "100ms",
        gateway: bool = False,
        signed: bool = True,
        period: float = PERIOD,
        command: Sequence[str] = RUN,
        more: str = "",
    ) -> None:
        self.interval = interval
        self.victim = ""
        """The node to which the last incident happened."""
        self.services: dict[str, Service] = {}
        """What runs behind the address, by node, where an incident needs it."""
        self._secrets = {1: secrets.token_hex(32)} if signed else {}
        """Keys by id, as they lie in files on every node."""
        self._keys = tuple(self._secrets)
        """Ids of the keys in force; the first signs."""
        self._command = tuple(command)
        self._more = more
        self._disks: dict[str, dict[str, bytes]] = {}
        self._lives: list[tuple[str, Daemon]] = []
        self._refresh = 60
        with ExitStack() as stack:
            self.lan = stack.enter_context(Lan(nodes, gateway=gateway))
            self.daemons = {name: self._install(name) for name in nodes}
            self.pings = self.lan.ping(VIP, period)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # Who owns it

    @property
    def owner(self) -> str | None:
        """The node whose kernel has the address and is within the client's reach."""
        return min(self.lan.owners(VIP), default=None)

    def wait_for_owner(self, timeout: float, other_than: str | None = None) -> str:
        """Wait until a node owns the address, another than the one that is given.

        Raises:
            TimeoutError: None did.
        """
        deadline = now() + timeout
        # Where two own it, as with other daemons, one of them is another.
        while not (owners := self.lan.owners(VIP) - {other_than}):
            if now() > deadline:
                raise TimeoutError(f"nobody else than {other_than} took the address within {timeout:g} s")
            time.sleep(LOOK_PERIOD)
        return min(owners)

    def wait_until_whole(self) -> None:
        """Wait until every node runs, all hear each other and one owns the address."""
        others = len(self.daemons) - 1
        for name, daemon in self.daemons.items():
            daemon.wait_for(partial(_stands, others=others), WHOLE_WITHIN, f"{name} whole")
        self.wait_for_owner(WHOLE_WITHIN)

    def sentences(self, since: float, until: float) -> list[Sentence]:
        """What the nodes logged between two moments, in order."""
        said = [
            _sentence(name, line)
            for name, daemon in self._lives
            for line in tuple(daemon.log)
            if since <= line.at <= until
        ]
        return sorted(said, key=lambda sentence: sentence.at)

    def unread(self, read: list[int]) -> list[Sentence]:
        """What the nodes have logged that the one who keeps `read` was not given yet, in order.

        Args:
            read: How many lines of each life were read; begins empty, is brought up to date here.
        """
        lives = tuple(self._lives)
        read.extend([0] * (len(lives) - len(read)))
        said = []
        for number, (name, daemon) in enumerate(lives):
            lines = tuple(daemon.log[read[number] :])
            read[number] += len(lines)
            said += [_sentence(name, line) for line in lines]
        return sorted(said, key=lambda sentence: sentence.at)

    def report(self) -> str:
        """All logs as one text, for a failed run to show."""
        return "\n".join(f"node {name}:\n{daemon.log_text()}" for name, daemon in self._lives)

    # What can be done to it

    def start(self, *names: str) -> None:
        """Execute the daemons of these nodes and wait until each is ready."""
        for name in names:
            self.daemons[name].start()
        for name in names:
            self.daemons[name].wait_ready(READY_WITHIN)

    def power_off(self, name: str) -> None:
        """The host dies; what it had stored (its state directory) stays on its disk."""
        self._disks[name] = _read_folder(_state_of(self.lan.node(name)))
        self.lan.power_off(name)

    def power_on(self, name: str) -> None:
        """The host boots with its disk, and its service manager starts the daemon."""
        self.lan.power_on(name)
        self.daemons[name] = self._install(name)
        for file, content in self._disks.pop(name).items():
            (_state_of(self.lan.node(name)) / file).write_bytes(content)
        self.start(name)

    def change_configuration(self, name: str) -> None:
        """Reload with a change that concerns no address: how often the address is announced at rest."""
        self._refresh += 1
        daemon = self.daemons[name]
        daemon.write_config(self.configuration(daemon.host.name))
        daemon.wait_for_line("^[^ ]+ info reload: ", READY_WITHIN, since=daemon.reload().began)

    def configure(self, more: str) -> None:
        """Give every node other keys of the group, by a reload."""
        self._more = more
        for name in self.daemons:
            self.change_configuration(name)

    def rotate_key(self) -> int:
        """Replace the key on all nodes by reloads: the new one second, then first, then alone; its id."""
        old, new = self._keys[0], max(self._secrets) + 1
        self._secrets[new] = secrets.token_hex(32)
        for daemon in self.daemons.values():
            self._write_keys(daemon.host)
        for self._keys in ((old, new), (new, old), (new,)):
            for name in self.daemons:
                self.change_configuration(name)
        return new

    def upgrade(self, name: str) -> None:
        """Let a daemon become the installed code, which is what it runs: the start is what costs."""
        daemon = self.daemons[name]
        began = now()
        try:
            answer = daemon.ask({"command": "upgrade"}, READY_WITHIN)
        except ConnectionError:  # it is another by now
            daemon.wait_for_line("upgraded in place", READY_WITHIN, since=began)
        else:
            raise TimeoutError(f"{name}: no upgrade: {answer.get('detail')}")

    def configuration(self, host: str, extra: str = "") -> str:
        """The configuration file of a host by its full name; `extra` are further lines of its group."""
        keys = "".join(f"    - {{id: {key}, file: {_key_file(key)}}}\n" for key in self._keys)
        adverts = f"adverts:\n  keys:\n{keys}" if keys else ""
        return (
            f"{node_section(host)}{adverts}"
            f"floating_ip:\n  enabled: true\n  ip: {VIP}\n  advert_interval: {self.interval}\n"
            f"  announce:\n    refresh: {self._refresh}s\n{textwrap.indent(self._more, '  ')}{extra}"
        )

    def heal(self) -> None:
        """Undo whatever has been done: hosts, cables, filters, hung and dead daemons."""
        for name in tuple(self._disks):
            self.power_on(name)
        self.lan.heal()
        self.lan.restore_adverts()
        for name, daemon in self.daemons.items():
            if daemon.running:
                daemon.resume()
            else:
                self.start(name)

    def _install(self, name: str) -> Daemon:
        host = self.lan.node(name)
        daemon = Daemon(host, self.configuration(host.name), command=self._command)
        self._write_keys(host)
        self._lives.append((name, daemon))
        return daemon

    def _write_keys(self, host: Host) -> None:
        for key, secret in self._secrets.items():
            file = host.root / FOLDER.relative_to("/") / _key_file(key)
            file.write_text(f"{secret}\n", encoding="ascii")
            file.chmod(0o600)


def _key_file(key: int) -> str:
    return f"adverts-{key}.key"


def _sentence(name: str, line: Line) -> Sentence:
    match = _LOG_LINE.fullmatch(line.text)
    if match is None:
        return Sentence(line.at, name, "", line.text)
    return Sentence(line.at, name, match["level"], match["text"])


def _stands(status: Status, *, others: int) -> bool:
    """Whether a node is active or backup, and hears so many others, who hear it."""
    for group in status["groups"]:
        nodes = [node for node in group["nodes"] if node["living"] and node["hears_us_ago"] is not None]
        if len(nodes) < others or group["role"] not in {"active", "backup"} or group["owner"] is None:
            return False
    return bool(status["groups"])


def _state_of(host: Host) -> Path:
    return host.root / STATE.relative_to("/")


def _read_folder(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
