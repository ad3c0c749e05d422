"""What is accepted, and what it means."""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from vipservice.config.group_keys import BROADCAST, ECHO, LOCAL_IP
from vipservice.config.load import load
from vipservice.config.sections import SECTIONS
from vipservice.config.settings import AdvertSettings, KeyFile, LogSettings, MetricsSettings, Settings
from vipservice.config.timers import PRESETS
from vipservice.core.settings import Isolation, ProbeMode
from vipservice.core.timing import Timing

Read = Callable[[str], Settings]

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_the_seeds_block_means_what_the_seed_says() -> None:
    [group] = load(EXAMPLES / "minimal.yml").groups
    assert group.enabled
    assert group.ip == (IPv4Address("192.168.3.234"),)
    assert group.netmask == 24
    assert group.interface == "en1"


def test_the_seeds_block_is_the_seeds_verbatim() -> None:
    assert (EXAMPLES / "minimal.yml").read_text() == (
        "floating_ip:\n"
        "  enabled: true\n"
        "  ip: 192.168.3.234     \n"
        "  netmask: 255.255.255.0 \n"
        "  interface: en1         \n"
    )


def test_without_settings_a_group_has_the_documented_defaults(read: Read) -> None:
    settings = read("floating_ip: {enabled: true}")
    [group] = settings.groups
    assert (group.id, group.name, group.priority) == (1, "vip-1", 100)
    assert (group.ip, group.netmask, group.interface, group.nodes) == (None, None, None, None)
    assert group.timing == Timing(advert_interval=0.1, misses=3, lease=3)
    assert group.failback is None
    assert group.probe is ProbeMode.ON
    assert (group.on_isolation, group.isolation_wait) == (Isolation.RELEASE, 0)
    assert (group.announce_refresh, group.ping_interval) == (60, 1)
    assert (group.witnesses, group.arp_suppression) == ((), False)
    assert settings.adverts == AdvertSettings()
    assert settings.metrics == MetricsSettings("", 10234, None)
    assert settings.log == LogSettings("info", "auto")
    assert settings.notices == ()


@pytest.mark.parametrize(
    "text", ["floating_ip: {}", "floating_ip: {enabled: false}", "floating_ip: {enabled: no}"]
)
def test_a_group_is_disabled_until_the_file_enables_it(read: Read, text: str) -> None:
    assert [group.enabled for group in read(text).groups] == [False]


@pytest.mark.parametrize("text", ["log: {}", "floating_ip: []"])
def test_a_file_may_have_no_group(read: Read, text: str) -> None:
    assert read(text).groups == ()


def test_the_commented_example_shows_every_key_and_its_default(read: Read) -> None:
    settings = load(EXAMPLES / "vipservice.yml")
    text = (EXAMPLES / "vipservice.yml").read_text()
    seeds_own = {"forced_by_priority", "peer_ip", "local_ip", "echo", "echo_port", "broadcast"}
    for section in SECTIONS:
        for key in section.keys:
            assert key.name in seeds_own or f"{key.name}:" in text, f"{section.name}.{key.name} is not shown"
    [group], [default] = settings.groups, read("floating_ip: {enabled: true}").groups
    shown = {"ip", "netmask", "interface", "nodes", "line", "key_path"}
    for field in type(group).__dataclass_fields__:
        if field not in shown:
            assert getattr(group, field) == getattr(default, field), field
    assert settings.adverts == AdvertSettings(keys=(KeyFile(1, Path("advert.key")),))
    assert (settings.metrics, settings.log) == (MetricsSettings(), LogSettings())


@pytest.mark.parametrize("word", ["true", "True", "TRUE", "yes", "on", "'true'"])
def test_a_boolean_may_be_written_as_yaml_people_do(read: Read, word: str) -> None:
    assert read(f"floating_ip: {{enabled: {word}}}").groups[0].enabled


@pytest.mark.parametrize("word", ["no", "on", "010", "1e3", "2026-11-22", "1:30", "'null'"])
def test_a_name_that_looks_like_something_else_stays_a_name(read: Read, word: str) -> None:
    assert read(f"floating_ip: {{name: {word}}}").groups[0].name == word.strip("'")


