"""When hooks are run, with what, and what becomes of the answer."""

from ipaddress import IPv4Address
from typing import Any

import pytest

from tests.unit.runtime.conftest import SETTINGS, nobody_asks, quiet_history
from vipservice.config.check_settings import HookSettings
from vipservice.config.settings import ResolvedGroup
from vipservice.core.actions import ConditionChanged, ConditionKind, Repaired, Turned
from vipservice.core.roles import Reason, Role
from vipservice.core.values import GroupId
from vipservice.runtime.hooks import Hooks
from vipservice.runtime.metrics import Metrics

GROUP = GroupId(1)
EVERYTHING = frozenset({"active", "backup", "fault", "conflict", "repair", "handover"})


class Bench:
    """Hooks with a worker that writes down what it is told."""

    def __init__(self, on: frozenset[str] = EVERYTHING) -> None:
        self.sent: list[Any] = []
        self.metrics = Metrics({GROUP: SETTINGS.name}, nobody_asks)
        self.history = quiet_history()
        self.hooks = Hooks("node-a", self.sent.append, self.metrics, self.history, lambda: 1_795_348_994.0)
        hook = HookSettings("tell", ("/bin/tell",), on)
        self.hooks.take(ResolvedGroup(SETTINGS, "eth0", 32, (), None, 0, hooks=(hook,)))

    def turns(self, *roles: Role, reason: Reason = Reason.STARTED) -> None:
        old = Role.INITIALIZE
        for role in roles:
            self.hooks.happened(Turned(GROUP, old, role, reason, "because"), "5-1")
            old = role

    @property
    def told(self) -> list[tuple[str, str]]:
        """Matter and event of everything the worker was told."""
        return [(one["matter"], one["happened"]["event"]) for one in self.sent]

    def ran(self, result: str, status: int | None = 0, output: str = "") -> None:
        said = {"hook": "tell", "group": 1, "event": "active", "result": result, "status": status}
        self.hooks.ran({**said, "seconds": 0.5, "output": output})


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_probing_is_no_occasion_and_a_backup_stays_one(bench: Bench) -> None:
    bench.turns(Role.BACKUP, Role.PROBING, Role.BACKUP, Role.PROBING, Role.ACTIVE, Role.FAULT)
    assert bench.told == [("role", "backup"), ("role", "active"), ("role", "fault")]


def test_the_context_says_what_happened_to_whom(bench: Bench) -> None:
    bench.turns(Role.BACKUP, Role.PROBING, Role.ACTIVE, reason=Reason.SILENCE_PROVED)
    assert bench.sent[-1]["happened"] == {
        "event": "active",
        "group": SETTINGS.name,
        "group_id": 1,
        "role": "active",
        "previous": "backup",
        "reason": "silence_proved",
        "detail": "because",
        "transition": "5-1",
        "addresses": [str(one) for one in SETTINGS.addresses],
        "interface": "eth0",
        "node": "node-a",
        "time": "2026-11-22T12:03:14.000Z",
        "replay": False,
    }


def test_the_first_role_after_a_start_is_a_replay(bench: Bench) -> None:
    bench.turns(Role.ACTIVE, reason=Reason.ADOPTED)
    bench.hooks.happened(Turned(GROUP, Role.ACTIVE, Role.BACKUP, Reason.STOPPED, ""), "5-2")
    assert [one["happened"]["replay"] for one in bench.sent] == [True, False]


def test_a_worker_that_begins_anew_is_told_the_role_again(bench: Bench) -> None:
    bench.turns(Role.BACKUP, Role.ACTIVE)
    bench.hooks.replay()
    assert bench.sent[-1]["happened"]["replay"] is True
    assert bench.told[-1] == ("role", "active")


def test_a_handover_is_told_beside_the_role(bench: Bench) -> None:
    bench.turns(Role.BACKUP, Role.ACTIVE, reason=Reason.HANDOVER_TAKEN)
    assert bench.told[-2:] == [("role", "active"), ("handover", "handover")]
    assert bench.sent[-1]["happened"]["role"] == "active"


def test_conflicts_and_repairs_are_told(bench: Bench) -> None:
    bench.turns(Role.ACTIVE)
    bench.hooks.happened(ConditionChanged(GROUP, ConditionKind.CONFLICT, True, "a stranger answers"), "")
    bench.hooks.happened(ConditionChanged(GROUP, ConditionKind.CONFLICT, False, "over"), "")
    bench.hooks.happened(ConditionChanged(GROUP, ConditionKind.DEAF, True, "silence"), "")
    bench.hooks.happened(Repaired(GROUP, IPv4Address("192.168.3.234")), "")
    assert bench.told[1:] == [("conflict", "conflict"), ("repair", "repair")]
    assert bench.sent[1]["happened"]["detail"] == "a stranger answers"
    assert bench.sent[2]["happened"]["role"] == "active"


def test_nothing_is_told_that_no_hook_wants() -> None:
    bench = Bench(frozenset({"fault"}))
    bench.turns(Role.BACKUP, Role.ACTIVE, Role.FAULT, reason=Reason.HANDOVER_TAKEN)
    assert bench.told == [("role", "fault")]


@pytest.mark.parametrize(
    ("result", "status", "said"),
    [
        ("ok", 0, "hook tell for active done after 0.50 s"),
        ("failed", 3, "hook tell for active failed with exit status 3 after 0.50 s: no?route"),
        ("timed_out", None, "hook tell for active killed: it took too long after 0.50 s"),
        ("not_started", None, "hook tell for active not started after 0.50 s: gone"),
    ],
)
def test_how_a_run_ended_is_in_history_status_and_metrics(
    bench: Bench, result: str, status: int | None, said: str
) -> None:
    bench.ran(result, status, {"failed": "no\nroute", "not_started": "gone"}.get(result, ""))
    (entry,) = bench.history.latest(SETTINGS.name)
    assert (entry.event, entry.detail) == ("hook", said)
    (shown,) = bench.hooks.of(GROUP)
    assert (shown.result, shown.status, shown.seconds) == (result, status, 0.5)
    labels = {"group": SETTINGS.name, "hook": "tell", "result": result}
    assert bench.metrics.registry.get_sample_value("vipservice_hook_runs_total", labels) == 1


def test_every_result_is_zero_before_the_first_run(bench: Bench) -> None:
    for result in ("ok", "failed", "timed_out", "not_started"):
        labels = {"group": SETTINGS.name, "hook": "tell", "result": result}
        assert bench.metrics.registry.get_sample_value("vipservice_hook_runs_total", labels) == 0


def test_a_run_of_a_hook_that_is_gone_is_nobodys(bench: Bench) -> None:
    bench.hooks.take(ResolvedGroup(SETTINGS, "eth0", 32, (), None, 0))
    bench.ran("ok")
    assert not bench.history.latest()
