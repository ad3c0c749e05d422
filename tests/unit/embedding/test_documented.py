"""The samples of docs/embedding.md, each run as a program with a played daemon below it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.embedding.conftest import PLAYED, Played

SAMPLES = re.findall(
    r"^```python embedding\n(.*?)^```$", Path("docs/embedding.md").read_text(), re.MULTILINE | re.DOTALL
)

AROUND = """
import asyncio, sys
from vipservice.embedding import child
child.COMMAND = (sys.executable, "-I", {played!r})
real = asyncio.start_server
async def start_server(*what):
    await real(what[0], what[1], 0)
    print("serves on", *what[1:], flush=True)
    raise asyncio.CancelledError
asyncio.start_server = start_server
"""


def run(sample: str, settings: Path) -> str:
    program = AROUND.format(played=str(PLAYED)) + sample.replace(
        "/etc/vipservice/vipservice.yml", str(settings)
    )
    done = subprocess.run(
        (sys.executable, "-W", "error", "-c", program),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env=os.environ,
    )
    assert "Traceback" not in done.stderr or "CancelledError" in done.stderr, done.stderr
    return done.stdout


@pytest.fixture
def settings(tmp_path: Path, played: Played) -> Path:
    played.set("ROLE", "active")
    file = tmp_path / "settings.yml"
    file.write_text("{}")
    return file


def test_the_first_sample_serves_on_its_address(settings: Path, played: Played) -> None:
    assert run(SAMPLES[0], settings) == "serves on 127.0.0.1 7777\n"
    assert played.said_goodbye


def test_the_second_sample_follows_and_hands_over(settings: Path, played: Played) -> None:
    assert run(SAMPLES[1], settings) == "active because node-b is active\nhanded over to the best\n"
    assert played.said_goodbye


def test_the_second_sample_says_what_is_wrong_with_its_settings(settings: Path, played: Played) -> None:
    played.set("REFUSAL", f"{os.EX_CONFIG} no such key")
    assert run(SAMPLES[1], settings) == f"{settings}:3: no such key\n"
    assert len(SAMPLES) == 2
