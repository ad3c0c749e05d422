from collections.abc import Callable
from pathlib import Path

from vipservice.config.group_keys import OUR_KEYS
from vipservice.config.load import loads
from vipservice.config.resolve import resolve
from vipservice.config.sections import SECTIONS
from vipservice.config.seen import SeenInterface
from vipservice.config.show import show

Nic = Callable[..., SeenInterface]
SOURCE = Path("vipservice.yml")


def test_what_is_in_force_is_shown_with_its_origin(nic: Nic) -> None:
    settings = loads(
        "floating_ip:\n"
        "  enabled: true\n"
        "  timing: fast\n"
        "  netmask: 255.255.255.0\n"
        "  forced_by_priority: true\n"
        "  peer_ip: 192.168.3.36\n"
        "node:\n"
        "  name: a\n"
        "adverts:\n"
        "  keys: [{id: 1, file: k}]\n"
        "metrics:\n"
        "  listen: '[::1]:80'\n",
        SOURCE,
    )
    assert show(settings, resolve(settings, [nic("en1", "192.168.3.35/24")])) == (
        "floating_ip.enabled = true  (file)",
        "floating_ip.id = 1  (default)",
        "floating_ip.name = vip-1  (default)",
        "floating_ip.ip = 192.168.3.234  (detected)",
        "floating_ip.netmask = /24  (file)",
        "floating_ip.interface = en1  (detected)",
        "floating_ip.priority = 100  (default)",
        "floating_ip.failback = immediate  (file)",
        "floating_ip.timing = fast  (file)",
        "floating_ip.advert_interval = 10ms  (file)",
        "floating_ip.misses = 3  (default)",
        "floating_ip.lease = 3s  (default)",
        "floating_ip.probe = on  (default)",
        "floating_ip.announce = 60s  (default)",
        "floating_ip.witnesses = none  (default)",
        "floating_ip.on_isolation = release  (default)",
        "floating_ip.arp_suppression = false  (default)",
        "floating_ip.nodes = none  (default)",
        "floating_ip.ping = 1s  (default)",
        "floating_ip.bind = kernel  (default)",
        "floating_ip.checks = none  (default)",
        "floating_ip.when_all_fail = keep  (default)",
        "floating_ip.hooks = none  (default)",
        "node.name = a  (file)",
        "node.state_directory = /var/lib/vipservice  (default)",
        "node.control_socket = /run/vipservice/control.sock  (default)",
        "adverts.group = 224.0.0.254  (default)",
        "adverts.port = 61111  (default)",
        "adverts.peers = 192.168.3.36  (file)",
        "adverts.keys = 1 from k  (file)",
        "metrics.listen = [::1]:80  (file)",
        "metrics.web_config = none  (default)",
        "log.level = info  (default)",
        "log.format = auto  (default)",
    )


def test_every_key_of_the_tables_is_shown(nic: Nic) -> None:
    settings = loads("floating_ip: {enabled: true}", SOURCE)
    lines = show(settings, resolve(settings, [nic("en1", "192.168.3.35/24")]))
    shown = [line.split(" = ")[0] for line in lines]
    expected = [f"floating_ip.{key.name}" for key in OUR_KEYS]
    expected += [f"{section.name}.{key.name}" for section in SECTIONS[1:] for key in section.keys]
    assert shown == expected


def test_words_are_shown_as_the_file_takes_them(nic: Nic) -> None:
    settings = loads(
        "floating_ip: {enabled: true, failback: 30s, on_isolation: 1m, announce: off, ping: off,\n"
        "  advert_interval: 250ms, ip: [10.0.0.8, 10.0.0.9], nodes: 2}\n"
        "metrics: {listen: off}\n",
        SOURCE,
    )
    lines = show(settings, resolve(settings, [nic("eth0", "10.0.0.2/24")]))
    for line in (
        "floating_ip.failback = after 30s  (file)",
        "floating_ip.on_isolation = release after 60s  (file)",
        "floating_ip.announce = off  (file)",
        "floating_ip.ping = off  (file)",
        "floating_ip.timing = none  (default)",
        "floating_ip.advert_interval = 250ms  (file)",
        "floating_ip.ip = 10.0.0.8, 10.0.0.9  (file)",
        "floating_ip.nodes = 2  (file)",
        "metrics.listen = off  (file)",
    ):
        assert line in lines


def test_a_disabled_group_is_shown_as_one() -> None:
    settings = loads("floating_ip: {interface: eth9}", SOURCE)
    assert show(settings, ())[0] == "floating_ip.enabled = false  (default)"
