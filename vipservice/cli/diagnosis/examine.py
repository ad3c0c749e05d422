"""Gathers what there is to know of this host and its links, and lets every check judge it."""

import grp
import os
import pwd
from contextlib import closing
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

from vipservice.adapters.detection import detect_interfaces
from vipservice.adapters.linux.host import LinuxHost
from vipservice.adapters.linux.survey import host
from vipservice.adapters.linux.survey.host import Account
from vipservice.adapters.state import IDENTITY, PEERS
from vipservice.adapters.state_documents import read_identity, read_peers
from vipservice.cli.asking import Answer, ask
from vipservice.cli.check import ours
from vipservice.cli.diagnosis import (
    identities,
    managers,
    neighbourhood,
    paths,
    peers,
    placing,
    rights,
    service,
)
from vipservice.cli.diagnosis.findings import Finding, error, info, warning
from vipservice.cli.diagnosis.looking import Look, places
from vipservice.cli.diagnosis.patient import UNIT, Check, Patient, Peer
from vipservice.cli.exit_codes import CommandError
from vipservice.config.keys import CREDENTIALS, read_keys
from vipservice.config.load import load
from vipservice.config.problems import ConfigError
from vipservice.config.resolve import resolve
from vipservice.config.settings import ResolvedGroup, Settings
from vipservice.runtime.ports import StoredPeer
from vipservice.wire.signing import Keyring

CHECKS: tuple[Check, ...] = (
    placing.notices,
    placing.interface,
    placing.leftovers,
    placing.subnet,
    placing.arp_settings,
    placing.igmp,
    rights.capabilities,
    rights.files,
    rights.scheduling,
    neighbourhood.unseen,
    neighbourhood.address,
    neighbourhood.proxy_arp,
    paths.paths,
    identities.keys,
    identities.clones,
    identities.group_ids,
    identities.loops,
    managers.networkd,
    managers.network_manager,
    managers.others,
    service.daemon,
    service.watchdog,
    service.clock,
    service.nonlocal_bind,
    service.conntrack,
)

LISTEN = 3.0
"""Seconds: backups advertise each second, and one advert may be lost."""

LONGEST = 30.0


