"""What is executed by it has no capability, whoever executes it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vipservice.adapters.worker.supervisor import POWERLESS, command

NOBODY = 65534


def sets(user: int) -> set[str]:
    """The capabilities that a program finds: inheritable and bounding ones are of no use without these."""
    process = subprocess.run(
        (sys.executable, "-I", "-S", POWERLESS, "/bin/cat", "/proc/self/status"),
        capture_output=True, text=True, check=True, user=user,
    )  # fmt: skip
    lines = process.stdout.splitlines()
    assert "NoNewPrivs:\t1" in lines
    return {line.split()[1] for line in lines if line.startswith(("CapPrm", "CapEff", "CapAmb"))}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="capabilities are Linux's")
def test_a_program_has_no_capability_left() -> None:
    users = [os.geteuid(), NOBODY] if os.geteuid() == 0 else [os.geteuid()]
    assert [sets(user) for user in users] == [{"0" * 16}] * len(users)


def test_the_worker_is_executed_by_it() -> None:
    assert command()[3] == POWERLESS and Path(POWERLESS).is_file()
    assert command()[-2:] == ("-m", "vipservice.adapters.worker")