@pytest.mark.parametrize(
    ("written", "addresses"),
    [
        ("10.0.0.1", ["10.0.0.1"]),
        ("[10.0.0.2, 10.0.0.1]", ["10.0.0.2", "10.0.0.1"]),
        ("'10.0.0.1'", ["10.0.0.1"]),
    ],
)
def test_ip_is_one_address_or_a_list(read: Read, written: str, addresses: list[str]) -> None:
    assert read(f"floating_ip: {{ip: {written}}}").groups[0].ip == tuple(map(IPv4Address, addresses))


@pytest.mark.parametrize(
    ("written", "length"),
    [
        ("255.255.255.0", 24),
        ("/24", 24),
        ("24", 24),
        ("255.255.255.255", 32),
        ("128.0.0.0", 1),
        ("255.255.254.0", 23),
    ],
)
def test_a_netmask_is_dotted_or_a_length(read: Read, written: str, length: int) -> None:
    assert read(f"floating_ip: {{netmask: {written}}}").groups[0].netmask == length


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("never", None), ("immediate", 0), ("30s", 30), ("after 30s", 30), ("after  2m", 120), ("Never", None)],
)
def test_failback_has_words_and_durations(read: Read, written: str, seconds: float | None) -> None:
    assert read(f"floating_ip: {{failback: {written}}}").groups[0].failback == seconds


@pytest.mark.parametrize(
    ("written", "what", "seconds"),
    [
        ("release", Isolation.RELEASE, 0),
        ("hold", Isolation.HOLD, 0),
        ("30s", Isolation.RELEASE, 30),
        ("release after 30s", Isolation.RELEASE, 30),
        ("release_after 30s", Isolation.RELEASE, 30),
        ("after 1m", Isolation.RELEASE, 60),
    ],
)
def test_isolation_has_words_and_durations(read: Read, written: str, what: Isolation, seconds: float) -> None:
    group = read(f"floating_ip: {{on_isolation: {written}}}").groups[0]
    assert (group.on_isolation, group.isolation_wait) == (what, seconds)


@pytest.mark.parametrize(
    ("written", "seconds"), [("off", 0), ("30s", 30), ("{refresh: 5m}", 300), ("{}", 60), ("false", 0)]
)
def test_announce_is_off_a_duration_or_a_mapping(read: Read, written: str, seconds: float) -> None:
    assert read(f"floating_ip: {{announce: {written}}}").groups[0].announce_refresh == seconds


@pytest.mark.parametrize(
    ("written", "mode"), [("on", ProbeMode.ON), ("off", ProbeMode.OFF), ("no", ProbeMode.OFF)]
)
def test_probe_is_on_or_off(read: Read, written: str, mode: ProbeMode) -> None:
    assert read(f"floating_ip: {{probe: {written}}}").groups[0].probe is mode


@pytest.mark.parametrize(("written", "seconds"), [("off", 0), ("10ms", 0.01), ("1h", 3600)])
def test_ping_is_off_or_a_duration(read: Read, written: str, seconds: float) -> None:
    assert read(f"floating_ip: {{ping: {written}}}").groups[0].ping_interval == seconds


@pytest.mark.parametrize(
    ("written", "timing"),
    [
        ("timing: relaxed", Timing(1.0, 3, 4)),
        ("timing: standard", Timing(0.1, 3, 3)),
        ("timing: fast", Timing(0.01, 3, 3)),
        ("timing: extreme", Timing(0.002, 3, 3)),
        ("timing: fast, misses: 5, lease: 10s", Timing(0.01, 5, 10)),
        ("advert_interval: 2ms, misses: 2", Timing(0.002, 2, 3)),
        ("advert_interval: 1s", Timing(1.0, 3, 4)),
        ("advert_interval: 5s, misses: 2", Timing(5.0, 2, 12)),
        ("lease: 1m", Timing(0.1, 3, 60)),
        ("advert_interval: 250ms, misses: 2, lease: 1s", Timing(0.25, 2, 1)),
        ("advert_interval: 500ms, misses: 5, lease: 3s", Timing(0.5, 5, 3)),
    ],
)
def test_timers_come_from_a_preset_or_are_written_out(read: Read, written: str, timing: Timing) -> None:
    assert read(f"floating_ip: {{{written}}}").groups[0].timing == timing


