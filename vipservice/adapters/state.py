"""The state directory: what a node remembers across restarts, in JSON files that are replaced whole.

`identity.json` (node id, incarnation), `groups.json` (terms, addresses) and `peers.json`, each an object with
`version` and `content`. A file is written beside itself, synced and renamed over the old one, so that a crash
leaves one or the other. What can't be read is set aside under another name, never deleted.
"""

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from vipservice.adapters.state_documents import (
    Identity,
    read_groups,
    read_identity,
    read_peers,
    write_groups,
    write_identity,
    write_peers,
)
from vipservice.adapters.state_writer import LatestWriter, replace_file
from vipservice.core.values import GroupId, NodeId
from vipservice.runtime.ports import StoredGroup, StoredPeer

_log = logging.getLogger(__name__)

IDENTITY, GROUPS, PEERS = "identity.json", "groups.json", "peers.json"
EVERY_GROUP = GroupId(0)
"""No group has this id: under it stands whether groups that are to come begin in maintenance."""

_CLOSE_WITHIN = 2.0
"""Seconds that a disk that hangs may hold up the end of the daemon, or an upgrade."""

_Content = TypeVar("_Content")


class StateDirectory:
    """Remembers in a directory; where that can't be written, in memory, and `problem` says so."""

    def __init__(self, directory: Path, wall_clock: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._wall_clock = wall_clock
        self._warnings: list[str] = []
        self._identity = self._next_life()
        self._groups = self._read(GROUPS, read_groups) or {}
        self._peers = self._read(PEERS, read_peers) or ()
        problem = replace_file(directory / IDENTITY, write_identity(self._identity))
        self._writer = LatestWriter(directory, problem)
        if problem is not None:
            self.store_incarnation(self.incarnation)

    @property
    def node_id(self) -> NodeId:
        """128 bits, made at the first start."""
        return self._identity.node

    @property
    def incarnation(self) -> int:
        """This life's number, on the disk before anybody hears it."""
        return self._identity.incarnation

    @property
    def warnings(self) -> Sequence[str]:
        """A sentence for each file that was set aside at the start."""
        return tuple(self._warnings)

    @property
    def problem(self) -> str | None:
        """Why the last write failed, or None."""
        return self._writer.problem

    def group(self, group: GroupId) -> StoredGroup:
        """What was stored for `group`, or what a group begins with."""
        return self._groups.get(group) or StoredGroup(maintenance=self._every_group.maintenance)

    def peers(self) -> Sequence[StoredPeer]:
        """The peers that were stored."""
        return self._peers

    def store_group(self, group: GroupId, stored: StoredGroup) -> None:
        """Queue a write; the latest wins."""
        self._groups = {**self._groups, group: stored}
        self._writer.put(GROUPS, partial(write_groups, self._groups))

    def store_maintenance(self, on: bool) -> None:
        """Queue a write: so it is for every group, also for one that is to come."""
        groups = {**self._groups, EVERY_GROUP: self._every_group}
        self._groups = {group: replace(stored, maintenance=on) for group, stored in groups.items()}
        self._writer.put(GROUPS, partial(write_groups, self._groups))

    def store_peers(self, peers: Sequence[StoredPeer]) -> None:
        """Queue a write; the latest wins."""
        self._peers = tuple(peers)
        self._writer.put(PEERS, partial(write_peers, self._peers))

    def store_incarnation(self, incarnation: int) -> None:
        """Queue a write; the latest wins."""
        self._identity = Identity(self._identity.node, incarnation)
        self._writer.put(IDENTITY, partial(write_identity, self._identity))

    def flush(self) -> None:
        """Wait for the queued writes, not longer than two seconds; `problem` says how it went."""
        self._writer.flush(_CLOSE_WITHIN)

    def close(self) -> None:
        """Finish the queued writes, within two seconds."""
        self._writer.close(_CLOSE_WITHIN)

    @property
    def _every_group(self) -> StoredGroup:
        return self._groups.get(EVERY_GROUP, StoredGroup())

    def _next_life(self) -> Identity:
        """Take the stored identity, or a new one, into its next incarnation."""
        stored = self._read(IDENTITY, read_identity) or Identity(NodeId(secrets.token_bytes(16)), 0)
        return Identity(stored.node, max(stored.incarnation, int(self._wall_clock())) + 1)

    def _read(self, name: str, read: Callable[[bytes], _Content]) -> _Content | None:
        """Read a file; None where there is none, or none that makes sense."""
        try:
            return read((self._directory / name).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self._set_aside(name, error.strerror if isinstance(error, OSError) else str(error))
        return None

    def _set_aside(self, name: str, reason: str | None) -> None:
        path = self._directory / name
        aside = path.with_name(f"{name}.unreadable-{int(self._wall_clock())}-{secrets.token_hex(2)}")
        try:
            path.rename(aside)
        except OSError as error:
            self._warn(f"{path} can't be read ({reason}) nor set aside ({error.strerror})")
        else:
            self._warn(f"{path} can't be read ({reason}): it is now {aside.name}, starting without it")

    def _warn(self, sentence: str) -> None:
        self._warnings.append(sentence)
        _log.warning("%s", sentence)
