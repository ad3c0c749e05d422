"""Makes groups out of the `floating_ip` part of the file: what single keys cannot know of each other."""

from collections.abc import Iterator
from typing import Any

from vipservice.config import group_keys as k
from vipservice.config.durations import show_duration
from vipservice.config.nodes import Broken, Listing, Node, describe, quoted
from vipservice.config.problems import Problem, RefusedError
from vipservice.config.schema import Key, Values, missing, read_mapping
from vipservice.config.sections import FLOATING_IP
from vipservice.config.settings import FloatingIpSettings
from vipservice.config.timers import (
    DEFAULT_PRESET,
    MAX_LEASE,
    PRESETS,
    default_lease,
    fits,
    shortest_lease,
)
from vipservice.core.settings import BindMode, ProbeMode
from vipservice.core.timing import Timing
from vipservice.core.values import Address

FLOATING = FLOATING_IP.name
OWN = {k.ID.name: "an id", k.NAME.name: "a name", k.IP.name: "addresses"}


def read_groups(node: Node) -> tuple[list[tuple[FloatingIpSettings, Values]], list[Problem]]:
    """Read one group or a list of them; key paths are whole ones.

    A group with problems is there too, with defaults in the place of what was bad.
    """
    if isinstance(node, Broken):
        return [], []
    if not isinstance(node, Listing):
        return _read_group(node, FLOATING, ())
    groups: list[tuple[FloatingIpSettings, Values]] = []
    problems: list[Problem] = []
    for index, item in enumerate(node.items):
        more_groups, more_problems = _read_group(item, f"{FLOATING}[{index}]", (k.ID, k.NAME))
        groups += more_groups
        problems += more_problems
    return groups, problems


def _read_group(
    node: Node, key_path: str, required: tuple[Key[Any], ...]
) -> tuple[list[tuple[FloatingIpSettings, Values]], list[Problem]]:
    try:
        values, problems = read_mapping(node, k.GROUP_KEYS)
    except RefusedError as error:
        return [], [problem.under(key_path) for problem in error.problems]
    problems += missing(node.line, values, required)
    problems += _impossible(values)
    return [(_make_group(values, key_path, node.line), values)], [p.under(key_path) for p in problems]


def _make_group(values: Values, key_path: str, line: int) -> FloatingIpSettings:
    isolation, isolation_wait = values[k.ON_ISOLATION]
    return FloatingIpSettings(
        enabled=values[k.ENABLED],
        id=values[k.ID],
        name=values[k.NAME] or f"vip-{values[k.ID]}",
        ip=values[k.IP],
        netmask=values[k.NETMASK],
        interface=values[k.INTERFACE],
        priority=values[k.PRIORITY],
        timing=_timing(values),
        failback=0.0 if values[k.FORCED_BY_PRIORITY] else values[k.FAILBACK],
        probe=values[k.PROBE] if values[k.BIND] is BindMode.KERNEL else ProbeMode.OFF,
        arp_suppression=values[k.ARP_SUPPRESSION],
        on_isolation=isolation,
        isolation_wait=isolation_wait,
        announce_refresh=values[k.ANNOUNCE],
        witnesses=values[k.WITNESSES],
        nodes=values[k.NODES],
        ping_interval=values[k.PING],
        bind=values[k.BIND],
        checks=values[k.CHECKS],
        when_all_fail=values[k.WHEN_ALL_FAIL],
        hooks=values[k.HOOKS],
        key_path=key_path,
        line=line,
    )


def _timing(values: Values) -> Timing:
    preset = PRESETS[values[k.TIMING] or DEFAULT_PRESET]
    interval = values[k.ADVERT_INTERVAL] or preset.advert_interval
    misses = values[k.MISSES]
    return Timing(interval, misses, values[k.LEASE] or default_lease(interval, misses))


def _impossible(values: Values) -> Iterator[Problem]:
    """Find combinations that contradict themselves; what was bad by itself is left out."""
    yield from _two_paces(values)
    yield from _lease_too_short(values)
    yield from _two_failbacks(values)
    yield from _ip_written_twice(values)
    yield from _witness_is_floating(values)
    yield from _names_twice(values)
    if values[k.BIND] is BindMode.NONE and values[k.IP] is None and values.sound(k.IP):
        yield Problem(values.lines[k.BIND.name], k.IP.name, "found nothing beside 'bind: none'", "set 'ip'")


def _names_twice(values: Values) -> Iterator[Problem]:
    """Find checks or hooks that status and metrics could not tell apart."""
    checks, hooks = values[k.CHECKS], values[k.HOOKS]
    for key, names in ((k.CHECKS, [one.name for one in checks]), (k.HOOKS, [one.name for one in hooks])):
        for index, name in enumerate(names):
            if name in names[:index]:
                item = _item(values.nodes[key.name], index)
                found = f"found the name {quoted(name)} a second time"
                yield Problem(item.line, f"{key.name}[{index}]", found, "set 'name' in one of them")


