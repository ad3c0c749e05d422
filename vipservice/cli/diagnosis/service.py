"""The service's surroundings: its unit, the clock, the services behind the address, tracked connections."""

import time
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime

from vipservice.adapters.linux.survey import host
from vipservice.cli.check import outlives_a_hang, shortest_lease
from vipservice.cli.diagnosis.findings import Finding, error, info, ok, warning
from vipservice.cli.diagnosis.patient import UNIT, Patient
from vipservice.cli.status_tables import heading, sentences
from vipservice.config.durations import DurationError, parse_duration, show_duration

FIRST_YEAR = 2025
"""Of the first release: a clock that shows an earlier one was never set."""

SLOW_CLOCKS = frozenset({"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit"})
"""Clock sources that are read from a device or stand still between ticks, instead of from the processor."""

SUSPENDED = 1.0
FULL = 0.8
"""Share of the table of connections."""


def daemon(patient: Patient) -> Iterator[Finding]:
    """What the running daemon itself complains of, and whether it runs by the file as it is now."""
    status = patient.status
    if status is None:
        return
    yield ok("daemon", f"{heading(status)} (process {status['pid']})")
    for sentence in sentences(status):
        yield warning(
            "daemon",
            sentence,
            "the daemon says so itself ('vipservice status')",
            "see docs/runbooks.md, and 'vipservice history' for how it came about",
        )
    running = {int(one["id"]): {a["address"] for a in one["addresses"]} for one in status["groups"]}
    wanted = {int(group.core.id): {str(a) for a in group.core.addresses} for group in patient.groups}
    if running != wanted and not status["waiting"]:
        yield warning(
            "daemon",
            f"the daemon has {_groups(running)}, the configuration now says {_groups(wanted)}",
            "the file was changed since it was read, and what was checked here is what it says",
            "let the daemon read it:",
            ("systemctl reload vipservice",),
        )


def _groups(groups: Mapping[int, AbstractSet[str]]) -> str:
    return "; ".join(f"group {one}: {', '.join(sorted(groups[one]))}" for one in sorted(groups)) or "no group"


def watchdog(patient: Patient) -> Iterator[Finding]:
    """Whether a daemon that hangs is restarted within the lease: `check` has the same rule."""
    unit = host.unit_settings(patient.root, UNIT)
    if not unit:
        yield info(
            "watchdog",
            f"no {UNIT} is installed",
            "nobody restarts a daemon that crashes or hangs: its address moves when the lease ends",
            "use 'vipservice install'",
        )
        return
    if unit.get("Service.Restart", "no") == "no":
        yield warning(
            "watchdog",
            f"{UNIT} has Restart=no",
            "a daemon that crashes stays away, and the address moves",
            *_drop_in("Restart=always", "RestartSec=100ms"),
        )
    limits = (
        _seconds(unit.get("Service.WatchdogSec", "")),
        _seconds(unit.get("Service.RestartSec", "100ms")),
    )
    if not limits[0] or limits[1] is None:
        yield warning(
            "watchdog",
            f"{UNIT} has no WatchdogSec= that can be read",
            "a daemon that hangs is not restarted, and the address moves when its lease ends",
            *_drop_in("WatchdogSec=1s", "RestartSec=100ms"),
        )
        return
    yield from _leases(patient, limits[0], limits[1])


def _leases(patient: Patient, limit: float, pause: float) -> Iterator[Finding]:
    said = f"WatchdogSec={show_duration(limit)}, RestartSec={show_duration(pause)}"
    least = shortest_lease(limit, pause)
    for group in patient.groups:
        lease = group.core.timing.lease
        if outlives_a_hang(lease, limit, pause):
            yield ok("watchdog", f"{group.core.name}: a lease of {lease:g}s outlives a hang ({said})")
            continue
        longer = f"set 'lease: {least}s' or more, or " if least else ""
        yield warning(
            "watchdog",
            f"{group.core.name}: a lease of {lease:g}s ends before systemd has restarted a daemon that hangs",
            f"with {said} a hang moves the address, which need not be",
            *_drop_in("WatchdogSec=1s", "RestartSec=100ms", before=longer),
        )


