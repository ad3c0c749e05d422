"""What the daemon has and the worker gives up, in its first moment."""

import os

import pytest

from vipservice.adapters.worker.__main__ import become_ordinary


def test_the_worker_is_scheduled_like_any_program(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(os, "sched_setscheduler"):
        pytest.skip("macOS has no real-time policy to give up")
    chosen: list[tuple[int, int, int]] = []
    monkeypatch.setattr(
        os,
        "sched_setscheduler",
        lambda pid, policy, param: chosen.append((pid, policy, param.sched_priority)),
    )
    monkeypatch.setattr(os, "chdir", lambda _: None)
    monkeypatch.setattr(os, "umask", lambda _: 0)
    monkeypatch.setattr("pathlib.Path.write_bytes", lambda *_: 0)
    become_ordinary()
    assert chosen == [(0, os.SCHED_OTHER, 0)]
