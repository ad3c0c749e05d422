"""How findings are told: exit codes, JSON, and lines that a tired person can read."""

import json
import re
from pathlib import Path

import pytest

from vipservice.cli import doctor, main
from vipservice.cli.diagnosis.examine import CHECKS
from vipservice.cli.diagnosis.findings import Finding, error, exit_code, info, ok, to_json, warning

WELL = ok("interface", "eth0 is up")
NOTE = info("clock", "not synchronised")
WARNING = warning("paths", "multicast is blocked", "one is left", "let it pass:", ("nft add rule x", "# ufw"))
ERROR = error("address", "a stranger answers", "nobody binds", "find it")


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([], 0),
        ([WELL, NOTE], 0),
        ([WELL, WARNING], 1),
        ([WARNING, ERROR], 69),
        ([ERROR, error("configuration", "no such key", "", "")], 78),
    ],
)
def test_the_exit_code_is_that_of_the_worst(findings: list[Finding], code: int) -> None:
    assert exit_code(findings) == code


def test_the_text_has_what_why_and_what_to_do_and_no_control_characters(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    evil = error("node_id", "node-\x1b[31mb is a clone " + "of another " * 10, "why", "do")
    doctor.show([evil, WARNING, WELL])
    said = capsys.readouterr().out
    assert said.splitlines()[-7:] == [
        "warning  multicast is blocked",
        "         why: one is left",
        "         do:  let it pass:",
        "                nft add rule x",
        "                # ufw",
        "ok       eth0 is up",
        "1 error, 1 warning; 1 well",
    ]
    assert "\x1b" not in said and max(map(len, said.splitlines())) <= 70


def test_json_has_everything() -> None:
    said = json.loads(json.dumps(to_json([WARNING, WELL])))
    assert said["worst"] == "warning"
    assert said["findings"][0] == {
        "check": "paths",
        "severity": "warning",
        "what": "multicast is blocked",
        "why": "one is left",
        "do": "let it pass:",
        "snippet": ["nft add rule x", "# ufw"],
    }


@pytest.mark.parametrize("text", ["0s", "10m", "soon", "-1s", "100ms"])
def test_times_to_listen_that_make_no_sense_are_refused(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["doctor", f"--listen={text}"])
    assert ended.value.code == 64
    assert "allowed: 500ms to 60s" in capsys.readouterr().err


def test_a_missing_configuration_is_said_and_the_rest_is_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["doctor", "--json", "--config", str(tmp_path / "none.yml")]) == 78
    checks = {one["check"] for one in json.loads(capsys.readouterr().out)["findings"]}
    assert {"configuration", "clock"} <= checks


def test_every_check_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs/doctor.md").read_text()
    source = "".join(file.read_text() for file in (Path(doctor.__file__).parent / "diagnosis").glob("*.py"))
    named = set(re.findall(r'(?:ok|info|warning|error|make)\(\s*"([a-z_]+)"', source))
    assert named and CHECKS
    assert {name for name in named if f"| `{name}` |" not in page} == set()
