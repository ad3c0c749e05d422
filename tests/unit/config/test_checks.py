"""Checks and hooks in the file: what is understood, and what is refused with which sentence."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vipservice.config.check_settings import (
    CheckSettings,
    CommandCheck,
    FileCheck,
    HttpCheck,
    InterfaceCheck,
    PingCheck,
    ProcessCheck,
    SystemdCheck,
    TcpCheck,
    check_from_json,
    check_to_json,
    hook_from_json,
    hook_to_json,
)
from vipservice.config.load import loads
from vipservice.config.problems import ConfigError
from vipservice.core.settings import BindMode, ProbeMode, WhenAllFail

Read = Callable[[str], Any]


def checks(text: str) -> tuple[CheckSettings, ...]:
    return loads(f"floating_ip:\n  checks:\n{text}\n", Path("v.yml")).groups[0].checks


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loads(text, Path("v.yml"))
    return list(caught.value.sentences())


HTTP = HttpCheck(False, "127.0.0.1", 8080, "/health?a=1", "127.0.0.1", ((200, 399),), "", True, "")


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("tcp: 127.0.0.1:8080", TcpCheck("127.0.0.1", 8080)),
        ("tcp: '[::1]:80'", TcpCheck("::1", 80)),
        ("tcp: db.example.org:5432", TcpCheck("db.example.org", 5432)),
        ("http: http://127.0.0.1:8080/health?a=1", HTTP),
        (
            "{http: https://10.0.0.1, host: www.example.org, status: [200, 300-302], contains: fine, "
            "ca_file: /etc/ca.pem}",
            HttpCheck(
                True, "10.0.0.1", 443, "/", "www.example.org", ((200, 200), (300, 302)), "fine", True,
                "/etc/ca.pem",
            ),
        ),
        ("{process: nginx, count: 3}", ProcessCheck("nginx", "", 3)),
        ("pidfile: /run/nginx.pid", ProcessCheck("", "/run/nginx.pid", 1)),
        ("systemd: nginx", SystemdCheck("nginx.service")),
        ("systemd: a@b.socket", SystemdCheck("a@b.socket")),
        ("command: [/usr/bin/check, -x, 'a b']", CommandCheck(("/usr/bin/check", "-x", "a b"), "")),
        ("{command: [/x], user: postgres}", CommandCheck(("/x",), "postgres")),
        ("interface: eth1", InterfaceCheck("eth1")),
        ("{file: /run/down, absent: true}", FileCheck("/run/down", True)),
        ("ping: 192.0.2.1", PingCheck("192.0.2.1")),
    ],
)  # fmt: skip
def test_each_kind_is_read_and_survives_the_way_to_the_worker(written: str, asked: object) -> None:
    (check,) = checks(f"  - {written}")
    assert check.asked == asked
    assert check_from_json(json.loads(json.dumps(check_to_json(check)))) == check


def test_what_is_not_written_has_its_default() -> None:
    (check,) = checks("  - tcp: 127.0.0.1:80")
    assert (check.name, check.kind) == ("tcp 127.0.0.1:80", "tcp")
    assert (check.interval, check.timeout, check.rise, check.fall, check.weight) == (0.5, 1.0, 2, 3, None)


def test_how_it_is_asked_can_be_written() -> None:
    text = "  - {tcp: '127.0.0.1:80', name: web, interval: 2s, timeout: 300ms, rise: 1, fall: 5, weight: 20}"
    (check,) = checks(text)
    assert (check.name, check.interval, check.timeout) == ("web", 2.0, 0.3)
    assert (check.rise, check.fall, check.weight) == (1, 5, 20)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("tcp: 127.0.0.1", "checks[0].tcp: found '127.0.0.1', which has no port from 1 to 65535"),
        ("tcp: 127.0.0.1:0", "which has no port"),
        ("tcp: ::1:80", "which needs brackets around its IPv6 address"),
        ("tcp: ':80'", "which has no usable host"),
        ("http: 127.0.0.1/x", "which is no http or https URL"),
        ("http: http://user:secret@h/", "which has a user in it: secrets do not belong here"),
        ("http: 'http://h/a b'", "which has characters that a URL cannot have"),
        ("{http: 'http://h/', status: 99}", "checks[0].status: found '99', which is no status"),
        ("{http: 'http://h/', status: 300-200}", "whose end comes before its beginning"),
        ("command: /usr/bin/check -x", "write a list: the program's absolute path, then its arguments"),
        ("command: [check]", "found a list that does not begin with an absolute path"),
        ("systemd: 'a b'", "which cannot be a unit's name"),
        ("file: run/x", "which is not an absolute path"),
        ("{tcp: 'h:1', count: 2}", "checks[0].count: found beside 'tcp'; it belongs to 'process'"),
        ("{tcp: 'h:1', ping: h}", "checks[0]: found 'tcp' and 'ping'; write exactly one of tcp, http"),
        ("{name: x}", "found nothing to ask; write exactly one of tcp"),
        ("{tcp: 'h:1', weight: 254}", "which is too large; write must, or a whole number from 1 to 253"),
        ("{tcp: 'h:1', fall: 0}", "which is too small"),
        ("{tcpp: 'h:1'}", "did you mean 'tcp'?"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(written: str, said: str) -> None:
    sentences = problems(f"floating_ip:\n  checks:\n  - {written}\n")
    assert any(said in sentence for sentence in sentences), sentences
    assert all("v.yml:3" in sentence for sentence in sentences)


def test_two_checks_of_one_name_could_not_be_told_apart() -> None:
    text = "floating_ip:\n  checks:\n  - tcp: h:1\n  - tcp: h:1\n"
    assert problems(text) == [
        "v.yml:4: floating_ip.checks[1]: found the name 'tcp h:1' a second time; set 'name' in one of them"
    ]


# Hooks


def test_a_hook_is_read_and_survives_the_way_to_the_worker() -> None:
    text = "floating_ip:\n  hooks:\n  - {run: [/bin/tell, x], on: [active, repair], timeout: 5s, user: me}\n"
    (hook,) = loads(text, Path("v.yml")).groups[0].hooks
    assert (hook.name, hook.argv, sorted(hook.on)) == ("tell", ("/bin/tell", "x"), ["active", "repair"])
    assert (hook.timeout, hook.user) == (5.0, "me")
    assert hook_from_json(json.loads(json.dumps(hook_to_json(hook)))) == hook


def test_a_hook_is_run_with_each_role_unless_said_otherwise() -> None:
    (hook,) = loads("floating_ip: {hooks: [{run: [/x]}]}", Path("v.yml")).groups[0].hooks
    assert hook.on == {"active", "backup", "fault"}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{on: active}", "hooks[0].run: found nothing"),
        ("{run: [/x], on: [activ]}", "did you mean 'active'?"),
        ("{run: [/x], on: []}", "found a list, which is empty"),
        ("{run: /x}", "write a list"),
    ],
)
def test_a_hook_that_cannot_be_is_refused(written: str, said: str) -> None:
    assert any(said in one for one in problems(f"floating_ip:\n  hooks:\n  - {written}\n"))


# bind: none


def test_bind_none_waits_instead_of_probing() -> None:
    settings = loads(
        "floating_ip: {bind: none, ip: 203.0.113.5, hooks: [{run: [/x]}], when_all_fail: release}",
        Path("v.yml"),
    )
    (group,) = settings.groups
    assert (group.bind, group.probe) == (BindMode.NONE, ProbeMode.OFF)
    assert group.when_all_fail is WhenAllFail.RELEASE
    assert not settings.notices


def test_bind_none_needs_an_address_and_mentions_missing_hooks() -> None:
    assert problems("floating_ip: {bind: none}") == [
        "v.yml:1: floating_ip.ip: found nothing beside 'bind: none'; set 'ip'"
    ]
    (notice,) = loads("floating_ip: {bind: none, ip: 203.0.113.5}", Path("v.yml")).notices
    assert "nothing moves the address" in notice
