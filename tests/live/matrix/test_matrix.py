"""One cheap row with real daemons: what the program says of ours and of keepalived."""

import shutil
from pathlib import Path

import pytest

from vipservice.lab.matrix.plan import Wish
from vipservice.lab.matrix.run import Run
from vipservice.lab.matrix.settings import BY_NAME
from vipservice.lab.matrix.summary import summaries
from vipservice.lab.matrix.trials import Journal
from vipservice.lab.namespaces import problem

pytestmark = [pytest.mark.live, pytest.mark.quiet, pytest.mark.timeout(120)]


def test_a_killed_keepalived_leaves_two_owners_and_a_killed_vipservice_one(tmp_path: Path) -> None:
    if (reason := problem()) is not None:
        pytest.skip(reason)
    if shutil.which("keepalived") is None:
        pytest.skip("keepalived is not installed; scripts/matrix installs it")
    wish = Wish(
        trials=1,
        nodes=(2,),
        events=frozenset({"kill -9, not restarted"}),
        settings=(BY_NAME["vipservice@10ms"], BY_NAME["keepalived@10ms"]),
        exact=True,
    )
    run = Run(wish, Journal(tmp_path / "journal"), print)
    run.perform()
    assert run.failures == []
    found = {(one.event, one.setting): one for one in summaries(run.journal.trials())}
    ours = found["kill -9, not restarted", "vipservice@10ms"]
    theirs = found["kill -9, not restarted", "keepalived@10ms"]
    assert (ours.owners, theirs.owners) == (1, 2)
    assert theirs.for_good
    # The lease has ended, and the other node has taken it; how fast is judged on a quiet machine.
    assert ours.gap < 1.0
    assert found["nothing happens", "vipservice@10ms"].lost == 0
