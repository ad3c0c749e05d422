"""Inputs that ever were a finding, and what a fuzzer begins with: each reader bears them."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

KEPT = Path(__file__).parent / "kept"
INPUTS = sorted(path.relative_to(KEPT).as_posix() for path in KEPT.glob("*/*"))


@pytest.mark.parametrize("name", INPUTS)
def test_what_once_was_a_finding_is_none_any_more(name: str) -> None:
    path = KEPT / name
    TARGETS[path.parent.name].check(path.read_bytes())


def test_every_kept_input_belongs_to_a_target() -> None:
    assert {name.partition("/")[0] for name in INPUTS} <= set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_what_we_write_ourselves_is_borne(name: str) -> None:
    for seed in TARGETS[name].seeds:
        TARGETS[name].check(seed)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_bytes_and_any_change_of_ours_are_borne(name: str, data: st.DataObject) -> None:
    target = TARGETS[name]
    seed = bytearray(data.draw(st.sampled_from(target.seeds)))
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(seed)))
        seed[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=6))
    target.check(bytes(seed))
    target.check(data.draw(st.binary(max_size=200)))
