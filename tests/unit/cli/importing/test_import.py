"""`vipservice import`: what comes out is a configuration of ours, and what does not is told."""

import io
import os
import sys
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vipservice.cli.importing.draft import Draft
from vipservice.cli.importing.gateway import read_gateway
from vipservice.cli.importing.keepalived import read_keepalived
from vipservice.cli.importing.ucarp import read_ucarp
from vipservice.cli.importing.write import write
from vipservice.config.check_settings import CommandCheck, InterfaceCheck, ProcessCheck, TcpCheck
from vipservice.config.load import loads
from vipservice.config.problems import ConfigError
from vipservice.config.settings import Settings

Run = Callable[..., Any]
SAMPLES = Path("/usr/share/doc/keepalived/samples")
HERE = Path("theirs")
SECRET = "fo0bar-s3cret"
"""What must appear nowhere."""

FULL = f"""\
! a comment
global_defs {{
    router_id LVS
}}
vrrp_script chk_http {{
    script "</dev/tcp/127.0.0.1/80"   # connects and exits
    interval 1
    weight -20
    fall 3
}}
vrrp_script chk_haproxy {{ script "killall -0 haproxy"
    interval 2 }}
vrrp_script chk_own {{
    script "/usr/local/bin/check --deep 'a b'"
    timeout 3
    rise 4
}}
vrrp_script chk_shell {{
    script "test -f /x && true"
}}
vrrp_instance VI_1
{{
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 150
    advert_int 0.5
    nopreempt
    authentication {{
        auth_type PASS
        auth_pass {SECRET}
    }}
    unicast_src_ip 10.0.0.1
    unicast_peer {{
        10.0.0.2
        10.0.0.3
    }}
    virtual_ipaddress {{
        10.0.0.234/24 dev eth0 label eth0:1
        10.0.0.235/24
        2001:db8::1/64
    }}
    track_script {{
        chk_http
        chk_haproxy weight 5
        chk_own
        chk_shell
    }}
    track_interface {{ eth1 }}
    notify_master "/usr/local/bin/notify.sh MASTER VI_1"
    smtp_alert
}}
"""


def imported(text: str) -> tuple[Settings, str, tuple[str, ...]]:
    """Keepalived's configuration as our loader takes it, as text, and what was left out."""
    draft = read_keepalived(text, HERE)
    written = write(draft, "theirs")
    return loads(written, HERE), written, draft.sentences()


def test_an_instance_becomes_a_group_with_all_that_we_have_too() -> None:
    settings, _, _ = imported(FULL)
    (group,) = settings.groups
    assert (group.enabled, group.id, group.name, group.interface) == (True, 51, "VI_1", "eth0")
    assert group.ip == (IPv4Address("10.0.0.234"), IPv4Address("10.0.0.235"))
    assert (group.netmask, group.failback, group.timing.advert_interval) == (24, None, 0.5)
    assert settings.adverts.peers == (IPv4Address("10.0.0.2"), IPv4Address("10.0.0.3"))
    (hook,) = group.hooks
    assert (hook.argv, hook.on) == (("/usr/local/bin/notify.sh", "MASTER", "VI_1"), frozenset({"active"}))


def test_its_scripts_become_checks_of_a_port_a_process_or_a_program() -> None:
    settings, _, _ = imported(FULL)
    http, haproxy, own, eth1 = settings.groups[0].checks
    assert http.asked == TcpCheck("127.0.0.1", 80)
    assert (http.interval, http.weight, http.fall, http.rise) == (1.0, 20, 3, 1)
    assert isinstance(haproxy.asked, ProcessCheck)
    assert haproxy.asked.name == "haproxy"
    assert own.asked == CommandCheck(("/usr/local/bin/check", "--deep", "a b"), "")
    assert (own.timeout, own.rise, own.weight) == (3.0, 4, None)
    assert eth1.asked == InterfaceCheck("eth1")


def test_a_weight_that_adds_raises_the_priority_and_is_taken_off() -> None:
    settings, _, notes = imported(FULL)
    assert settings.groups[0].priority == 155
    assert settings.groups[0].checks[1].weight == 5
    assert any("weights that add" in note for note in notes)


