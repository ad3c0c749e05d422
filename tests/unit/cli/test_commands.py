"""The commands that need no daemon: run (until it would start), check, keygen."""

import stat
import subprocess
import sys
from collections.abc import Callable
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

import pytest

from vipservice.cli import check
from vipservice.cli.check import outlives_a_hang, shortest_lease
from vipservice.config.keys import read_key
from vipservice.config.seen import SeenInterface

Run = Callable[..., Any]
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A configuration file; its control socket is one that nobody answers on."""

    def write(text: str) -> Path:
        path = tmp_path / "vipservice.yml"
        path.write_text(f"node:\n  name: a\n  control_socket: {tmp_path}/none.sock\n{text}")
        return path

    return write


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    own = IPv4Interface("192.168.3.35/24")
    monkeypatch.setattr(check, "detect_interfaces", lambda: [SeenInterface("en1", False, True, (own,))])


def test_check_prints_what_is_in_force_with_its_origin(run: Run, write: Write) -> None:
    result = run("check", "--config", write("floating_ip:\n  enabled: true\n"))
    assert (result.code, result.err) == (0, "")
    assert "floating_ip.ip = 192.168.3.234  (detected)\n" in result.out
    assert "floating_ip.enabled = true  (file)\n" in result.out
    assert "vip-1: would take part for 192.168.3.234/32 on en1, lease 3s.\n" in result.out
    assert "Note: adverts are not signed" in result.out
    assert "Warning" not in result.out


def test_check_reports_every_problem_in_one_go(run: Run, write: Write) -> None:
    path = write("floating_ip:\n  enabled: maybe\n  priority: 300\nmetrics:\n  listne: off\n")
    result = run("check", "--config", path)
    assert (result.code, result.out) == (78, "")
    assert [line.split(": ")[1] for line in result.err.splitlines()] == [
        "floating_ip.enabled",
        "floating_ip.priority",
        "metrics.listne",
    ]


def test_check_says_that_an_interface_is_missing(run: Run, write: Write) -> None:
    result = run("check", "--config", write("floating_ip:\n  enabled: true\n  interface: eth7\n"))
    assert result.code == 78
    assert "found 'eth7', which does not exist; interfaces of this machine: en1" in result.err


def test_check_of_a_disabled_group_says_that_nothing_would_be_bound(run: Run, write: Write) -> None:
    result = run("check", "--config", write("floating_ip:\n  enabled: false\n"))
    assert result.code == 0
    assert "Would bind nothing" in result.out


def test_check_warns_of_a_lease_that_a_watchdog_restart_overruns(run: Run, write: Write) -> None:
    result = run("check", "--config", write("floating_ip:\n  enabled: true\n  lease: 2s\n"))
    assert result.code == 0
    assert "Warning: vip-1: a lease of 2s ends before systemd has restarted a daemon that hangs" in result.out
    assert "set 'lease: 3s' or more" in result.out


def test_the_rule_of_the_restart_is_the_designs() -> None:
    assert not outlives_a_hang(2.51)
    assert outlives_a_hang(2.53)
    assert shortest_lease() == 3


def test_an_address_that_our_running_daemon_holds_is_not_the_hosts_own(
    run: Run, write: Write, daemon: Callable[[dict[str, Any]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    held = (IPv4Interface("192.168.3.35/24"), IPv4Interface("192.168.3.234/24"))
    monkeypatch.setattr(check, "detect_interfaces", lambda: [SeenInterface("en1", False, True, held)])
    path = write("floating_ip:\n  enabled: true\n")
    assert "this host's own address" in run("check", "--config", path).err
    answer = {"groups": [{"addresses": [{"address": "192.168.3.234", "bound": True}]}]}
    path.write_text(path.read_text().replace("none.sock", "control.sock"))
    daemon(answer)
    assert run("check", "--config", path).code == 0


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_file_that_is_missing_is_one_sentence(run: Run, tmp_path: Path, command: str) -> None:
    result = run(command, "--config", tmp_path / "none.yml")
    assert (result.code, result.out) == (78, "")
    assert result.err == f"{tmp_path}/none.yml: cannot be read: No such file or directory\n"


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_web_configuration_that_cannot_be_used_is_told_at_its_key(
    run: Run, write: Write, tmp_path: Path, command: str
) -> None:
    web = tmp_path / "web.yml"
    web.write_text("tls_server_config:\n  cert_file: none.pem\n  key_file: none.key\n  cipher: rot13\n")
    path = write(f"metrics:\n  web_config: {web}\n")
    result = run(command, "--config", path)
    assert result.code == 78
    assert result.err.startswith(f"{path}:5: metrics.web_config: {web}:4: tls_server_config.cipher: ")


@pytest.mark.parametrize("command", ["check", "run"])
def test_keys_and_other_problems_are_reported_together(run: Run, write: Write, command: str) -> None:
    path = write("adverts:\n  keys: [{id: 1, file: none.key}]\nmetrics:\n  web_config: /etc/w.yml\n")
    assert len(run(command, "--config", path).err.splitlines()) == 2


def test_run_without_capabilities_is_one_sentence_and_77(
    run: Run, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform != "linux":
        pytest.skip("capabilities are Linux's")
    monkeypatch.setattr(
        "vipservice.adapters.linux.privileges.missing_capabilities", lambda: ("CAP_NET_ADMIN", "CAP_NET_RAW")
    )
    result = run("run", "--config", write("floating_ip:\n  enabled: true\n"))
    assert result.code == 77
    assert result.err.startswith(
        "vipservice: CAP_NET_ADMIN and CAP_NET_RAW missing: addresses cannot be bound\n"
    )


def test_keygen_prints_only_the_key_on_standard_output(run: Run, tmp_path: Path) -> None:
    result = run("keygen")
    assert result.code == 0
    assert len(bytes.fromhex(result.out.strip())) == 32
    assert "adverts:\n    keys:" in result.err
    assert result.out.strip() not in result.err
    assert run("keygen").out != result.out


def test_keygen_writes_a_file_that_the_daemon_takes_and_nobody_else_reads(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "advert.key"
    result = run("keygen", "--output", path)
    assert result.code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(read_key(path)) == 32
    assert f"file: {path}" in result.out
    assert path.read_text().strip() not in result.out


def test_keygen_never_overwrites_a_key_nor_follows_a_link(run: Run, tmp_path: Path) -> None:
    path, link = tmp_path / "advert.key", tmp_path / "link"
    path.write_text("in use")
    link.symlink_to(tmp_path / "elsewhere")
    assert run("keygen", "--output", path).code == 73
    assert run("keygen", "--output", link).code == 73
    assert path.read_text() == "in use"
    assert not (tmp_path / "elsewhere").exists()


def test_keygen_into_nowhere_is_one_sentence(run: Run, tmp_path: Path) -> None:
    result = run("keygen", "--output", tmp_path / "none" / "key")
    assert (result.code, len(result.err.splitlines())) == (73, 1)


def test_the_exit_code_of_a_bad_configuration_reaches_the_service_manager(write: Write) -> None:
    path = write("floating_ip: 5\n")
    ended = subprocess.run(
        [sys.executable, "-I", "-m", "vipservice", "run", "--config", path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 78
    assert "Traceback" not in ended.stderr
