"""The command line as a whole: help, errors, what is imported."""

import argparse
import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from vipservice import __version__
from vipservice.cli.main import COMMANDS, make_parser

Run = Callable[..., Any]
WRITTEN = [name for name in COMMANDS if importlib.util.find_spec(f"vipservice.cli.{name}")]


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_without_a_command_the_help_is_shown_as_a_usage_error(run: Run) -> None:
    result = run()
    assert result.code == 64
    assert result.out == ""
    assert "vipservice status" in result.err


def test_the_help_names_every_command(run: Run) -> None:
    result = run("--help")
    assert result.code == 0
    for name, text in COMMANDS.items():
        assert re.search(rf"^    {name}\s", result.out, re.MULTILINE)
        assert text in result.out


@pytest.mark.parametrize("name", WRITTEN)
def test_every_command_has_a_help_with_an_example_that_its_parser_takes(run: Run, name: str) -> None:
    result = run(name, "--help")
    assert result.code == 0
    lines = result.out.split("example", 1)[1].splitlines()
    examples = [line for line in lines if line.startswith("  ") and f"vipservice {name}" in line]
    assert examples
    for line in examples:
        command = line.split("vipservice ", 1)[1].split("   ")[0].split("|")[0].split(">")[0]
        parsed = make_parser(name).parse_args(command.split())
        assert isinstance(parsed, argparse.Namespace)


@pytest.mark.parametrize("argv", [["fly"], ["status", "--colour"], ["forget"], ["handover", "--group", "x"]])
def test_a_command_line_that_cannot_be_understood_ends_with_64(run: Run, argv: list[str]) -> None:
    result = run(*argv)
    assert result.code == 64
    assert result.err.startswith("usage: ")


def test_the_version_is_the_packages(run: Run) -> None:
    assert run("version").out.startswith(f"vipservice {__version__} (Python ")
    assert run("--version").out == f"vipservice {__version__}\n"


def test_python_m_runs_it() -> None:
    ended = python("-m", "vipservice", "version")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"vipservice {__version__}")


def test_small_commands_import_nothing_large() -> None:
    program = (
        "import sys; from vipservice.cli.main import main\n"
        "for words in (['version'], ['status', '--socket', '/nonexistent']): main(words)\n"
        "large = {'rich', 'prometheus_client', 'psutil', 'asyncio', 'yaml'} & set(sys.modules)\n"
        "print(sorted(large))"
    )
    assert python("-c", program).stdout.splitlines()[-1] == "[]"


def test_a_reader_that_goes_away_is_no_error() -> None:
    program = (
        "import os, sys; from vipservice.cli.main import main\n"
        "read, write = os.pipe(); os.close(read); os.dup2(write, 1)\n"
        "sys.exit(main(['version']))"
    )
    ended = python("-c", program)
    assert (ended.returncode, ended.stderr) == (0, "")
