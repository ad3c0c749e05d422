"""What the unit is given as credentials, and what `vipservice check` makes of keys that are such."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from vipservice.cli import credentials

SECRET = bytes(range(32)).hex()


@pytest.fixture
def busctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Answers as busctl does with what is in the file of this path."""
    answer, program = tmp_path / "answer", tmp_path / "busctl"
    program.write_text(f"#!/bin/sh\nexec /bin/cat {answer}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setattr(credentials, "is_here", lambda: True)
    return answer


def answer(*plain: list[str], encrypted: Sequence[list[str]] = ()) -> str:
    """What systemd says of the unit, as `busctl --json=short get-property` prints it."""
    lines = ({"type": "a(ss)", "data": list(one)} for one in (plain, encrypted))
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def configuration(tmp_path: Path, file: str) -> Path:
    path = tmp_path / "vipservice.yml"
    keys = json.dumps([{"id": 7, "file": file}])
    path.write_text(f"floating_ip: {{enabled: false}}\nadverts: {{keys: {keys}}}\n")
    return path


def test_a_credential_is_looked_for_where_systemd_takes_it_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "bare").touch()
    monkeypatch.setattr(credentials, "STORES", (tmp_path / "none", store))
    shown = answer(["one", "/etc/a.key"], ["two", "bare"], encrypted=[["x", "/e"]])
    assert dict(credentials.parse(shown)) == {"one": Path("/etc/a.key"), "two": store / "bare", "x": None}
    assert dict(credentials.parse("")) == {}


def test_check_reads_a_key_that_only_the_unit_has_under_its_name(
    tmp_path: Path, busctl: Path, run: Run
) -> None:
    source = tmp_path / "elsewhere.key"
    source.write_text(SECRET)
    source.chmod(0o600)
    busctl.write_text(answer(["advert.key", str(source)]))
    result = run("check", "--config", configuration(tmp_path, "advert.key"))
    assert (result.code, result.err) == (0, "")
    assert f"key 7 is the credential advert.key of vipservice.service, from {source}." in result.out


def test_check_says_what_is_wrong_with_a_credential(tmp_path: Path, busctl: Path, run: Run) -> None:
    busctl.write_text(answer(["advert.key", f"{tmp_path}/missing"]))
    result = run("check", "--config", configuration(tmp_path, "advert.key"))
    assert result.code == 78
    assert f"{tmp_path}/missing cannot be read: No such file" in result.err


def test_check_does_not_complain_of_a_key_that_only_systemd_can_decrypt(
    tmp_path: Path, busctl: Path, run: Run
) -> None:
    busctl.write_text(answer(encrypted=[["advert.key", "/etc/credstore.encrypted/advert.key"]]))
    result = run("check", "--config", configuration(tmp_path, "advert.key"))
    assert (result.code, result.err) == (0, "")
    assert "which only systemd can read" in result.out


def test_a_key_that_is_no_credential_is_missed_as_ever(tmp_path: Path, busctl: Path, run: Run) -> None:
    busctl.write_text(answer(["other.key", "/etc/other.key"]))
    result = run("check", "--config", configuration(tmp_path, "advert.key"))
    assert result.code == 78
    assert "advert.key cannot be read" in result.err