def test_what_is_left_out_is_told_with_its_line_and_stands_in_the_file() -> None:
    _, written, notes = imported(FULL)
    said = "\n".join(notes)
    for words in ("only IPv4", "only a shell", "smtp_alert", "global_defs", "labels", "state", "keygen"):
        assert words in said
    assert "line 2: global_defs" in said
    assert all(f"#   {note}" in written for note in notes)


def test_a_password_appears_nowhere() -> None:
    _, written, notes = imported(FULL)
    assert SECRET not in written + "".join(notes)


INSTANCE = (
    "vrrp_instance {name} {{\n interface {interface}\n virtual_router_id {id}\n {more}\n"
    " virtual_ipaddress {{\n {ip}\n }}\n}}\n"
)


def instance(name: str = "A", ip: str = "10.0.0.9", **said: object) -> str:
    return INSTANCE.format_map({"interface": "eth0", "id": 5, "more": "", **said, "name": name, "ip": ip})


@pytest.mark.parametrize(
    ("more", "failback"),
    [("", 0.0), ("nopreempt", None), ("preempt_delay 300", 300.0), ("preempt_delay 0", 0.0)],
)
def test_preemption_becomes_failback(more: str, failback: float | None) -> None:
    assert imported(instance(more=more))[0].groups[0].failback == failback


def test_a_sync_group_on_one_interface_moves_together() -> None:
    together = 'vrrp_sync_group G {\n group {\n A\n B\n }\n notify_fault "/bin/fault"\n}\n'
    text = together + instance("A") + instance("B", "10.0.0.10", id=6)
    settings, _, notes = imported(text)
    (group,) = settings.groups
    assert (group.id, group.ip) == (5, (IPv4Address("10.0.0.9"), IPv4Address("10.0.0.10")))
    assert [hook.on for hook in group.hooks] == [{"fault"}]
    assert any("one group with the settings of A" in note for note in notes)


def test_a_sync_group_on_two_interfaces_moves_apart_and_says_so() -> None:
    text = (
        "vrrp_sync_group G {\n group {\n A\n B\n }\n}\n"
        + instance("A")
        + instance("B", "10.1.0.9", interface="eth1", id=6)
    )
    settings, _, notes = imported(text)
    assert len(settings.groups) == 2
    assert any("move apart" in note for note in notes)


def test_one_id_on_two_interfaces_becomes_two() -> None:
    settings, _, notes = imported(instance("A") + instance("B", "10.1.0.9", interface="eth1"))
    assert [group.id for group in settings.groups] == [5, 1]
    assert any("write the same on every node" in note for note in notes)


@pytest.mark.parametrize(
    ("more", "left_out"),
    [
        ("priority 0", "A.priority: found '0'"),
        ("advert_int 4000", "A.advert_interval"),
        ("interface averyveryverylongname", "A.interface"),
        ("notify_master relative/path", "names no program"),
        ("track_interface {\n bad/name\n eth7\n }", "A.checks[0]"),
        ("garp_master_refresh 99999999", "A.announce"),
        ("colour green", "colour: has no meaning here"),
        ("unicast_peer {\n nobody\n }", "the peers"),
    ],
)
def test_what_our_loader_would_refuse_is_taken_out_and_told(more: str, left_out: str) -> None:
    settings, _, notes = imported(instance(more=more))
    assert settings.groups[0].ip == (IPv4Address("10.0.0.9"),)
    assert any(left_out in note for note in notes), notes


def test_a_group_whose_id_is_none_is_left_out_rather_than_changed() -> None:
    settings, _, notes = imported(instance("A", id=300) + instance("B", "10.0.0.10", id=6))
    assert [group.name for group in settings.groups] == ["B"]
    assert any("A.id: found '300'" in note for note in notes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no floating IPv4 address"),
        ("virtual_server 10.0.0.1 80 {\n}\n", "balancing load"),
        ("include /etc/more.conf", "theirs:1: found 'include', which is not followed"),
        ("a {\n b {\n }\n", "theirs:1: found a '{' that is never closed"),
        ("\n}\n", "theirs:2: found a '}' that closes nothing"),
        ("{", "belongs to nothing"),
        ('x "y\n', "a quote that is not closed"),
        ("$A=1\n", "a variable"),
        ("a {\n" * 40, "nested more than 16"),
        (instance(ip="224.0.0.1"), "a multicast address"),
    ],
)
def test_what_cannot_be_read_gets_a_sentence_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        imported(text)
    assert said in str(refused.value)


