"""The daemon's side: what a worker reports reaches election, status and metrics."""

from typing import Any

import pytest

from tests.unit.runtime.conftest import nobody_asks
from vipservice.config.check_settings import CheckSettings, TcpCheck, check_from_json
from vipservice.core.events import HealthChanged
from vipservice.core.values import GroupId, Health
from vipservice.runtime.checks import Checks
from vipservice.runtime.health import CheckState
from vipservice.runtime.metrics import Metrics

GROUP = GroupId(1)
WEB = CheckSettings("web", "tcp", TcpCheck("127.0.0.1", 80), 0.5, 1.0, 2, 3, None)
SLOW = CheckSettings("slow", "tcp", TcpCheck("127.0.0.1", 81), 5.0, 1.0, 2, 3, 30)


class Bench:
    """Checks with a worker and an election that write down what they are told."""

    def __init__(self) -> None:
        self.told: list[HealthChanged] = []
        self.sent: list[Any] = []
        self.now = 10.0
        self.metrics = Metrics({GROUP: "vip"}, nobody_asks)
        self.checks = Checks(self.told.append, self.sent.append, lambda: self.now, self.metrics)

    def report(self, name: str, state: str, detail: str = "", passed: int = 0, failed: int = 0) -> None:
        counts = {"passed": passed, "failed": failed}
        self.checks.reported(
            [{"group": 1, "name": name, "state": state, "detail": detail, "seconds": 0.01, **counts}]
        )

    def tries(self, result: str) -> float | None:
        labels = {"group": "vip", "check": "web", "result": result}
        return self.metrics.registry.get_sample_value("vipservice_check_tries_total", labels)


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.checks.take(GROUP, "vip", (WEB, SLOW))
    return made


def test_a_group_that_begins_is_unknown_until_its_musts_have_passed(bench: Bench) -> None:
    bench.report("web", "passing", passed=1)
    assert [event.health for event in bench.told] == [Health.UNKNOWN, Health.GOOD]


def test_a_failing_must_is_told_with_its_reason_and_once(bench: Bench) -> None:
    bench.report("web", "passing")
    for _ in range(2):
        bench.report("web", "failing", "Connection refused")
    assert bench.told[-1] == HealthChanged(GROUP, Health.BAD, "web: Connection refused", 0)
    assert len(bench.told) == 3


def test_a_failing_weight_is_told_and_taken_back(bench: Bench) -> None:
    bench.report("web", "passing")
    bench.report("slow", "failing")
    assert bench.told[-1] == HealthChanged(GROUP, Health.GOOD, "", 30)
    bench.report("slow", "passing")
    assert bench.told[-1].weight == 0


def test_a_worker_that_is_started_anew_changes_no_opinion(bench: Bench) -> None:
    bench.report("web", "failing")
    told = len(bench.told)
    bench.report("web", "unknown", "not tried yet")
    assert bench.checks.of(GROUP)[0].state is CheckState.FAILING
    assert len(bench.told) == told


def test_tries_are_counted(bench: Bench) -> None:
    assert bench.tries("passed") == bench.tries("failed") == 0
    bench.report("web", "passing", passed=3, failed=1)
    bench.report("web", "passing", passed=2)
    assert (bench.tries("passed"), bench.tries("failed")) == (5, 1)
    assert bench.checks.of(GROUP)[0].passed == 5


def test_the_moment_of_a_change_is_kept(bench: Bench) -> None:
    bench.report("web", "passing")
    bench.now = 20.0
    bench.report("web", "passing")
    assert bench.checks.of(GROUP)[0].since == 10.0
    bench.report("web", "failing")
    assert bench.checks.of(GROUP)[0].since == 20.0


def test_a_reload_keeps_what_did_not_change(bench: Bench) -> None:
    bench.report("web", "failing")
    bench.report("slow", "failing")
    bench.checks.take(GROUP, "vip", (WEB,))
    assert [check.state for check in bench.checks.of(GROUP)] == [CheckState.FAILING]
    bench.checks.take(GROUP, "vip", ())
    assert bench.told[-1].health is Health.GOOD


def test_a_result_of_a_check_that_is_gone_is_nobodys(bench: Bench) -> None:
    bench.report("nobody", "failing")
    assert [event.health for event in bench.told] == [Health.UNKNOWN]


def test_what_a_service_says_comes_without_control_characters_and_not_endlessly(bench: Bench) -> None:
    bench.report("web", "failing", "bad\x1b[31m\n" + "x" * 1000)
    detail = bench.checks.of(GROUP)[0].detail
    assert detail.startswith("bad?[31m?x")
    assert len(detail) == 200


def test_the_worker_is_told_everything_and_can_read_it(bench: Bench) -> None:
    bench.checks.say_all()
    told = [dict(one) for one in bench.sent[-1]["checks"]]
    assert [one.pop("group") for one in told] == [1, 1]
    assert [check_from_json(one) for one in told] == [WEB, SLOW]


def test_the_word_of_the_application_counts_like_a_must_and_outlives_a_reload(bench: Bench) -> None:
    bench.report("web", "passing")
    assert bench.checks.declare(GROUP, False, "the queue is full")
    assert bench.told[-1] == HealthChanged(GROUP, Health.BAD, "application: the queue is full", 0)
    bench.checks.take(GROUP, "vip", (WEB,))
    assert bench.checks.of(GROUP)[-1].detail == "the queue is full"
    told = len(bench.told)
    bench.checks.declare(GROUP, True, "")
    assert [event.health for event in bench.told[told:]] == [Health.GOOD]
    assert not bench.checks.declare(GroupId(7), False, "")


def test_a_check_that_a_reload_takes_away_has_no_series_any_more_and_the_others_keep_theirs(
    bench: Bench,
) -> None:
    bench.report("web", "passing", passed=2)
    bench.report("slow", "passing", passed=1)
    bench.checks.take(GROUP, "vip", (WEB,))
    labels = {"group": "vip", "check": "slow", "result": "passed"}
    assert bench.metrics.registry.get_sample_value("vipservice_check_tries_total", labels) is None
    assert bench.tries("passed") == 2
    bench.checks.take(GROUP, "vip", ())
    assert bench.tries("passed") is None