def _drop_in(*lines: str, before: str = "") -> tuple[str, tuple[str, ...]]:
    file = f"# /etc/systemd/system/{UNIT}.d/50-watchdog.conf"
    return f"{before}add a drop-in, then 'systemctl daemon-reload':", (file, "[Service]", *lines)


def _seconds(span: str) -> float | None:
    """A time span of systemd in its simple forms: `1s`, `100ms`, `2min`, or bare seconds."""
    try:
        return float(span)
    except ValueError:
        pass
    try:
        return parse_duration(span.replace("min", "m").replace("sec", "s"))
    except DurationError:
        return None


def clock(patient: Patient) -> Iterator[Finding]:
    """The election uses clocks that never step; people and a new incarnation use the wall clock."""
    today = datetime.now(UTC)
    if today.year < FIRST_YEAR:
        yield warning(
            "clock",
            f"the clock says {today:%Y-%m-%d %H:%M} UTC",
            "a node whose state directory was lost takes its new life's number from the clock; too small "
            "a one "
            "is refused by the others until they have told it a greater",
            "set the clock, and let a time service keep it",
        )
    elif host.synchronised() is False:
        yield info(
            "clock",
            "the clock is not kept by a time service",
            "the election does not mind; logs and histories of two nodes cannot be laid side by side",
            "enable systemd-timesyncd, chrony or ntpd",
        )
    else:
        yield ok("clock", f"the clock says {today:%Y-%m-%d %H:%M:%S} UTC")
    yield from _clock_source(patient)
    asleep = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    if asleep > SUSPENDED:
        yield info(
            "clock",
            f"this host has been suspended for {asleep:.0f}s since it booted",
            "a host that sleeps loses the address: leases count suspended time",
            "keep it from sleeping while it takes part: systemctl mask sleep.target suspend.target",
        )


def _clock_source(patient: Patient) -> Iterator[Finding]:
    source = host.text(patient.root, "sys/devices/system/clocksource/clocksource0/current_clocksource")
    if source in SLOW_CLOCKS:
        yield warning(
            "clock",
            f"the kernel's clock source is {source}",
            "each look at the clock is a slow system call; short advert intervals cost many times the "
            "processor",
            "see /sys/devices/system/clocksource/clocksource0/available_clocksource and dmesg for the reason",
        )


def nonlocal_bind(patient: Patient) -> Iterator[Finding]:
    """Whether a service can bind the floating address before this host has it."""
    addresses = ", ".join(str(address) for _, address in patient.floating())
    if not addresses:
        return
    if host.sysctl(patient.root, "net/ipv4/ip_nonlocal_bind"):
        yield ok("nonlocal_bind", f"services may listen on {addresses} before this host has it")
        return
    yield info(
        "nonlocal_bind",
        f"a service that listens on {addresses} itself cannot start while another host has it",
        "net.ipv4.ip_nonlocal_bind is 0; services that listen on all addresses don't need it",
        "let them listen on 0.0.0.0, use FreeBind=yes in a socket unit, or set:",
        ("echo net.ipv4.ip_nonlocal_bind=1 >/etc/sysctl.d/50-vipservice.conf", "sysctl --system"),
    )


def conntrack(patient: Patient) -> Iterator[Finding]:
    """A full table drops adverts like a firewall."""
    count = host.sysctl(patient.root, "net/netfilter/nf_conntrack_count")
    most = host.sysctl(patient.root, "net/netfilter/nf_conntrack_max")
    if count is None or not most:
        return
    if count >= FULL * most:
        yield error(
            "conntrack",
            f"the table of connections is {count / most:.0%} full ({count} of {most})",
            "a full one drops every new flow, adverts among them, while old connections go on",
            "make it larger, or let adverts pass untracked:",
            ("sysctl -w net.netfilter.nf_conntrack_max=" + str(4 * most),),
        )
    else:
        yield ok("conntrack", f"the table of connections has room ({count} of {most})")
    if count:
        yield info(
            "conntrack",
            "this host tracks connections",
            "those through a firewall or NAT on this host do not outlive a move of the address: the other "
            "node "
            "does not know them",
            "conntrackd can share them where that matters",
        )
