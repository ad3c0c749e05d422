"""The installed code: tried as a child, and who we were before."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest

from vipservice.adapters import code
from vipservice.adapters.code import PREDECESSOR, InstalledCode, describe, own_command, take_predecessor
from vipservice.runtime.upgrade import Predecessor, Rehearsal, UpgradeError


def rehearse(program: str) -> Rehearsal:
    return asyncio.run(InstalledCode((sys.executable, "-I", "-S", "-c", program)).rehearse())


def test_new_code_describes_itself_and_is_timed() -> None:
    said = describe("2.0", Path("/state"), Path("/control"))
    found = rehearse(f"import sys; assert sys.argv[1:] == ['--rehearse']; print({said!r})")
    assert (found.version, found.state_directory, found.control_socket) == (
        "2.0",
        Path("/state"),
        Path("/control"),
    )
    assert 0 < found.seconds < code.REHEARSE_WITHIN


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        (
            "import sys; sys.exit('vipservice.yml:7: priority: found 999\\n  write less')",
            "found 999; write less",
        ),
        ("import sys; sys.exit(3)", "ended with 3"),
        ("print('Hello')", "no vipservice"),
        (f"print({json.dumps({'version': '2.0'})!r})", "no vipservice"),
        ("print([])", "no vipservice"),
    ],
)
def test_code_that_cannot_take_over_is_refused_with_its_own_words(program: str, said: str) -> None:
    with pytest.raises(UpgradeError, match=said):
        rehearse(program)


def test_an_interpreter_that_is_gone_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(UpgradeError, match="No such file"):
        asyncio.run(InstalledCode((str(tmp_path / "python3"),)).rehearse())


def test_code_that_hangs_is_given_up_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "REHEARSE_WITHIN", 0.05)
    with pytest.raises(UpgradeError, match="did not start within"):
        rehearse("import signal; signal.pause()")


def test_the_own_command_is_this_process_by_its_whole_path() -> None:
    assert own_command() == (sys.executable, *sys.orig_argv[1:])
    assert Path(own_command()[0]).is_absolute()


class ExecutedError(BaseException):
    """Instead of another process: the environment that it would have."""

    def __init__(self, _path: str, _command: tuple[str, ...], environment: dict[str, str]) -> None:
        self.environment = environment


def test_what_is_executed_learns_who_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def executed(*told: Any) -> NoReturn:
        raise ExecutedError(*told)

    monkeypatch.setattr("vipservice.adapters.code.os.execve", executed)
    with pytest.raises(ExecutedError) as became:
        InstalledCode(("/usr/bin/python3",)).execute(Predecessor("1.0", 12.25))
    environment = became.value.environment
    assert take_predecessor(environment) == Predecessor("1.0", 12.25)
    assert PREDECESSOR not in environment


@pytest.mark.parametrize("environment", [{}, {PREDECESSOR: ""}, {PREDECESSOR: "soon 1.0"}])
def test_who_was_started_has_no_predecessor(environment: dict[str, str]) -> None:
    assert take_predecessor(environment) is None
