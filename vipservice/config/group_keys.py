"""The keys of a floating IP group, one row each."""

from typing import TYPE_CHECKING, Any

from vipservice.config.addresses import read_host_address, read_netmask
from vipservice.config.nodes import Mapping, Node, Scalar
from vipservice.config.scalars import (
    duration,
    off_or,
    read_bool,
    read_interface,
    read_name,
    seconds_of,
    text_of,
    whole_number,
    whole_seconds,
    word_of,
)
from vipservice.config.schema import Key, Reader, list_of, mapping_of, not_empty
from vipservice.config.timers import (
    DEFAULT_LEASE,
    DEFAULT_MISSES,
    DEFAULT_PRESET,
    LONGEST_INTERVAL,
    MAX_LEASE,
    PRESETS,
    SHORTEST_INTERVAL,
)
from vipservice.core.settings import BindMode, Isolation, ProbeMode, WhenAllFail
from vipservice.core.values import Address

if TYPE_CHECKING:
    from vipservice.config.check_settings import CheckSettings, HookSettings

DAY = 86400.0
DEFAULT_REFRESH = 60.0
DEFAULT_PING = 1.0

_WAIT = "between 100ms and 24h"
_read_wait = duration(0.1, DAY)


def _waiting(words: dict[str, float | None], prefixes: tuple[str, ...]) -> Reader[float | None]:
    """Make a reader of one of `words`, or a duration alone or behind one of `prefixes`."""

    def read(node: Node) -> float | None:
        text = " ".join(text_of(node).split())
        if text.lower() in words:
            return words[text.lower()]
        for prefix in prefixes:
            text = text.removeprefix(prefix)
        return seconds_of(node, text, 0.1, DAY)

    return read


_read_failback = _waiting({"never": None, "immediate": 0.0}, ("after ",))
_read_isolation_wait = _waiting({"hold": None, "release": 0.0}, ("release ", "release_after ", "after "))


def _read_isolation(node: Node) -> tuple[Isolation, float]:
    wait = _read_isolation_wait(node)
    return (Isolation.HOLD, 0.0) if wait is None else (Isolation.RELEASE, wait)


REFRESH: Key[float] = Key(
    "refresh",
    duration(1, DAY),
    DEFAULT_REFRESH,
    "a duration between 1s and 24h",
    "Time between announcements (gratuitous ARP) while nothing happens.",
    "60s",
)

_read_announce_mapping = mapping_of((REFRESH,), lambda values: values[REFRESH])
_read_announce_scalar = off_or(0.0, duration(1, DAY))


def _read_announce(node: Node) -> float:
    return _read_announce_mapping(node) if isinstance(node, Mapping) else _read_announce_scalar(node)


def _read_probe(node: Node) -> ProbeMode:
    return ProbeMode.ON if read_bool(node) else ProbeMode.OFF


def _read_check(node: Node) -> "CheckSettings":
    """One check. Its table and values are imported by who has one: a start is measured in milliseconds."""
    from vipservice.config.check_keys import read_check  # noqa: PLC0415 - see above

    return read_check(node)


def _read_hook(node: Node) -> "HookSettings":
    """One hook; imported in the same way."""
    from vipservice.config.hook_keys import read_hook  # noqa: PLC0415 - see above

    return read_hook(node)


def _read_anything(node: Node) -> str:
    """A key of the seed that only its presence matters of."""
    return node.text if isinstance(node, Scalar) else ""


