from pathlib import Path

import pytest

from vipservice.adapters.memory.commands import COMMANDS
from vipservice.adapters.memory.scenario import ScenarioError, play, read, understand
from vipservice.adapters.memory.stage import VIP, Stage
from vipservice.core.probing import Probing
from vipservice.core.standby import Standby

HERE = Path(__file__).parent
PAIR = "nodes a b\ngateway\nstart\nrun 5s\n"


def problem(commands: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        play(read(commands))
    return str(caught.value).splitlines()[0]


@pytest.mark.parametrize(
    ("commands", "sentence"),
    [
        ("nodes a\nkil a", "line 2: `kil a`: no such command; did you mean `kill`?"),
        (
            "nodes a\nkill b",
            "line 2: `kill b`: `kill NODES` does not fit (there is no 'b'; there are client, a)",
        ),
        (
            "nodes a\n\nrun 5 # seconds",
            "line 3: `run 5`: `run DURATION` does not fit ('5' is no duration; write 250ms, 2s or 1m)",
        ),
        (
            "nodes a\nrun s",
            "line 2: `run s`: `run DURATION` does not fit ('s' is no duration; write 250ms, 2s or 1m)",
        ),
        ("nodes a\nexpect moves x", "`expect moves NUMBER` does not fit ('x' is no number)"),
        (
            "nodes a\nexpect role a boss",
            "'boss' is no role; roles are initialize, backup, probing, active, fault",
        ),
        ("nodes a\nmaintenance a yes", "'yes' is neither on nor off"),
        ("nodes a\ngateway now", "`gateway` does not fit (2 words)"),
        ("nodes a\nallow two owners 1s because so", "say why, in words"),
    ],
)
def test_a_line_that_is_not_understood_gets_a_clear_sentence(commands: str, sentence: str) -> None:
    assert sentence in problem(commands)


@pytest.mark.parametrize(
    ("expectation", "found"),
    [
        ("expect owner b", "the address is held by a"),
        ("expect nobody", "the address is held by a"),
        ("expect role a backup", "a is active"),
        ("expect moves 0", "it moved 1 times"),
        ("expect adverts 3", "were sent"),
        ("die a\nrun 1s\nexpect gap 299ms", "the longest was 300.2 ms"),
        ("kill a\nexpect role a active", "a is not running"),
    ],
)
def test_what_is_not_as_expected_says_what_is(expectation: str, found: str) -> None:
    assert found in problem(PAIR + expectation)


def test_two_owners_are_an_error_where_the_file_does_not_allow_them() -> None:
    split = "nodes a b\nstart\nrun 5050ms\nisolate a\nrun 2s\nheal\nrun 2s\n"
    assert "a and b held it for 0.0504 s" in problem(split)
    assert "held it for" in problem(split + "allow two owners 50ms because the network was split")
    assert play(read(split + "allow two owners 51ms because the network was split"))


def test_a_planted_bug_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Probing, "silent", lambda *_: True)
    monkeypatch.setattr(Standby, "_deaf", lambda _standby, _now=0.0: False)  # it would ask for proof first
    assert "address is held by" in problem((HERE / "adverts_blocked.scenario").read_text())


def hold_twice(until_heal: str) -> Stage:
    """Two kernels that hold the address while nobody renews or releases it."""
    stage = Stage()
    for line in ["nodes a b", "start", "run 1s", "cut a b", "run 1s", until_heal, "heal"]:
        command, words = understand(stage, line)
        command.do(stage, words)
    assert stage.lan.owners(VIP) == {"a", "b"}
    return stage


def test_two_owners_that_persist_after_a_heal_are_found_after_a_second() -> None:
    stage = hold_twice("kill a b")
    stage.lan.run(0.9)
    assert stage.lan.violations == []
    stage.lan.run(0.2)
    (found,) = stage.lan.violations
    assert {found.binder, found.other} == {"a", "b"}
    assert found.seconds == pytest.approx(1.0, abs=0.01)


def test_two_owners_that_have_heard_each_other_are_found_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = hold_twice("run 10ms")
    for host in stage.nodes:
        monkeypatch.setattr(host.kernel, "remove", lambda _address: False)
    stage.lan.run(0.3)
    assert stage.lan.violations
    assert stage.lan.violations[0].seconds < 0.25


def test_every_word_is_used_by_a_scenario() -> None:
    used = set()
    for path in HERE.glob("*.scenario"):
        stage = Stage()
        for _, line in read(path.read_text()).commands:
            command, words = understand(stage, line)
            used |= {pattern for pattern, one in COMMANDS.items() if one is command}
            if line.split()[0] not in {"run", "expect"}:  # later lines name hosts that earlier ones add
                command.do(stage, words)
    assert set(COMMANDS) - used == set()
