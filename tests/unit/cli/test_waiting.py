"""Waiting for what a command has started, and the words of `vipservice maintenance`."""

import argparse
from collections.abc import Callable
from typing import Any

import pytest

from vipservice.cli import exit_codes, waiting
from vipservice.cli.exit_codes import CommandError
from vipservice.cli.maintenance import _not_back, _still_here
from vipservice.cli.waiting import add_wait, wait_until

Run = Callable[..., Any]
Daemon = Callable[[dict[str, Any]], Any]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LOOK_AGAIN", 0.0)


def test_it_looks_until_nothing_is_missing() -> None:
    looks = iter(["not yet", "nearly", None])
    wait_until(lambda: next(looks), 5.0)
    assert list(looks) == []


def test_when_the_time_is_over_the_last_look_is_the_reason() -> None:
    with pytest.raises(CommandError) as ended:
        wait_until(lambda: "node-b is in fault", 0.0)
    assert (ended.value.code, ended.value.sentence) == (exit_codes.TEMPFAIL, "after 0ms: node-b is in fault")


@pytest.mark.parametrize(("given", "seconds"), [([], None), (["--wait"], 30.0), (["--wait", "2m"], 120.0)])
def test_wait_is_off_or_30_s_or_as_long_as_it_says(given: list[str], seconds: float | None) -> None:
    parser = argparse.ArgumentParser()
    add_wait(parser, "wait")
    assert parser.parse_args(given).wait == seconds


@pytest.mark.parametrize("given", ["soon", "5", "2h"])
def test_a_wait_that_is_none_is_refused(given: str, run: Run) -> None:
    result = run("handover", "--wait", given)
    assert (result.code, repr(given) in result.err) == (64, True)


def group(**changed: Any) -> dict[str, Any]:
    node = {"name": "node-b", "living": True, "hears_us_ago": 0.1, "unfit_because": None}
    return {
        "name": "vip",
        "role": "backup",
        "owner": "node-b",
        "detail": "started",
        "nodes": [node],
        **changed,
    }


def test_maintenance_waits_until_another_node_is_known_to_hold_the_address() -> None:
    assert _still_here([group()]) is None
    assert _still_here([group(owner=None)]) == "vip: no other node holds the address yet"
    ill = {"name": "node-b", "unfit_because": "is not healthy"}
    said = _still_here([group(), group(role="active", nodes=[ill])])
    assert said == "vip is still here: node-b is not healthy"


def test_the_end_of_maintenance_waits_until_the_others_have_heard_of_it() -> None:
    assert _not_back([group()]) is None
    assert _not_back([group(role="fault", detail="no cable")]) == "vip is in fault: no cable"
    deaf = {"name": "node-b", "living": True, "hears_us_ago": None}
    assert _not_back([group(nodes=[deaf])]) == "vip: node-b has not heard this node yet"


def test_the_warning_of_the_last_node_goes_to_standard_error(run: Run, daemon: Daemon) -> None:
    detail = "web: in maintenance, handing over to node-b\nwarning: vip: this is the last node"
    result = run("maintenance", "on", "--socket", daemon({"ok": True, "detail": detail}))
    assert (result.code, result.out) == (0, "web: in maintenance, handing over to node-b\n")
    assert result.err == "vip: this is the last node\n"