ENABLED = Key(
    "enabled",
    read_bool,
    False,
    "true or false",
    "Whether the group takes part. Without it nothing is bound; the rest is checked all the same.",
)
ID: Key[int] = Key(
    "id",
    whole_number(1, 255),
    1,
    "a whole number from 1 to 255",
    "Tells groups on one network apart. The same on every node of the group; required in a list.",
)
NAME: Key[str | None] = Key(
    "name",
    read_name,
    None,
    "1 to 63 printable bytes",
    "What people, logs and metrics call the group.",
    "vip- and the id",
)
IP: Key[tuple[Address, ...] | None] = Key(
    "ip",
    not_empty(list_of(read_host_address)),
    None,
    "an IPv4 address such as 192.168.3.234, or a list of them",
    "The floating addresses; they move together.",
    "x.x.x.234 in the interface's subnet",
)
NETMASK: Key[int | None] = Key(
    "netmask",
    read_netmask,
    None,
    "a mask such as 255.255.255.0, or a prefix length such as /24",
    "Honoured for the bound address where it leaves it a secondary one of the interface; otherwise the "
    "address is bound with the host mask, so that its end takes no other address along.",
    "the host mask",
)
INTERFACE: Key[str | None] = Key(
    "interface",
    read_interface,
    None,
    "an interface's name such as eth0, at most 15 bytes",
    "Where the address is bound. Hosts with several interfaces should say it.",
    "the interface of the first non-local address",
)
PRIORITY: Key[int] = Key(
    "priority",
    whole_number(1, 254),
    100,
    "a whole number from 1 to 254",
    "The higher one takes over first. An equal or higher priority alone never takes the address away.",
)
FAILBACK: Key[float | None] = Key(
    "failback",
    _read_failback,
    None,
    f"never, immediate, or a duration such as 30s, {_WAIT}",
    "What a node with a higher priority does when it comes back: nothing, or ask for the address, at once or "
    "after a while.",
    "never",
)
TIMING: Key[str | None] = Key(
    "timing",
    word_of({name: name for name in PRESETS}),
    None,
    "relaxed, standard, fast or extreme",
    "The pace of adverts in a word: 1s, 100ms, 10ms or 2ms. The last two are for bare metal.",
    DEFAULT_PRESET,
)
ADVERT_INTERVAL: Key[float | None] = Key(
    "advert_interval",
    duration(SHORTEST_INTERVAL, LONGEST_INTERVAL),
    None,
    "a duration such as 100ms, between 2ms and 60s",
    "Time between two adverts of the active node, where no preset of 'timing' fits.",
    "100ms",
)
MISSES: Key[int] = Key(
    "misses",
    whole_number(2, 20),
    DEFAULT_MISSES,
    "a whole number from 2 to 20",
    "Adverts that may be missing before a backup takes over.",
)
LEASE: Key[int | None] = Key(
    "lease",
    whole_seconds(1, MAX_LEASE),
    None,
    "whole seconds such as 3s, between 1s and 60s",
    "How long the kernel keeps the address when the daemon no longer renews it.",
    f"{DEFAULT_LEASE}s, or the shortest that fits the other timers",
)
PROBE: Key[ProbeMode] = Key(
    "probe",
    _read_probe,
    ProbeMode.ON,
    "on or off",
    "Whether to ask by ARP who holds the address before taking it. Off only where a gateway answers ARP for "
    "everything.",
    "on",
)
ANNOUNCE: Key[float] = Key(
    "announce",
    _read_announce,
    DEFAULT_REFRESH,
    "off, a duration between 1s and 24h, or a mapping with 'refresh'",
    "How often the active node repeats its gratuitous ARP while nothing happens.",
    "60s",
)
WITNESSES: Key[tuple[Address, ...]] = Key(
    "witnesses",
    list_of(read_host_address),
    (),
    "a list of IPv4 addresses in the interface's subnet",
    "Hosts whose ARP answers prove that this node still hears the network, beside the gateway and the peers.",
    "none",
)
ON_ISOLATION: Key[tuple[Isolation, float]] = Key(
    "on_isolation",
    _read_isolation,
    (Isolation.RELEASE, 0.0),
    f"release, hold, or a duration such as 30s, {_WAIT}",
    "What an active node does that hears nobody any more for a whole lease.",
    "release",
)
ARP_SUPPRESSION: Key[bool] = Key(
    "arp_suppression",
    read_bool,
    False,
    "true or false",
    "Whether switches answer ARP for hosts they remember (EVPN), so that only unicast answers count.",
)
NODES: Key[int | None] = Key(
    "nodes",
    whole_number(1, 255),
    None,
    "a whole number from 1 to 255",
    "How many nodes the group should have; fewer is lost redundancy.",
    "the nodes that were heard before",
)
PING: Key[float] = Key(
    "ping",
    off_or(0.0, duration(0.01, 3600)),
    DEFAULT_PING,
    "off, or a duration between 10ms and 1h",
    "Time between ICMP echoes that measure round trips; they decide nothing.",
    "1s",
)

