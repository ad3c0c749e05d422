"""What the process may do, and how it is scheduled."""

import ctypes
import os
import threading
from pathlib import Path

import pytest

from vipservice.adapters.linux import privileges
from vipservice.adapters.linux.privileges import missing_capabilities
from vipservice.adapters.linux.scheduling import become_realtime


@pytest.mark.parametrize(
    ("effective", "missing"),
    [
        ("0000000000003000", ()),
        ("0000000000001000", ("CAP_NET_RAW",)),
        ("0000000000002000", ("CAP_NET_ADMIN",)),
        ("0000000000000000", ("CAP_NET_ADMIN", "CAP_NET_RAW")),
        ("000001ffffffcfff", ("CAP_NET_ADMIN", "CAP_NET_RAW")),
    ],
)
def test_missing_capabilities_are_named(
    effective: str, missing: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = tmp_path / "status"
    status.write_text(f"Name:\tpython3\nCapPrm:\t000001ffffffffff\nCapEff:\t{effective}\nCapBnd:\t0\n")
    monkeypatch.setattr(privileges, "_STATUS", status)
    assert missing_capabilities() == missing


def test_this_thread_is_asked_and_not_another(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[tuple[str, ...]] = []

    def without() -> None:
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        assert ctypes.CDLL(None).capset(header, (ctypes.c_uint32 * 6)()) == 0
        found.append(missing_capabilities())

    thread = threading.Thread(target=without)
    thread.start()
    thread.join()
    assert found == [("CAP_NET_ADMIN", "CAP_NET_RAW")]


def scheduler(monkeypatch: pytest.MonkeyPatch, present: int, refusal: OSError | None = None) -> list[object]:
    """Stand in for the kernel's scheduler; what is asked of it is collected."""
    asked: list[object] = []

    def put(pid: int, policy: int, parameters: os.sched_param) -> None:
        asked.append((pid, policy, parameters.sched_priority))
        if refusal is not None:
            raise refusal

    monkeypatch.setattr("os.sched_getscheduler", lambda _pid: present)
    monkeypatch.setattr("os.sched_setscheduler", put)
    return asked


def test_an_ordinary_process_becomes_round_robin_and_its_children_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = scheduler(monkeypatch, os.SCHED_OTHER)
    assert become_realtime(10) is None
    assert asked == [(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, 10)]


@pytest.mark.parametrize("present", [os.SCHED_FIFO, os.SCHED_RR, os.SCHED_RR | os.SCHED_RESET_ON_FORK])
def test_a_policy_that_the_service_manager_gave_is_left_alone(
    present: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = scheduler(monkeypatch, present)
    assert become_realtime(10) is None
    assert asked == []


def test_a_refusal_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler(monkeypatch, os.SCHED_OTHER, PermissionError(1, "Operation not permitted"))
    assert become_realtime(10) == "no real-time scheduling at priority 10: [Errno 1] Operation not permitted"


def test_the_kernel_really_schedules_us_so_or_says_why_not() -> None:
    found: list[tuple[str | None, int]] = []

    def attempt() -> None:
        problem = become_realtime(1)
        found.append((problem, os.sched_getscheduler(0)))

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    ((problem, policy),) = found
    assert (policy == os.SCHED_RR | os.SCHED_RESET_ON_FORK) == (problem is None)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
