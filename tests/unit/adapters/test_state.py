"""The state directory: what is remembered, what is refused, and what a bad disk does."""

import json
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipservice.adapters import state_documents, state_writer
from vipservice.adapters.state import GROUPS, IDENTITY, PEERS, StateDirectory
from vipservice.adapters.state_writer import LatestWriter, replace_file
from vipservice.core.values import GroupId, Mac, NodeId
from vipservice.runtime.ports import StoredGroup, StoredPeer

NOW = 1_800_000_000.0
PEER = StoredPeer(
    NodeId(bytes(range(16))),
    "node-b",
    (Mac(b"\x02\0\0\0\0\x0b"), Mac(b"\x02\0\0\0\0\x0c")),
    IPv4Address("10.0.0.2"),
    "eth0",
    NOW - 5.25,
)

Open = Callable[..., StateDirectory]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    states: list[StateDirectory] = []

    def open_state(directory: Path = tmp_path / "state", now: float = NOW) -> StateDirectory:
        states.append(StateDirectory(directory, lambda: now))
        return states[-1]

    yield open_state
    for state in states:
        state.close()


def test_a_first_start_makes_a_node_and_its_first_life(opened: Open, tmp_path: Path) -> None:
    state = opened()
    assert len(state.node_id) == 16
    assert state.node_id != opened(tmp_path / "other").node_id
    assert state.incarnation == NOW + 1
    assert state.group(GroupId(1)) == StoredGroup()
    assert list(state.peers()) == []
    assert state.problem is None
    assert state.warnings == ()


def test_the_incarnation_is_on_the_disk_before_anybody_can_hear_it(opened: Open, tmp_path: Path) -> None:
    state = opened()
    on_disk = json.loads((tmp_path / "state" / IDENTITY).read_text())
    assert on_disk == {
        "version": 1,
        "content": {"node": state.node_id.hex(), "incarnation": state.incarnation},
    }


def test_everything_is_remembered_across_a_restart(opened: Open) -> None:
    first = opened()
    first.store_group(GroupId(1), StoredGroup(4, 6, ("10.0.0.234", "fd00::234")))
    first.store_group(GroupId(255), StoredGroup(1, 2))
    first.store_peers([PEER])
    first.close()
    second = opened()
    assert second.node_id == first.node_id
    assert second.group(GroupId(1)) == StoredGroup(4, 6, ("10.0.0.234", "fd00::234"))
    assert second.group(GroupId(255)) == StoredGroup(1, 2)
    assert second.group(GroupId(2)) == StoredGroup()
    assert list(second.peers()) == [PEER]
    assert second.problem is None


def test_what_is_stored_is_read_back_at_once(opened: Open) -> None:
    state = opened()
    state.store_group(GroupId(3), StoredGroup(7, 8))
    state.store_peers([PEER])
    assert state.group(GroupId(3)) == StoredGroup(7, 8)
    assert list(state.peers()) == [PEER]


@pytest.mark.parametrize("later", [0.0, 10.0, -86400.0])
def test_each_life_has_a_greater_number_even_when_the_clock_went_back(opened: Open, later: float) -> None:
    first = opened()
    first.close()
    second = opened(now=NOW + later)
    assert second.incarnation == max(first.incarnation, int(NOW + later)) + 1


def test_a_greater_incarnation_taken_on_the_way_is_remembered(opened: Open) -> None:
    first = opened()
    first.store_incarnation(2**40)
    assert first.incarnation == 2**40
    first.close()
    assert opened().incarnation == 2**40 + 1


def test_files_are_for_us_alone(opened: Open, tmp_path: Path) -> None:
    state = opened()
    state.store_peers([PEER])
    state.store_group(GroupId(1), StoredGroup())
    state.close()
    directory = tmp_path / "state"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert sorted(path.name for path in directory.iterdir()) == sorted([IDENTITY, GROUPS, PEERS])
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


