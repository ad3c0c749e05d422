"""Prints the settings in force, each with where it comes from, for `vipservice check`.

Values are written the way the file takes them.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from vipservice.config import group_keys as k
from vipservice.config import sections as s
from vipservice.config.durations import show_duration
from vipservice.config.schema import Key, Section, T
from vipservice.config.settings import MetricsSettings, Origin, ResolvedGroup, Settings
from vipservice.config.timers import PRESETS
from vipservice.core.settings import GroupSettings, Isolation

if TYPE_CHECKING:
    from vipservice.config.check_settings import CheckSettings

NONE = "none"


def show(settings: Settings, resolved: Sequence[ResolvedGroup]) -> tuple[str, ...]:
    """Every setting as `key = value  (file|default|detected)`; of a disabled group, that it is one."""
    return tuple(_lines(settings, resolved))


def _lines(settings: Settings, resolved: Sequence[ResolvedGroup]) -> Iterator[str]:
    ready = {int(group.core.id): group for group in resolved}
    for group in settings.groups:
        if found := ready.get(group.id):
            for name, value in group_values(found):
                yield _line(f"{group.key_path}.{name}", value, found.origins[name])
        else:
            key_path = f"{group.key_path}.{k.ENABLED.name}"
            yield _line(key_path, "false", _origin(settings, key_path))
    for key_path, value in section_values(settings):
        yield _line(key_path, value, _origin(settings, key_path))


def group_values(group: ResolvedGroup) -> Iterator[tuple[str, str]]:
    """Every key of a group that runs, with its value."""
    core = group.core
    timing = core.timing
    yield k.ENABLED.name, "true"
    yield k.ID.name, str(core.id)
    yield k.NAME.name, core.name
    yield k.IP.name, _several(core.addresses)
    yield k.NETMASK.name, f"/{group.prefix_length}"
    yield k.INTERFACE.name, group.interface
    yield k.PRIORITY.name, str(core.priority)
    yield k.FAILBACK.name, _failback(core.failback)
    yield k.TIMING.name, _preset(timing.advert_interval)
    yield k.ADVERT_INTERVAL.name, show_duration(timing.advert_interval)
    yield k.MISSES.name, str(timing.misses)
    yield k.LEASE.name, show_duration(timing.lease)
    yield k.PROBE.name, core.probe.value
    yield k.ANNOUNCE.name, _or_off(core.announce_refresh)
    yield k.WITNESSES.name, _several(group.witnesses)
    yield k.ON_ISOLATION.name, _isolation(core)
    yield k.ARP_SUPPRESSION.name, str(core.arp_suppression).lower()
    yield k.NODES.name, NONE if group.nodes is None else str(group.nodes)
    yield k.PING.name, _or_off(group.ping_interval)
    yield k.BIND.name, core.bind.value
    yield k.CHECKS.name, _several(map(_check, group.checks))
    yield k.WHEN_ALL_FAIL.name, core.when_all_fail.value
    yield k.HOOKS.name, _several(f"{hook.name} ({' '.join(hook.argv)})" for hook in group.hooks)


def section_values(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every key beside the groups, with its value."""
    node, adverts, metrics, log = settings.node, settings.adverts, settings.metrics, settings.log
    keys = (f"{key.id} from {key.file}" for key in adverts.keys)
    yield _path(s.NODE, s.NODE_NAME), node.name
    yield _path(s.NODE, s.STATE_DIRECTORY), str(node.state_directory)
    yield _path(s.NODE, s.CONTROL_SOCKET), str(node.control_socket)
    yield _path(s.ADVERTS, s.MULTICAST_GROUP), str(adverts.group)
    yield _path(s.ADVERTS, s.PORT), str(adverts.port)
    yield _path(s.ADVERTS, s.PEERS), _several(adverts.peers)
    yield _path(s.ADVERTS, s.KEYS), _several(keys)
    yield _path(s.METRICS, s.LISTEN), _listen(metrics)
    yield _path(s.METRICS, s.WEB_CONFIG), str(metrics.web_config or NONE)
    yield _path(s.LOG, s.LEVEL), log.level
    yield _path(s.LOG, s.FORMAT), log.format


def _path(section: Section, key: Key[T]) -> str:
    return f"{section.name}.{key.name}"


def _origin(settings: Settings, key_path: str) -> Origin:
    """Where a value beside the groups comes from: the host's name is detected, peers may be `peer_ip`."""
    if key_path in settings.lines:
        return Origin.FILE
    if key_path == _path(s.NODE, s.NODE_NAME):
        return Origin.DETECTED
    if key_path == _path(s.ADVERTS, s.PEERS) and settings.adverts.peers:
        return Origin.FILE
    return Origin.DEFAULT


def _line(key_path: str, value: str, origin: Origin) -> str:
    return f"{key_path} = {value}  ({origin.value})"


def _check(check: "CheckSettings") -> str:
    weight = "must" if check.weight is None else f"weight {check.weight}"
    return f"{check.name} (every {show_duration(check.interval)}, {weight})"


def _several(values: Iterable[object]) -> str:
    return ", ".join(str(value) for value in values) or NONE


def _failback(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    return f"after {show_duration(seconds)}" if seconds else "immediate"


def _isolation(core: GroupSettings) -> str:
    if core.on_isolation is Isolation.HOLD or not core.isolation_wait:
        return core.on_isolation.value
    return f"release after {show_duration(core.isolation_wait)}"


def _preset(advert_interval: float) -> str:
    names = (name for name, preset in PRESETS.items() if preset.advert_interval == advert_interval)
    return next(names, NONE)


def _or_off(seconds: float) -> str:
    return show_duration(seconds) if seconds else "off"


def _listen(metrics: MetricsSettings) -> str:
    if metrics.port is None:
        return "off"
    host = f"[{metrics.host}]" if ":" in metrics.host else metrics.host
    return f"{host}:{metrics.port}"
