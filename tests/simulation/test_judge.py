"""Each check fails where it should: the same small incident, well and with one thing broken."""

from pathlib import Path

import pytest

from tests.simulation.incident import read
from tests.simulation.judge.one_owner import OneOwner
from tests.simulation.judge.record import Record
from tests.simulation.run import Run
from tests.simulation.shrink import promise, shrink
from vipservice.core.budgets import Repairs
from vipservice.core.dialogue import Dialogue
from vipservice.core.failback import Failback
from vipservice.core.group import Group
from vipservice.core.holding import Holding
from vipservice.core.orders import Orders
from vipservice.core.probing import Probing
from vipservice.core.silence import Silence
from vipservice.core.standby import Standby
from vipservice.core.verdicts import Undecided

THREE = "dice 1\nnodes a b c\ngateway\nkernels lapse up to 2s late\nstart\nrun 4s\n"
HANG = THREE + "hang a\nrun 2s\nresume a\nrun 9s\n"
DEATH = THREE + "die a\nrun 9s\n"
PAIR_CUT = THREE + "cut a b\nrun 5s\nend cut a b\nrun 9s\n"
SPLIT = "dice 1\nnodes a b\nstart\nrun 4s\nisolate a\nrun 2s\nend isolate a\nrun 9s\n"
DEAF = THREE + "deafen b\nrun 5s\nend deafen b\nrun 9s\n"
ISOLATED = THREE + "isolate a\nrun 6s\nend isolate a\nrun 2s\ndie b c\nrun 9s\n"
FAILBACK = (
    "dice 1\nnodes a b\npriority a 150\nfailback immediate\nstart\nrun 4s\nkill a\nrun 6s\nstart a\nrun 9s\n"
)

BOTH_HOLD_IT = (
    "dice 1\nnodes a b\nstart\nrun 4s\n"
    "lose 100 percent\nrun 250ms\nremove a\nrun 1s\nlose 0 percent\nrun 9s\n"
)
FABRIC = (
    "dice 1\nnodes a b\nfabric answers arp\nstart\nrun 4s\n"
    "lose 100 percent of arp\nkill a\nrun 2s\nlose 0 percent of arp\nrun 9s\n"
)


def promises(text: str) -> set[str]:
    return {promise(problem) for problem in Run(read(text)).go().problems}


BESIDE_CONFIGURED = THREE + "configure c\nrun 1s\nhandover a to b by force\nrun 3s\nremove c\nrun 9s\n"


def believe_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever answers a probe."""
    monkeypatch.setattr(Probing, "answered", lambda *_: None)
    monkeypatch.setattr(Standby, "_deaf", lambda *_: False)


@pytest.mark.parametrize("text", [HANG, DEATH, PAIR_CUT, SPLIT, DEAF, ISOLATED, FAILBACK])
def test_nothing_is_wrong_with_a_node_that_keeps_the_promises(text: str) -> None:
    assert promises(text) == set()


def test_a_bind_over_a_kernel_that_answers_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    believe_silence(monkeypatch)
    assert "two owners" in promises(HANG)


def test_two_that_can_talk_and_both_hold_it_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Holding, "better_active", lambda *_: None)
    assert "two owners" in promises(SPLIT)


def test_a_takeover_that_a_third_node_could_have_prevented_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dialogue, "_answer", lambda *_: None)
    assert "needless" in promises(PAIR_CUT)


def test_a_takeover_by_a_deaf_node_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Standby, "_deaf", lambda *_: False)
    assert "needless" in promises(DEAF)


def test_a_takeover_out_of_turn_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Run(read(DEATH)).go().succession.judged
    in_turn = Silence.position
    monkeypatch.setattr(Silence, "position", lambda silence, now: 2 - in_turn(silence, now))
    # The place in the queue alone decides only where nobody yields to the probes of a better node.
    monkeypatch.setattr(Standby, "claimed", lambda *_: None)
    assert "out of turn" in promises(DEATH)


def test_a_bind_that_no_lost_probe_explains_is_found_in_a_lossy_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    believe_silence(monkeypatch)
    assert "two owners" in promises(
        THREE.replace("start", "lose 5 percent of arp\nstart") + "hang a\nrun 9s\n"
    )


def test_a_handover_beside_an_active_clone_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Group, "others_hold", lambda *_: False)
    text = (Path(__file__).parent / "incidents" / "clone_takes_a_handover.incident").read_text()
    assert "two owners" in promises(text)


def test_a_handover_beside_somebodys_own_configuration_is_excused_and_nothing_else_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert promises(BESIDE_CONFIGURED) == set()
    monkeypatch.setattr(OneOwner, "_passed_on", lambda *_: False)
    assert promises(BESIDE_CONFIGURED) == {"two owners"}


def test_putting_back_what_was_held_beside_an_unheard_other_is_excused_and_nothing_else_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert promises(BOTH_HOLD_IT) == set()
    monkeypatch.setattr(OneOwner, "_put_back", lambda *_: False)
    assert promises(BOTH_HOLD_IT) == {"two owners"}


def test_a_fabrics_lost_answer_is_a_question_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    assert promises(FABRIC) == set()
    monkeypatch.setattr(Record, "_speaker", lambda _, source, *__: source)
    assert promises(FABRIC) == {"two owners"}


def test_a_takeover_beside_somebodys_own_configuration_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    believe_silence(monkeypatch)
    assert "two owners" in promises(THREE + "configure c\nrun 1s\ndie a\nrun 3s\n")


def test_giving_up_after_few_removals_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Repairs, "exhausted", lambda *_: True)
    assert "needless" in promises(THREE + "remove a\nrun 9s\n")


def test_waiting_for_ever_with_probe_off_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Standby, "_waited", lambda *_: Undecided())
    assert "nobody serves" in promises("dice 1\nnodes a b\nprobe off\nstart\nrun 66s\n")


def test_a_lease_that_nobody_renews_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Group, "ask_renew", lambda *_: True)
    assert "needless" in promises(THREE + "handover a\nrun 9s\n")


def test_a_healthy_node_that_does_not_take_over_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Standby, "_take_over", lambda *_: None)
    assert "nobody serves" in promises(THREE)


def test_an_isolated_node_that_never_recovers_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dialogue, "heard_anybody", lambda *_: None)
    assert "nobody serves" in promises(ISOLATED)


def test_a_better_node_that_does_not_ask_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Failback, "consider", lambda *_: None)
    assert "wrong at the end" in promises(FAILBACK)


def test_a_daemon_that_stops_without_letting_go_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Orders, "stop", lambda *_: None)
    assert promises(THREE + "stop a\nrun 9s\n") == {"wrong at the end"}


def test_a_shrunk_incident_still_breaks_the_same_promise_and_is_smaller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    believe_silence(monkeypatch)
    text = (
        THREE.replace("a b c", "a b c d") + "handover c\nrun 333ms\nhang a\nrun 1.2345s\nresume a\nrun 9s\n"
    )
    smallest = shrink(read(text))
    assert promises(smallest.text()) & {"two owners"}
    assert len(smallest.text().splitlines()) < len(text.splitlines())
    assert "handover" not in smallest.text()
    assert len(smallest.setup[1].split()) == 3  # `nodes` and two names
