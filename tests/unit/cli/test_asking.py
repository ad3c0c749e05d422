"""The commands that ask the daemon; it is a socket with one answer here."""

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from vipservice.cli.status import show
from vipservice.cli.status_tables import ago
from vipservice.core.actions import ConditionKind
from vipservice.core.roles import Reason, Role
from vipservice.core.status import GroupStatus, NodeView
from vipservice.core.values import GroupId, NodeId
from vipservice.runtime.round_trips import RoundTrips
from vipservice.runtime.status import LinkGroupStatus, NodeStatus, ReloadStatus, to_json

Run = Callable[..., Any]
Daemon = Callable[[dict[str, Any]], Path]
VIP = IPv4Address("192.168.3.234")
PEER = IPv4Address("192.168.3.36")


def snapshot() -> dict[str, Any]:
    """What a real daemon answers: its own writer makes it."""
    other = NodeView(NodeId(bytes(16)), "node-b", PEER, Role.BACKUP, 90, 4, 0.2, 0.5, living=True, fit=True)
    gone = replace(other, living=False, heard_ago=75.0)
    web = GroupStatus(
        GroupId(1), "web", (VIP,), Role.ACTIVE, 90.0, Reason.STARTED, "because", 100, 4, 2.5, "node-a",
        "Silent", (other,), {}, 1, False, True,
    )  # fmt: skip
    mail = replace(
        web,
        id=GroupId(2),
        name="mail",
        role=Role.BACKUP,
        owner=None,
        owners_observed=2,
        nodes=(gone,),
        conditions={ConditionKind.CONFLICT: "a stranger\x1b[2J answers"},
    )
    trips = (RoundTrips("peer", PEER, (0.0002, None, 0.0003)),)
    groups = (
        LinkGroupStatus(web, "eth0", {VIP: True}, standbys=1, round_trips=trips),
        LinkGroupStatus(mail, "eth0", {VIP: True}),
    )
    return to_json(
        NodeStatus(
            name="node-a",
            node_id=NodeId(bytes(16)),
            version="0.1.0",
            incarnation=1,
            pid=1,
            now=100.0,
            wall=1e9,
            started=1.0,
            source=Path("/etc/v.yml"),
            key_ids=(),
            reload=ReloadStatus(False, 1e9),
            groups=groups,
            waiting=("there is no interface eth7",),
        )
    )


def test_status_as_text_is_aligned_and_has_every_group_and_node(run: Run, daemon: Daemon) -> None:
    result = run("status", "--socket", daemon(snapshot()))
    assert result.code == 0
    assert result.out == (
        "node-a, vipservice 0.1.0, up for 1m 39s\n"
        "GROUP  ROLE    FOR    ADDRESS                INTERFACE  OWNER     STANDBYS  WHY\n"
        "web    active  10.0s  192.168.3.234          eth0       node-a    1         because\n"
        "mail   backup  10.0s  192.168.3.234 (bound)  eth0       2 OWNERS  none      because\n"
        "\n"
        "NODE    GROUP  ROLE    PRIORITY  HEARD   HEARS US  ADDRESS       ROUND TRIP\n"
        "node-b  web    backup  90        0.2s    0.5s      192.168.3.36  0.25ms, 1 of 3 lost\n"
        "node-b  mail   silent  90        1m 15s  0.5s      192.168.3.36\n"
        "! mail: conflict: a stranger?[2J answers\n"
        "! there is no interface eth7\n"
        "! the last reload failed; the configuration before it is in force\n"
    )


def test_status_says_what_would_move_by_itself(run: Run, daemon: Daemon) -> None:
    answer = snapshot()
    answer["groups"][1]["plans"] = ["would fail back in 12 s"]
    assert run("status", "--socket", daemon(answer)).out.endswith("\nmail: would fail back in 12 s\n")


def test_status_in_a_terminal_says_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    show(snapshot())
    drawn = capsys.readouterr().out
    assert "192.168.3.234 (bound)" in drawn
    assert "node-b" in drawn
    assert "\x1b[2J" not in drawn


def test_status_as_json_is_the_daemons_whole_answer(
    run: Run, daemon: Daemon, requests: list[dict[str, Any]]
) -> None:
    result = run("status", "--json", "--socket", daemon(snapshot()))
    assert json.loads(result.out) == snapshot()
    assert requests == [{"command": "status"}]


@dataclass(frozen=True)
class Asked:
    argv: tuple[str, ...]
    request: dict[str, Any]


@pytest.mark.parametrize(
    "asked",
    [
        Asked(("handover",), {"command": "handover"}),
        Asked(
            ("handover", "--to", "node-b", "--group", "2"),
            {"command": "handover", "to": "node-b", "group": 2},
        ),
        Asked(("maintenance", "on"), {"command": "maintenance", "on": True}),
        Asked(("maintenance", "off", "--group", "2"), {"command": "maintenance", "on": False, "group": 2}),
        Asked(("handover", "--force"), {"command": "handover", "force": True}),
        Asked(("handover", "--wait", "2s"), {"command": "handover"}),
        Asked(("forget", "node-c"), {"command": "forget", "node": "node-c"}),
        Asked(("reload",), {"command": "reload"}),
    ],
    ids=lambda asked: " ".join(asked.argv),
)
def test_a_command_reaches_the_daemon_as_it_was_typed(
    run: Run, daemon: Daemon, requests: list[dict[str, Any]], asked: Asked
) -> None:
    result = run(*asked.argv, "--socket", daemon({"ok": True, "detail": "node-b is active"}))
    assert requests == [asked.request]
    assert (result.code, result.out, result.err) == (0, "node-b is active\n", "")


def test_what_the_daemon_refuses_is_an_error_with_its_sentence(run: Run, daemon: Daemon) -> None:
    result = run("handover", "--socket", daemon({"ok": False, "detail": "node-b is not known"}))
    assert (result.code, result.out, result.err) == (69, "", "vipservice: node-b is not known\n")


def test_what_the_daemon_does_not_understand_is_told(run: Run, daemon: Daemon) -> None:
    result = run("reload", "--socket", daemon({"error": "'command' must be one of status"}))
    assert result.code == 69
    assert "'command' must be one of status" in result.err


@pytest.mark.parametrize("command", ["status", "handover", "reload"])
def test_without_a_daemon_there_is_one_sentence_and_a_hint(run: Run, tmp_path: Path, command: str) -> None:
    path = tmp_path / "control.sock"
    result = run(command, "--socket", path)
    assert (result.code, result.out) == (69, "")
    sentence, hint = result.err.splitlines()
    assert sentence == f"vipservice: the daemon is not running: nobody listens on {path}"
    assert "systemctl start vipservice" in hint


def test_a_socket_that_nobody_listens_on_any_more_is_the_same(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    assert "the daemon is not running" in run("status", "--socket", path).err


def test_an_impossible_path_is_no_traceback(run: Run, tmp_path: Path) -> None:
    result = run("status", "--socket", tmp_path / ("x" * 200))
    assert result.code == 69
    assert "cannot be asked" in result.err


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "never"), (0.25, "0.2s"), (59.9, "59.9s"), (61, "1m 1s"), (3700, "1h 1m"), (180_000, "2d 2h")],
)
def test_durations_are_short(seconds: float | None, said: str) -> None:
    assert ago(seconds) == said