class Examination:
    """One examination of this host.

    Args:
        config: The configuration file.
        listen: Seconds to listen; None: as long as it takes to hear the slowest group twice, 3 s at least.
        root: `/`, or a folder with /proc, /sys, /etc and /run in it.
    """

    def __init__(self, config: Path, listen: float | None = None, root: Path = Path("/")) -> None:
        self._config = config
        self._listen = listen
        self._root = root
        self._said: list[Finding] = []

    def findings(self) -> list[Finding]:
        """Look at everything; the worst first."""
        patient = self._patient()
        found = [*self._said, *(finding for check in CHECKS for finding in check(patient))]
        return sorted(found, key=lambda finding: -finding.severity)

    def _patient(self) -> Patient:
        before = host.processor_times(self._root)
        settings = self._settings()
        if settings is None:
            return Patient(self._root, account(self._root, None))
        keyring, status = self._keyring(settings), self._status(settings)
        groups = self._groups(settings)
        patient = self._look(settings, groups, keyring, status)
        after = host.processor_times(self._root)
        stolen = (after[0] - before[0]) / max(1, after[1] - before[1])
        return replace(patient, stolen=stolen)

    def _look(
        self, settings: Settings, groups: tuple[ResolvedGroup, ...], keyring: Keyring, status: Answer | None
    ) -> Patient:
        stored = _stored_peers(settings)
        known = frozenset(one.address for one in stored if isinstance(one.address, IPv4Address))
        with closing(LinuxHost()) as machine:
            interfaces = tuple(machine.interfaces())
            where = tuple(places(machine, groups, status, known))
        seconds = self._seconds(groups) if where else 0.0
        look = Look(where, settings, settings.node.control_socket if status else None, seconds)
        look.perform()
        status = look.status or status
        return Patient(
            root=self._root,
            account=account(self._root, status),
            settings=settings,
            groups=groups,
            keyring=keyring,
            status=status,
            interfaces=interfaces,
            links=tuple(look.links),
            peers=_peers(look, status, keyring, stored),
            node_id=status["node_id"] if status else _stored_id(settings),
            listened=seconds,
        )

    def _settings(self) -> Settings | None:
        try:
            return load(self._config.absolute())
        except ConfigError as problem:
            self._refuse(problem)
        return None

    def _keyring(self, settings: Settings) -> Keyring:
        credentials = self._root / "run/credentials" / UNIT
        environ = {CREDENTIALS: str(credentials)} if credentials.is_dir() else dict(os.environ)
        try:
            return Keyring(dict(read_keys(settings, environ)))
        except ConfigError as problem:
            self._refuse(problem)
        return Keyring()

    def _groups(self, settings: Settings) -> tuple[ResolvedGroup, ...]:
        try:
            return resolve(settings, detect_interfaces(), ours(settings))
        except ConfigError as problem:
            self._refuse(problem)
        return ()

    def _status(self, settings: Settings) -> Answer | None:
        try:
            return ask(settings.node.control_socket, {"command": "status"})
        except CommandError as problem:
            if isinstance(problem.__cause__, FileNotFoundError | ConnectionRefusedError):
                self._said.append(
                    info(
                        "daemon",
                        "the daemon is not running here, so that the doctor listened in its place",
                        "by which paths other nodes hear this one cannot be known without it",
                        "start it ('systemctl start vipservice') and run the doctor again",
                    )
                )
            else:
                self._said.append(
                    warning("daemon", problem.sentence, "it may hang, or you may not ask it", problem.hint)
                )
        return None

    def _seconds(self, groups: tuple[ResolvedGroup, ...]) -> float:
        if self._listen is not None:
            return self._listen
        slowest = max(group.core.timing.backup_interval for group in groups)
        return min(LONGEST, max(LISTEN, 2.5 * slowest))

    def _refuse(self, problem: ConfigError) -> None:
        for sentence in problem.sentences():
            self._said.append(
                error("configuration", sentence, "the daemon does not start with it", "see vipservice.yml(5)")
            )


def account(root: Path, status: Answer | None) -> Account:
    """Whom the daemon runs as: its process says so, else the unit's User=, else it is whoever asks."""
    if status is not None:
        lines = (host.text(root, f"proc/{status['pid']}/status") or "").splitlines()
        words = {line.split()[0]: line.split()[1:] for line in lines if line.strip()}
        if words.get("Uid:") and words.get("Gid:"):
            uid, gids = int(words["Uid:"][1]), {words["Gid:"][1], *words.get("Groups:", ())}
            return Account(_name(uid), uid, frozenset(map(int, gids)))
    try:
        entry = pwd.getpwnam(host.unit_settings(root, UNIT).get("Service.User", ""))
    except KeyError:
        return Account(_name(os.geteuid()), os.geteuid(), frozenset({os.getegid(), *os.getgroups()}))
    groups = {one.gr_gid for one in grp.getgrall() if entry.pw_name in one.gr_mem}
    return Account(entry.pw_name, entry.pw_uid, frozenset({entry.pw_gid, *groups}))


def _peers(
    look: Look, status: Answer | None, keyring: Keyring, stored: tuple[StoredPeer, ...]
) -> tuple[Peer, ...]:
    if status is None:
        return peers.from_listening(look, keyring, stored)
    return peers.from_daemon(status, look.took)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _stored_peers(settings: Settings) -> tuple[StoredPeer, ...]:
    """What the daemon remembers; nothing where that is not for us to read."""
    try:
        return read_peers((settings.node.state_directory / PEERS).read_bytes())
    except (OSError, ValueError):
        return ()


def _stored_id(settings: Settings) -> str:
    try:
        return read_identity((settings.node.state_directory / IDENTITY).read_bytes()).node.hex()
    except (OSError, ValueError):
        return ""