def _two_paces(values: Values) -> Iterator[Problem]:
    if k.TIMING.name in values.lines and k.ADVERT_INTERVAL.name in values.lines:
        line = max(values.lines[k.TIMING.name], values.lines[k.ADVERT_INTERVAL.name])
        found = "found both 'timing' and 'advert_interval'"
        yield Problem(line, k.ADVERT_INTERVAL.name, found, "keep one of the two")


def _lease_too_short(values: Values) -> Iterator[Problem]:
    if not values.sound(k.TIMING, k.ADVERT_INTERVAL, k.MISSES, k.LEASE):
        return
    timing = _timing(values)
    if fits(timing):
        return
    interval = show_duration(timing.advert_interval)
    down = show_duration(timing.down_interval(timing.advert_interval, 0))
    found = (
        f"found a down interval of {down} ({timing.misses} x {interval}), which does not fit into 5/6 of the "
        f"lease of {timing.lease}s, so that a node that stalled could not wait it out before it renews"
    )
    need = shortest_lease(timing.advert_interval, timing.misses)
    longer_lease = f"write a lease of at least {need}s, or " if need <= MAX_LEASE else ""
    hint = f"{longer_lease}make {k.ADVERT_INTERVAL.name} shorter or {k.MISSES.name} fewer"
    key = next(key for key in (k.LEASE, k.ADVERT_INTERVAL, k.MISSES, k.TIMING) if key.name in values.lines)
    yield Problem(values.lines[key.name], key.name, found, hint)


def _two_failbacks(values: Values) -> Iterator[Problem]:
    if values[k.FORCED_BY_PRIORITY] and values.given(k.FAILBACK) and values[k.FAILBACK] != 0:
        line = values.lines[k.FORCED_BY_PRIORITY.name]
        other = values.lines[k.FAILBACK.name]
        found = f"found true, which means 'failback: immediate' and contradicts line {other}"
        yield Problem(line, k.FORCED_BY_PRIORITY.name, found, "keep one of the two")


def _ip_written_twice(values: Values) -> Iterator[Problem]:
    addresses = values[k.IP]
    seen: set[Address] = set()
    for index, address in enumerate(addresses or ()):
        if address in seen:
            item = _item(values.nodes[k.IP.name], index)
            found = f"{describe(item)} a second time"
            yield Problem(item.line, f"{k.IP.name}[{index}]", found, "remove one of the two")
        seen.add(address)


def _witness_is_floating(values: Values) -> Iterator[Problem]:
    floating = values[k.IP]
    if floating is None:
        return
    own = frozenset(floating)
    witnesses = values[k.WITNESSES]
    for index, witness in enumerate(witnesses):
        if witness in own:
            item = _item(values.nodes[k.WITNESSES.name], index)
            found = f"{describe(item)}, which is this group's floating address"
            yield Problem(item.line, f"{k.WITNESSES.name}[{index}]", found, "name another host")


def _item(node: Node, index: int) -> Node:
    return node.items[index] if isinstance(node, Listing) else node


def across_groups(groups: list[tuple[FloatingIpSettings, Values]]) -> Iterator[Problem]:
    """Find ids, names and addresses that two groups claim."""
    seen: dict[tuple[str, object], str] = {}
    for group, values in groups:
        claims: list[tuple[Key[Any], object]] = [(k.ID, group.id), (k.NAME, group.name)]
        claims += [(k.IP, address) for address in dict.fromkeys(group.ip or ())]
        for key, value in claims:
            if not values.given(key):
                continue
            other = seen.setdefault((key.name, value), group.key_path)
            if other != group.key_path:
                found = f"found {quoted(str(value))}, which {other} has too"
                hint = f"every group needs {OWN[key.name]} of its own"
                yield Problem(values.lines[key.name], f"{group.key_path}.{key.name}", found, hint)


def group_notices(group: FloatingIpSettings, values: Values) -> Iterator[str]:
    """Name what is understood but has no meaning, or none in this combination."""
    for key in k.MEANINGLESS_KEYS:
        if key.name in values.lines:
            yield f"{group.key_path}.{key.name} (line {values.lines[key.name]}): {key.doc}"
    if group.bind is BindMode.NONE and not group.hooks:
        line = values.lines[k.BIND.name]
        yield f"{group.key_path}.{k.BIND.name} (line {line}): nothing moves the address: there are no hooks"
    if group.arp_suppression and group.probe is ProbeMode.OFF:
        line = values.lines[k.ARP_SUPPRESSION.name]
        yield f"{group.key_path}.{k.ARP_SUPPRESSION.name} (line {line}): without effect while 'probe' is off"