BIND: Key[BindMode] = Key(
    "bind",
    word_of({mode.value: mode for mode in BindMode}),
    BindMode.KERNEL,
    "kernel or none",
    "Who moves the address: this daemon, or with none a hook alone, as in a cloud. Then nothing is bound, "
    "announced or probed, and waiting for the lease takes the place of asking by ARP.",
    "kernel",
)
CHECKS: "Key[tuple[CheckSettings, ...]]" = Key(
    "checks",
    list_of(_read_check),
    (),
    "a list of mappings with one of tcp, http, process, pidfile, systemd, command, interface, file or ping",
    "Health checks of the service behind the address. Each has interval, timeout, rise, fall, and a weight "
    "or must.",
    "none",
)
WHEN_ALL_FAIL: Key[WhenAllFail] = Key(
    "when_all_fail",
    word_of({word.value: word for word in WhenAllFail}),
    WhenAllFail.KEEP,
    "keep or release",
    "What the active node does whose checks fail while nobody healthy could take over.",
    "keep",
)
HOOKS: "Key[tuple[HookSettings, ...]]" = Key(
    "hooks",
    list_of(_read_hook),
    (),
    "a list of mappings with 'run'",
    "Programs that are run when this node takes a role, or when something happens to the address.",
    "none",
)

FORCED_BY_PRIORITY: Key[bool] = Key(
    "forced_by_priority",
    read_bool,
    False,
    "true or false",
    "INFINI Gateway's word for 'failback: immediate'.",
)
PEER_IP: Key[Address | None] = Key(
    "peer_ip",
    read_host_address,
    None,
    "an IPv4 address",
    "INFINI Gateway's word for a single entry in 'adverts.peers'.",
    "none",
)
LOCAL_IP: Key[str] = Key(
    "local_ip",
    _read_anything,
    "",
    "an IPv4 address",
    "INFINI Gateway's key; without meaning here, the host's own address is detected.",
)
ECHO: Key[str] = Key(
    "echo",
    _read_anything,
    "",
    "a mapping",
    "INFINI Gateway's key; without meaning here, adverts and ARP take the place of its TCP echo.",
)
ECHO_PORT: Key[str] = Key("echo_port", _read_anything, "", "a port", ECHO.doc)
BROADCAST: Key[str] = Key(
    "broadcast",
    _read_anything,
    "",
    "a mapping",
    "INFINI Gateway's key; without meaning here, see 'adverts.group' and 'adverts.port'.",
)

OUR_KEYS: tuple[Key[Any], ...] = (
    ENABLED,
    ID,
    NAME,
    IP,
    NETMASK,
    INTERFACE,
    PRIORITY,
    FAILBACK,
    TIMING,
    ADVERT_INTERVAL,
    MISSES,
    LEASE,
    PROBE,
    ANNOUNCE,
    WITNESSES,
    ON_ISOLATION,
    ARP_SUPPRESSION,
    NODES,
    PING,
    BIND,
    CHECKS,
    WHEN_ALL_FAIL,
    HOOKS,
)
MEANINGLESS_KEYS: tuple[Key[str], ...] = (LOCAL_IP, ECHO, ECHO_PORT, BROADCAST)
GROUP_KEYS: tuple[Key[Any], ...] = (*OUR_KEYS, FORCED_BY_PRIORITY, PEER_IP, *MEANINGLESS_KEYS)
