"""Checks again and again: what is reported, what goes on over a change, and that nobody waits for anybody."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from vipservice.adapters.worker.children import Programs
from vipservice.adapters.worker.local import LocalAsker
from vipservice.adapters.worker.rounds import Rounds
from vipservice.config.check_settings import CheckSettings, CommandCheck, FileCheck, check_to_json
from vipservice.runtime.health import Tried


def check(name: str, path: Path, **changed: Any) -> dict[str, Any]:
    asked = changed.pop("asked", FileCheck(str(path), False))
    kind = "command" if isinstance(asked, CommandCheck) else "file"
    fields = {"interval": 0.01, "timeout": 0.5, "rise": 2, "fall": 3, "weight": None, **changed}
    return {"group": 1, **check_to_json(CheckSettings(name, kind, asked, **fields))}


class Bench:
    """Rounds, and what they report."""

    def __init__(self) -> None:
        self.reports: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self.rounds = Rounds(self.reports.put_nowait, None, Programs())

    async def state(self, name: str, state: str) -> dict[str, Any]:
        """The first report that a check has this state."""
        async with asyncio.timeout(5):
            while True:
                for result in (await self.reports.get())["results"]:
                    if (result["name"], result["state"]) == (name, state):
                        return dict(result)


def test_a_check_passes_at_once_and_fails_after_three_bad_tries(tmp_path: Path) -> None:
    async def play() -> tuple[dict[str, Any], dict[str, Any]]:
        bench, file = Bench(), tmp_path / "ready"
        file.touch()
        bench.rounds.take([check("file", file)])
        passing = await bench.state("file", "passing")
        file.unlink()
        failing = await bench.state("file", "failing")
        await bench.rounds.close()
        return passing, failing

    passing, failing = asyncio.run(play())
    assert (passing["passed"], passing["failed"]) == (1, 0)
    assert failing["failed"] == 3
    assert failing["detail"].endswith("is not there")


def test_one_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    async def play() -> dict[str, Any]:
        bench = Bench()
        hanging = [
            check(f"hang {n}", tmp_path, asked=CommandCheck(("/bin/sleep", "60"), ""), timeout=30.0)
            for n in range(20)
        ]
        bench.rounds.take([*hanging, check("file", tmp_path)])
        passing = await bench.state("file", "passing")
        await bench.rounds.close()
        return passing

    assert asyncio.run(asyncio.wait_for(play(), 5))["seconds"] < 0.5


def test_a_defect_of_a_check_is_a_failure_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: LocalAsker) -> Tried:
        raise ZeroDivisionError("a bug")

    async def play() -> dict[str, Any]:
        bench = Bench()
        bench.rounds.take([check("file", tmp_path)])
        failing = await bench.state("file", "failing")
        await bench.rounds.close()
        return failing

    monkeypatch.setattr(LocalAsker, "ask", broken)
    assert asyncio.run(play())["detail"] == "the check itself failed: ZeroDivisionError: a bug"


def test_a_try_that_takes_too_long_is_a_failure(tmp_path: Path) -> None:
    async def play() -> dict[str, Any]:
        bench = Bench()
        asked = CommandCheck(("/bin/sleep", "60"), "")
        bench.rounds.take([check("hang", tmp_path, asked=asked, timeout=0.05, fall=2)])
        failing = await bench.state("hang", "failing")
        await bench.rounds.close()
        return failing

    assert asyncio.run(play())["detail"] == "killed after 0.05 s"


def test_a_change_leaves_the_others_alone_and_ends_what_went(tmp_path: Path) -> None:
    async def play() -> None:
        bench = Bench()
        kept, gone = check("kept", tmp_path, interval=3600.0), check("gone", tmp_path)
        bench.rounds.take([kept, gone])
        await bench.state("kept", "passing")
        bench.rounds.take([kept, check("new", tmp_path)])
        await bench.state("new", "passing")
        results = []
        while not bench.reports.empty():
            results += bench.reports.get_nowait()["results"]
        await bench.rounds.close()
        assert {result["name"] for result in results} <= {"new"}

    asyncio.run(play())
