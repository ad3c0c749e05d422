"""Every sample in the documents is of a kind that a test knows, and is loaded or parsed as what it is.

What a real nginx, HAProxy or pair of hosts is needed for is in tests/live/documents.
"""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from mermaid_render import mermaid_to_svg
from playwright._impl._driver import compute_driver_executable

from tests.unit.documents.samples import TOP, Sample, documents, samples
from tests.unit.runtime.test_hooks import Bench
from vipservice.cli.main import make_parser
from vipservice.config.load import load, loads
from vipservice.config.web import load_web
from vipservice.core.roles import Role

PROGRAMS = frozenset(
    "apt-get chgrp chmod editor install ip journalctl launchctl ping python3 scp sysctl vi".split()  # noqa: SIM905
)
"""What is not ours in a console; a word that is not here is a slip of the pen until somebody puts it here."""

VERBS = {"enable", "reload", "restart", "start", "status", "stop"}
UNITS = {"vipservice", "nginx", "haproxy"}
PLAYED = "docs/tutorial.md"
"""Its consoles have a place where they are run, and what they print."""

POLKIT = """\
let rule;
const polkit = {addRule: (given) => { rule = given; }, Result: {YES: "yes"}};
SAMPLE
const units = {id: "org.freedesktop.systemd1.manage-units"};
const asked = [[units, "vipservice"], [units, "else"], [{id: "x"}, "vipservice"]];
console.log(asked.map(([action, user]) => rule(action, {user})));
"""


def every(*kinds: str) -> pytest.MarkDecorator:
    """A case for each sample of these kinds."""
    found = samples(*kinds)
    assert found, f"no sample of {kinds} is left: take their test away"
    return pytest.mark.parametrize("sample", found, ids=str)


@every()
def test_a_sample_is_of_a_kind_that_is_tested(sample: Sample) -> None:
    assert sample.kind, f"{sample}: say what this is, or write a test for a new kind"
    assert not sample.place or sample.page == PLAYED


@every("yaml vipservice")
def test_a_configuration_can_be_loaded(sample: Sample) -> None:
    settings = loads(sample.text, Path(sample.page))
    assert all(group.enabled for group in settings.groups)
    assert settings.groups or settings.adverts.keys


def test_the_example_for_clouds_can_be_loaded() -> None:
    settings = load(TOP / "examples/hooks/vipservice.yml")
    assert not settings.notices
    assert (TOP / "examples/hooks" / Path(settings.groups[0].hooks[0].argv[0]).name).stat().st_mode & 0o111


@every("console")
def test_every_command_can_be_understood(sample: Sample) -> None:
    assert (sample.page == PLAYED) == bool(sample.place) or "pip install" in sample.text
    for line in sample.text.splitlines():
        for command in re.split(r"&&|\|", line.partition("#")[0]):
            words = shlex.split(command.replace("sudo ", ""))
            if words:
                understand(words)


def understand(words: list[str]) -> None:
    program, *arguments = words
    if Path(program).name == "vipservice":
        make_parser(*arguments[:1]).parse_args(arguments)
    elif program.startswith("scripts/"):
        assert os.access(TOP / program, os.X_OK), program
    elif program == "systemctl":
        verb, *units = [word for word in arguments if word != "--now"]
        assert verb in VERBS
        assert set(units) <= UNITS
    else:
        assert Path(program).name in PROGRAMS | {"pip"}, words
    assert all((TOP / word).exists() for word in arguments if word.startswith("examples/")), words


def test_a_command_that_does_not_exist_is_noticed() -> None:
    for words in (
        ["vipservice", "handover", "--too", "x"],
        ["systemctl", "ennable", "vipservice"],
        ["kubectl"],
    ):
        with pytest.raises((SystemExit, AssertionError)):
            understand(words)


@every("text")
def test_what_is_printed_follows_the_command_that_prints_it(sample: Sample) -> None:
    assert sample.before is not None
    assert sample.before.kind == "console"
    assert sample.before.place
    assert sample.text.strip()


@every("yaml web")
def test_a_web_configuration_can_be_loaded(sample: Sample, tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    file.write_text(sample.text.replace("$2y$10$...", f"$2y$10${'a' * 53}"))
    assert load_web(file).users


@every("yaml patroni")
def test_patronis_own_settings_listen_where_our_checks_ask(sample: Sample) -> None:
    said = yaml.safe_load(sample.text)
    asked = [one.text for one in samples("yaml vipservice") if one.page == sample.page]
    assert asked
    listens, asks = said["restapi"]["listen"].rsplit(":", 1), "http://127.0.0.1:"
    assert listens[0] in ("0.0.0.0", "127.0.0.1")
    assert all(f"{asks}{listens[1]}/primary" in text for text in asked)
    assert not any(said[part]["connect_address"].startswith("127.") for part in ("restapi", "postgresql"))
    assert said["bootstrap"]["dcs"]["ttl"] == 30, "the page says so"


@pytest.mark.skipif(sys.platform != "linux", reason="these are settings of Linux")
@every("ini sysctl")
def test_a_kernel_setting_exists(sample: Sample) -> None:
    for line in sample.text.splitlines():
        name, value = line.split(" = ")
        assert Path("/proc/sys", *name.split(".")).exists()
        assert value.isdecimal()


@every("json hook")
def test_what_a_hook_is_told_has_the_values_that_it_gets(sample: Sample) -> None:
    told = json.loads(sample.text)
    bench = Bench()
    bench.turns(Role.BACKUP, Role.ACTIVE)
    real = bench.sent[-1]["happened"]
    assert {key: type(value) for key, value in told.items()} == {
        **{key: type(value) for key, value in real.items()},
        "stands_for": int,
    }
    assert told["event"] == told["role"] == "active"


@every("javascript polkit")
def test_polkits_rule_lets_the_service_and_nobody_else(sample: Sample) -> None:
    node, _ = compute_driver_executable()
    program = POLKIT.replace("SAMPLE", sample.text)
    said = subprocess.run((node, "-e", program), capture_output=True, text=True, timeout=20, check=True)
    assert said.stdout.strip() == "[ 'yes', undefined, undefined ]"


def test_a_program_can_be_compiled_and_finds_what_it_imports() -> None:
    for sample in samples("python"):
        for node in ast.walk(ast.parse(sample.text, str(sample))):
            for module in imported(node):
                assert find_spec(module) is not None, f"{sample}: {module}"


def imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [name.name for name in names]
        case ast.ImportFrom(module=str(module)):
            return [module]
    return []


@every("mermaid")
def test_a_diagram_can_be_drawn(sample: Sample) -> None:
    assert mermaid_to_svg(sample.text).startswith(b"<svg")


def test_every_kind_is_in_use() -> None:
    for kind in ("nginx", "haproxy", "hexdump"):
        assert samples(kind), kind
    assert len(documents()) > 30
