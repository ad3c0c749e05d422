"""Trials and records as a run would give them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from vipservice.lab.matrix.trials import Trial

CALM = Trial(
    event="host dies",
    setting="vipservice@10ms",
    nodes=2,
    company="alone",
    gap=0.025,
    gap_over=True,
    raw_gap=0.025,
    sent=1500,
    lost=24,
    owners=1,
    twice=0.0,
    owners_left=1,
    watched=1.5,
    role_changes=1,
    noise=0.002,
    as_it_must=True,
    disturbed=False,
)


@pytest.fixture
def a_trial() -> Callable[..., Trial]:
    """A calm trial with some values of its own."""
    return lambda **changes: replace(CALM, **changes)