GOOD = {
    IDENTITY: state_documents.write_identity(state_documents.Identity(NodeId(bytes(16)), 7)),
    GROUPS: state_documents.write_groups({GroupId(1): StoredGroup(1, 2, ("10.0.0.1",))}),
    PEERS: state_documents.write_peers([PEER]),
}


@pytest.mark.parametrize("name", [IDENTITY, GROUPS, PEERS])
@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda good: good[: len(good) // 2],
        lambda _: b"\xff\xfe\0garbage",
        lambda _: b"[]",
        lambda good: good.replace(b'"version": 1', b'"version": 2'),
        lambda _: b'{"version": 1, "content": 5}',
        lambda _: b'{"version": 1, "content": [5]}',
        lambda _: b'{"version": 1}',
        lambda _: b"[" * 100_000,
    ],
    ids=["empty", "half", "garbage", "list", "newer", "number", "wrong-list", "hollow", "deep"],
)
def test_a_damaged_file_is_set_aside_with_a_sentence_and_the_start_goes_on(
    opened: Open, tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    directory = tmp_path / "state"
    directory.mkdir()
    for good_name, content in GOOD.items():
        (directory / good_name).write_bytes(content)
    damaged = damage(GOOD[name])
    (directory / name).write_bytes(damaged)
    state = opened()
    (aside,) = directory.glob("*.unreadable-*")
    assert aside.read_bytes() == damaged
    assert aside.name.startswith(name)
    (warning,) = state.warnings
    assert aside.name in warning
    assert str(directory / name) in warning
    assert "\n" not in warning
    kept = {
        IDENTITY: state.node_id == bytes(16),
        GROUPS: state.group(GroupId(1)) == StoredGroup(1, 2, ("10.0.0.1",)),
        PEERS: list(state.peers()) == [PEER],
    }
    assert [other for other, same in kept.items() if not same] == [name]
    assert state.problem is None


def test_a_directory_that_cannot_be_written_is_a_problem_and_memory_serves(
    opened: Open, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file stands where the directory should be")
    state = opened()
    assert state.problem is not None
    assert "identity.json can't be written" in state.problem
    assert "memory" in state.problem
    state.store_group(GroupId(1), StoredGroup(3, 4))
    assert state.group(GroupId(1)) == StoredGroup(3, 4)
    state.close()
    assert state.problem is not None
    assert (tmp_path / "state").read_text() == "a file stands where the directory should be"


def test_once_the_directory_can_be_written_again_all_is_stored(opened: Open, tmp_path: Path) -> None:
    blocker = tmp_path / "state"
    blocker.write_text("")
    state = opened()
    state.store_group(GroupId(1), StoredGroup(3, 4))
    blocker.unlink()
    state.close()
    assert state.problem is None
    again = opened()
    assert (again.node_id, again.incarnation) == (state.node_id, state.incarnation + 1)
    assert again.group(GroupId(1)) == StoredGroup(3, 4)


def test_a_crash_between_write_and_rename_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    assert replace_file(path, b"old") is None

    def crash(*_arguments: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.fsync", crash)
    assert (
        replace_file(path, b"new and longer")
        == f"{path} can't be written (Input/output error): kept in memory only"
    )
    assert path.read_bytes() == b"old"


def test_content_and_directory_are_synced_before_a_write_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace

    def sync(descriptor: int) -> None:
        order.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_sync(descriptor)

    def rename(self: Path, target: Path) -> Path:
        order.append("rename")
        return real_replace(self, target)

    monkeypatch.setattr("os.fsync", sync)
    monkeypatch.setattr(Path, "replace", rename)
    assert replace_file(tmp_path / "file", b"x") is None
    assert order == ["file", "rename", "directory"]


def test_while_a_write_hangs_only_the_latest_waits_and_nobody_is_held_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    hanging, go_on = threading.Event(), threading.Event()

    def slow(path: Path, content: bytes) -> str | None:
        hanging.set()
        assert go_on.wait(10)
        written.append(content)
        return None

    monkeypatch.setattr(state_writer, "replace_file", slow)
    writer = LatestWriter(tmp_path)
    writer.put("file", lambda: b"first")
    assert hanging.wait(10)
    for number in range(1000):
        writer.put("file", (b"%d" % number).strip)
    go_on.set()
    writer.close(10)
    assert written == [b"first", b"999"]


def test_closing_does_not_wait_for_a_disk_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging, go_on = threading.Event(), threading.Event()

    def hang(path: Path, content: bytes) -> str | None:
        hanging.set()
        go_on.wait(10)
        return None

    monkeypatch.setattr(state_writer, "replace_file", hang)
    writer = LatestWriter(tmp_path)
    writer.put("file", lambda: b"")
    assert hanging.wait(10)
    writer.close(0.01)
    assert not go_on.is_set()
    go_on.set()
    writer.close(10)


def test_a_refused_write_is_tried_again_unless_something_newer_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[tuple[str, bytes]] = []
    done = threading.Event()

    def refuse_first(path: Path, content: bytes) -> str | None:
        attempts.append((path.name, content))
        if len(attempts) == 1:
            writer.put("a", lambda: b"newer")
            return "no space"
        if len(attempts) == 3:
            done.set()
        return None

    monkeypatch.setattr(state_writer, "replace_file", refuse_first)
    writer = LatestWriter(tmp_path, retry_after=0.0)
    writer.put("a", lambda: b"old")
    writer.put("b", lambda: b"other")
    assert done.wait(10)
    writer.close(10)
    assert attempts[0] == ("a", b"old")
    assert ("a", b"newer") in attempts
    assert ("b", b"other") in attempts
    assert writer.problem is None


names = st.text(max_size=20)
addresses = st.ip_addresses(v=4) | st.ip_addresses(v=6).map(lambda address: IPv6Address(int(address)))
peers = st.builds(
    StoredPeer,
    node=st.binary(min_size=16, max_size=16).map(NodeId),
    name=names,
    macs=st.lists(st.binary(min_size=6, max_size=6).map(Mac), max_size=3).map(tuple),
    address=addresses,
    interface=names,
    last_seen=st.floats(0, 4e9),
)
groups = st.builds(
    StoredGroup,
    own_term=st.integers(0, 2**64 - 1),
    reserved_term=st.integers(0, 2**64 - 1),
    addresses=st.lists(addresses.map(str), max_size=3).map(tuple),
)


@given(st.lists(peers, max_size=4), st.dictionaries(st.integers(1, 255).map(GroupId), groups, max_size=4))
def test_whatever_is_stored_is_read_back(stored: list[StoredPeer], by_id: dict[GroupId, StoredGroup]) -> None:
    assert list(state_documents.read_peers(state_documents.write_peers(stored))) == stored
    assert state_documents.read_groups(state_documents.write_groups(by_id)) == by_id


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@given(json_values, st.sampled_from(["identity", "groups", "peers"]))
def test_any_json_is_read_or_is_a_value_error(content: object, kind: str) -> None:
    read = {
        "identity": state_documents.read_identity,
        "groups": state_documents.read_groups,
        "peers": state_documents.read_peers,
    }[kind]
    with suppress(ValueError):
        read(json.dumps({"version": 1, "content": content}).encode())


def test_maintenance_of_the_whole_node_is_also_that_of_groups_to_come(opened: Open) -> None:
    state = opened()
    state.store_group(GroupId(3), StoredGroup(7, 8))
    state.store_maintenance(True)
    state.store_group(GroupId(4), StoredGroup(1, 2, maintenance=False))
    state.flush()
    again = opened()
    assert [again.group(GroupId(one)).maintenance for one in (3, 4, 5)] == [True, False, True]
    assert again.group(GroupId(3)).reserved_term == 8
    again.store_maintenance(False)
    again.flush()
    last = opened()
    assert not any(last.group(GroupId(one)).maintenance for one in (3, 4, 5))
