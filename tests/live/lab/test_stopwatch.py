"""The parts of a real daemon's time: the stopwatch that times them leaves none of its work out."""

import pytest

from vipservice.lab.cost import measure
from vipservice.lab.cost.stopwatch import ELECTING, PARTS, SENDING, WAITING, WRITING
from vipservice.lab.namespaces import problem

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]


def test_the_active_s_time_is_divided_among_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    reason = problem()
    if reason is not None:
        pytest.skip(reason)
    monkeypatch.setattr(measure, "CALM", 0.2)
    shares = measure.parts("10ms", 1.0)
    assert set(shares) == set(PARTS)
    assert sum(shares.values()) == pytest.approx(100)
    for part in (WAITING, SENDING, WRITING, ELECTING):
        assert shares[part] > 1, part
