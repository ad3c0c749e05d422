"""Hooks of real daemons: each turn once, again after a restart, and what `bind: none` leaves to them."""

import json
import time
from typing import Any

import pytest

from tests.live.daemon.stranger import metrics
from vipservice.lab.clock import now, wait_until
from vipservice.lab.demo.cluster import VIP, Cluster
from vipservice.lab.demo.steps import active

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]

NOTES = "/run/notes"
HOOK = f"""\
hooks:
  - run: [/bin/sh, -c, 'cat >> {NOTES}']
    name: note
    on: [active, backup, fault, handover, repair]
  - {{run: [/bin/false], name: fails, on: active}}
"""


FAILED = 'vipservice_hook_runs_total{group="vip-1",hook="fails",result="failed"}'


def notes(cluster: Cluster, name: str) -> list[dict[str, Any]]:
    """What a node's hook was told, in order."""
    path = cluster.lan.node(name).root / NOTES.lstrip("/")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def wait_for_note(cluster: Cluster, name: str, event: str, replay: bool | None = None, after: int = 0) -> int:
    """Wait until a node's hook has been told of an event; how many notes there are then."""

    def told() -> bool:
        return any(
            note["event"] == event and (replay is None or note.get("replay") is replay)
            for note in notes(cluster, name)[after:]
        )

    wait_until(told, 5, f"{name}: a note about {event}")
    return len(notes(cluster, name))


def test_hooks_are_told_each_turn_and_the_role_again_after_a_restart(pair: Cluster) -> None:
    pair.configure(HOOK)
    owner = active(pair)
    other = next(name for name in pair.daemons if name != owner)
    before = {name: len(notes(pair, name)) for name in pair.daemons}
    failed = metrics(pair.lan.node(other))[FAILED]
    pair.daemons[owner].ask({"command": "handover"})
    pair.wait_for_owner(5, other_than=owner)
    wait_for_note(pair, owner, "handover", after=before[owner])
    count = wait_for_note(pair, other, "handover", after=before[other])
    (note,) = [note for note in notes(pair, other)[before[other] :] if note["event"] == "active"]
    assert (note["previous"], note["reason"], note["addresses"]) == ("backup", "handover_taken", [str(VIP)])
    daemon = pair.daemons[other]
    hooks = {hook["name"]: hook for hook in daemon.status()["groups"][0]["hooks"]}
    assert (hooks["fails"]["result"], hooks["fails"]["exit_status"]) == ("failed", 1)
    series = metrics(pair.lan.node(other))
    assert series[FAILED] == failed + 1
    assert series['vipservice_hook_last_exit_status{group="vip-1",hook="note"}'] == 0
    daemon.kill()
    pair.start(other)
    wait_for_note(pair, other, "active", replay=True, after=count)
    history = daemon.ask({"command": "history"})["history"]
    assert any(entry["event"] == "hook" and "exit status 1" in entry["detail"] for entry in history)


def test_a_stop_runs_the_last_hook_before_the_daemon_ends(pair: Cluster) -> None:
    pair.configure(HOOK)
    owner = active(pair)
    count = len(notes(pair, owner))
    pair.daemons[owner].stop()
    assert next(note["event"] for note in notes(pair, owner)[count:]) == "backup"
    pair.heal()
    pair.wait_until_whole()


def test_a_repair_is_told(pair: Cluster) -> None:
    pair.configure(HOOK)
    owner = active(pair)
    count = len(notes(pair, owner))
    pair.lan.delete_address(owner, VIP)
    wait_for_note(pair, owner, "repair", after=count)


CLOUD = """\
bind: none
hooks:
  - {run: [/bin/sh, -c, 'cat >> /run/notes'], name: assign, on: [active, backup]}
"""


def test_with_bind_none_the_hook_alone_moves_the_address() -> None:
    with Cluster(("a", "b"), gateway=True, more=CLOUD) as cluster:
        cluster.start("a", "b")

        def roles() -> dict[str, str]:
            return {name: daemon.status()["groups"][0]["role"] for name, daemon in cluster.daemons.items()}

        wait_until(lambda: sorted(roles().values()) == ["active", "backup"], 15, "one active")
        owner = next(name for name, role in roles().items() if role == "active")
        other = next(name for name in roles() if name != owner)
        wait_for_note(cluster, owner, "active")
        assert cluster.owner is None, "no kernel must have it"
        assert cluster.daemons[owner].status()["groups"][0]["serving"] is True
        began = now()
        cluster.daemons[owner].ask({"command": "handover"})
        wait_for_note(cluster, other, "active")
        assert now() - began < 1.0
        cluster.power_off(other)
        died = now()
        wait_until(lambda: cluster.daemons[owner].status()["groups"][0]["role"] == "active", 10, "a takeover")
        assert 2.0 < now() - died < 5.0, "a lease after the last renewal that was told of"
        time.sleep(0.2)
        assert [note["event"] for note in notes(cluster, owner)][-1] == "active"


def test_the_last_hook_of_a_group_that_a_reload_takes_away_is_run(pair: Cluster) -> None:
    pair.configure(HOOK)
    owner = active(pair)
    daemon = pair.daemons[owner]
    count, began = len(notes(pair, owner)), now()
    text = pair.configuration(daemon.host.name)
    daemon.write_config(text.replace("enabled: true", "enabled: false"))
    assert daemon.ask({"command": "reload"})["ok"]
    pair.wait_for_owner(5, other_than=owner)
    wait_for_note(pair, owner, "backup", after=count)
    daemon.wait_for_line("hook note for backup done", 5, since=began)
    assert daemon.status()["groups"] == []
    daemon.write_config(text)
    assert daemon.ask({"command": "reload"})["ok"]
    pair.wait_until_whole()