def test_comments_quotes_braces_and_long_lines_are_read_as_keepalived_does() -> None:
    text = (
        'vrrp_instance "A B" { interface eth0 # no }\n virtual_router_id \\\n 7\n'
        "virtual_ipaddress { 10.0.0.9 } }\n"
    )
    (group,) = imported(text)[0].groups
    assert (group.name, group.id, group.interface) == ("A B", 7, "eth0")


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("keepalived.conf*")), ids=lambda path: path.name)
def test_every_sample_of_the_distribution_loads_or_has_no_address(sample: Path) -> None:
    text = sample.read_text(encoding="utf-8")
    if "vrrp_instance" in text:
        settings, _, notes = imported(text)
        assert settings.groups
        assert notes
        return
    with pytest.raises(ConfigError, match="no floating IPv4 address"):
        imported(text)


def test_the_samples_are_there() -> None:
    if sys.platform != "linux" or not (SAMPLES.is_dir() or os.environ.get("CI")):
        pytest.skip("keepalived's samples are not on this machine: apt-get install keepalived")
    assert len(list(SAMPLES.glob("keepalived.conf.vrrp*"))) >= 6


# ucarp


def test_a_command_line_of_ucarp_becomes_a_group() -> None:
    line = (
        f"ucarp --interface=eth0 -s 10.0.0.1 -v 42 -p {SECRET} -a 10.0.0.234 -b 2 -k 50 -P -r 4 "
        "--upscript=/etc/vip-up.sh -d /etc/vip-down.sh -z -B"
    )
    draft = read_ucarp(line, HERE)
    text = write(draft, "ucarp")
    (group,) = loads(text, HERE).groups
    assert (group.id, group.ip, group.interface) == (42, (IPv4Address("10.0.0.234"),), "eth0")
    assert (group.priority, group.failback, group.timing.advert_interval, group.timing.misses) == (
        204,
        0.0,
        2.0,
        4,
    )
    up, down = group.hooks
    assert (up.argv, up.on) == (("/etc/vip-up.sh", "eth0", "10.0.0.234"), frozenset({"active"}))
    assert down.on == {"backup", "fault"}
    assert SECRET not in text
    assert any("keygen" in note for note in draft.sentences())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ucarp -i eth0 -v 1", "found no --addr"),
        ("ucarp -i eth0 --colour", "option colour"),
        ("ucarp 'x", "is no command line"),
        ("ucarp -i eth0 -v 1 -a 10.0.0.9 more", "belong to no option"),
        ("ucarp -i eth0 -v 999 -a 10.0.0.9", "vip-999.id: found '999'"),
    ],
)
def test_another_command_line_gets_a_sentence(line: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        write(read_ucarp(line, HERE), "ucarp")
    assert said in str(refused.value)


# INFINI Gateway


GATEWAY = b"""\
entry:
  - name: my_es
floating_ip:
  enabled: true
  ip: 192.168.3.234
  netmask: 255.255.255.0
  interface: en1
  local_ip: 192.168.3.35
  peer_ip: 192.168.3.36
  priority: 100
  forced_by_priority: true
  echo: {port: 61111}
"""


def test_the_block_of_a_gateway_becomes_a_group() -> None:
    draft = read_gateway(GATEWAY, HERE)
    settings = loads(write(draft, "gateway.yml"), HERE)
    (group,) = settings.groups
    assert (group.enabled, group.ip, group.netmask) == (True, (IPv4Address("192.168.3.234"),), 24)
    assert (group.interface, group.priority, group.failback) == ("en1", 100, 0.0)
    assert settings.adverts.peers == (IPv4Address("192.168.3.36"),)
    assert settings.notices == ()
    assert any("echo" in note for note in draft.sentences())


def test_enabled_alone_stays_alone() -> None:
    (group,) = loads(write(read_gateway(b"floating_ip:\n  enabled: true\n", HERE), "g"), HERE).groups
    assert (group.enabled, group.ip) == (True, None)


def test_a_file_without_the_block_gets_a_sentence() -> None:
    with pytest.raises(ConfigError, match="has no 'floating_ip' mapping"):
        read_gateway(b"entry: []\n", HERE)


# The command


def test_the_file_is_printed_and_what_is_missing_told_beside_it(run: Run, tmp_path: Path) -> None:
    theirs = tmp_path / "keepalived.conf"
    theirs.write_text(FULL)
    result = run("import", theirs)
    assert result.code == 0
    assert loads(result.out, HERE).groups[0].name == "VI_1"
    assert "not carried over: line 2: global_defs" in result.err
    assert SECRET not in result.out + result.err


def test_the_file_is_written_and_never_over_another(run: Run, tmp_path: Path) -> None:
    theirs, ours = tmp_path / "gateway.yml", tmp_path / "vipservice.yml"
    theirs.write_bytes(GATEWAY)
    assert run("import", theirs, "-o", ours).code == 0
    assert loads(ours.read_text(), HERE).groups[0].interface == "en1"
    result = run("import", theirs, "-o", ours)
    assert (result.code, "exists already" in result.err) == (73, True)


def test_a_command_line_is_known_by_its_first_word_and_never_repeated(run: Run) -> None:
    result = run("import", f"/usr/sbin/ucarp -i eth0 -v 3 -p {SECRET} -a 10.0.0.9")
    assert (result.code, SECRET in result.out + result.err) == (0, False)
    result = run("import", f"ucarp -p {SECRET}")
    assert (result.code, SECRET in result.out + result.err) == (78, False)


def test_standard_input_is_read_where_it_is_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(FULL.encode())))
    assert "VI_1" in run("import", "-").out