def test_every_preset_leaves_the_lease_room_for_a_stall(read: Read) -> None:
    for name in PRESETS:
        timing = read(f"floating_ip: {{timing: {name}}}").groups[0].timing
        down_interval = timing.down_interval(timing.advert_interval, 0)
        assert down_interval <= timing.lease - timing.renew_period


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (":10234", MetricsSettings("", 10234)),
        ("'[::]:10234'", MetricsSettings("::", 10234)),
        ("127.0.0.1:9100", MetricsSettings("127.0.0.1", 9100)),
        ("metrics.example.org:80", MetricsSettings("metrics.example.org", 80)),
        ("off", MetricsSettings("", None)),
    ],
)
def test_metrics_listen_on_an_address_or_nowhere(read: Read, written: str, expected: MetricsSettings) -> None:
    assert read(f"metrics:\n  listen: {written}\n").metrics == expected


def test_several_groups_stand_in_a_list_with_lines_of_their_own(read: Read) -> None:
    settings = read("floating_ip:\n  - id: 7\n    name: a\n  - name: b\n    id: 9\n    ip: 10.0.0.1\n")
    assert [(g.id, g.name, g.key_path, g.line) for g in settings.groups] == [
        (7, "a", "floating_ip[0]", 2),
        (9, "b", "floating_ip[1]", 4),
    ]
    assert settings.lines["floating_ip[1].ip"] == 6


def test_node_and_keys_are_read(read: Read) -> None:
    settings = read(
        "node: {name: a b, state_directory: /s, control_socket: /c}\n"
        "adverts: {group: 224.0.0.18, port: 1, peers: [10.0.0.1],\n"
        "          keys: [{id: 20270101, file: k}, {id: 2, file: /l}]}\n"
    )
    assert (settings.node.name, settings.node.state_directory) == ("a b", Path("/s"))
    assert settings.node.control_socket == Path("/c")
    assert settings.adverts == AdvertSettings(
        IPv4Address("224.0.0.18"),
        1,
        (IPv4Address("10.0.0.1"),),
        (KeyFile(20270101, Path("k")), KeyFile(2, Path("/l"))),
    )


def test_a_node_is_called_like_its_host(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "h" * 64)
    assert read("log: {}").node.name == "h" * 63


def test_reloading_the_same_values_from_other_lines_changes_nothing(read: Read) -> None:
    assert read("floating_ip: {id: 5}") == read("\n\n# moved\nfloating_ip:\n  id: 5\n")


INFINI = """\
floating_ip:
  enabled: true
  local_ip: 10.0.0.1
  peer_ip: 10.0.0.2
  priority: 200
  forced_by_priority: true
  echo:
    port: 61111
    dial_timeout: 10000
  broadcast:
    binding: 224.3.2.2:7654
"""


def test_the_seed_systems_keys_are_used_or_named_in_a_notice(read: Read) -> None:
    settings = read(INFINI)
    [group] = settings.groups
    assert (group.priority, group.failback) == (200, 0)
    assert settings.adverts.peers == (IPv4Address("10.0.0.2"),)
    assert settings.notices == (
        f"floating_ip.local_ip (line 3): {LOCAL_IP.doc}",
        f"floating_ip.echo (line 7): {ECHO.doc}",
        f"floating_ip.broadcast (line 10): {BROADCAST.doc}",
        "floating_ip.peer_ip (line 4): used as an entry of 'adverts.peers'",
    )
    assert all("without meaning here" in notice for notice in settings.notices[:3])


def test_peers_that_are_written_win_over_the_seed_systems_peer_ip(read: Read) -> None:
    settings = read("floating_ip: {peer_ip: 10.0.0.2}\nadverts: {peers: []}\n")
    assert settings.adverts.peers == ()
    assert settings.notices == ("floating_ip.peer_ip (line 1): without effect beside 'adverts.peers'",)


def test_arp_suppression_without_a_probe_is_named_in_a_notice(read: Read) -> None:
    assert read("floating_ip: {probe: off, arp_suppression: true}").notices == (
        "floating_ip.arp_suppression (line 1): without effect while 'probe' is off",
    )
