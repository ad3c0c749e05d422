"""Which failures of live tests are the machine's: sessions with a test that holds the interpreter up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HELD_UP = "sum(range(30_000_000))"
"""One call that keeps every other thread from running."""

ROOT = Path(__file__).parents[3]


def session(folder: Path, allowed: float, *lines: str, arguments: tuple[str, ...] = ()) -> tuple[int, str]:
    """Run tests of these lines where the machine may stand still for `allowed` seconds."""
    (folder / "conftest.py").write_text(
        "from tests.live.stillness import Excuses\n"
        "def pytest_configure(config):\n"
        f"    config.pluginmanager.register(Excuses({allowed}))\n"
    )
    tests = (f"def test_{number}():\n    {line}\n" for number, line in enumerate(lines))
    # A folder with hooks of its own, as there are some: pytest then looks for the plugin in a set.
    other = folder / "other"
    other.mkdir(exist_ok=True)
    (other / "conftest.py").touch()
    (other / "test_other.py").write_text("def test_other():\n    pass\n")
    (folder / "test_these.py").write_text("\n".join(tests))
    done = subprocess.run(
        (sys.executable, "-m", "pytest", "--rootdir", folder, "-c", "/dev/null", *arguments, folder),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("arguments", [(), ("-n", "1")], ids=["one process", "workers"])
def test_a_failure_while_the_machine_stood_still_may_be_tried_again(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    status, said = session(tmp_path, 0.3, f"assert not {HELD_UP}", "pass", arguments=arguments)
    assert status == os.EX_TEMPFAIL, said
    assert "test_these.py::test_0: for " in said


def test_one_failure_without_that_excuse_is_a_failure_of_all(tmp_path: Path) -> None:
    status, said = session(tmp_path, 1e6, f"assert not {HELD_UP}")
    assert status == pytest.ExitCode.TESTS_FAILED, said
    assert "stood still" not in said


def test_standing_still_is_no_failure(tmp_path: Path) -> None:
    status, said = session(tmp_path, 0.3, HELD_UP)
    assert status == pytest.ExitCode.OK, said


def test_what_is_tried_again_is_what_failed(tmp_path: Path) -> None:
    # The state on disk lets it pass the second time, as a machine does that has come to rest.
    once = "import pathlib; gone = pathlib.Path('gone'); seen = gone.exists(); gone.touch()"
    lines = (f"{once}; {HELD_UP}; assert seen", "pass")
    assert session(tmp_path, 0.3, *lines)[0] == os.EX_TEMPFAIL
    status, said = session(tmp_path, 0.3, *lines, arguments=("--last-failed",))
    assert status == pytest.ExitCode.OK, said
    assert "1 passed" in said