def test_a_file_that_is_not_there_is_a_sentence(run: Run, tmp_path: Path) -> None:
    result = run("import", tmp_path / "none.conf")
    assert (result.code, "cannot be read" in result.err) == (78, True)


# Anything


WORDS = [
    "vrrp_instance", "vrrp_sync_group", "vrrp_script", "A", "{", "}", "{\n", "}\n", "\n",
    "virtual_ipaddress", "10.0.0.9", "10.0.0.9/33", "eth0", "interface", "priority", "-1", "99999999999999",
    "group", "track_script", "track_interface", "weight", "script", "virtual_router_id", "advert_int", "0",
    "1e400", "notify", '"', "#", "unicast_peer", "/bin/x", '"a b"', "$X", "@a", "\\\n", "\u0661",
    "nopreempt", "preempt_delay",
]  # fmt: skip
BEGUN = "vrrp_instance A {\n virtual_ipaddress {\n 10.0.0.9\n }\n"


def loads_or_is_refused(read: Callable[[str, Path], Draft], text: str) -> bool:
    """Whether what is read loads, or is refused with sentences that name the file."""
    try:
        written = write(read(text, HERE), "theirs")
    except ConfigError as error:
        return all(sentence.startswith("theirs") for sentence in error.sentences())
    return bool(loads(written, HERE).groups)


@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS)).map(" ".join)))
def test_any_text_gives_a_configuration_that_loads_or_a_sentence(text: str) -> None:
    assert loads_or_is_refused(read_keepalived, text)
    assert loads_or_is_refused(read_keepalived, f"{BEGUN}{text}\n}}\n")
    assert loads_or_is_refused(read_ucarp, text)
    assert loads_or_is_refused(read_ucarp, f"ucarp -i eth0 -v 1 -a 10.0.0.9 {text}")


@given(st.one_of(st.binary(), st.text().map(lambda text: f"floating_ip:\n  ip: {text}\n".encode())))
def test_any_bytes_of_a_gateway_give_a_configuration_that_loads_or_a_sentence(content: bytes) -> None:
    assert loads_or_is_refused(lambda _text, path: read_gateway(content, path), "")
