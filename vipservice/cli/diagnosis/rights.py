"""What the daemon may do on this host: capabilities, files, real-time scheduling."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

from vipservice.adapters.linux.privileges import missing_capabilities
from vipservice.adapters.linux.survey import host
from vipservice.cli.diagnosis.findings import Finding, error, info, ok, warning
from vipservice.cli.diagnosis.patient import UNIT, Patient
from vipservice.config.keys import find_key

REALTIME_PRIORITY = 10
"""What `vipservice run` asks for."""

MOST_STOLEN = 0.01
"""Share of the processor's time; at an advert interval of 10 ms a hundredth is a whole interval each
second.
"""

_CAP_SYS_NICE = 23
_REALTIME = (os.SCHED_FIFO, os.SCHED_RR)
_UNIT_POLICY = "Service.CPUSchedulingPolicy"


def capabilities(patient: Patient) -> Iterator[Finding]:
    """The two that binding and probing need."""
    pid = patient.pid
    whose = "this process" if pid is None else f"the daemon (process {pid})"
    status = "proc/thread-self/status" if pid is None else f"proc/{pid}/status"
    try:
        missing = missing_capabilities(patient.root / status)
    except OSError:
        return
    if not missing:
        yield ok("capabilities", f"{whose} has CAP_NET_ADMIN and CAP_NET_RAW")
        return
    yield error(
        "capabilities",
        f"{whose} lacks {' and '.join(missing)}",
        "without CAP_NET_ADMIN no address can be bound, without CAP_NET_RAW no probe can be sent",
        "use the systemd unit ('vipservice install') or sudo, or give them to the process:",
        ("setpriv --ambient-caps +net_admin,+net_raw --inh-caps +net_admin,+net_raw vipservice run",),
    )


def files(patient: Patient) -> Iterator[Finding]:
    """The configuration and the keys can be read, the state can be written, by the daemon's user."""
    settings, account = patient.settings, patient.account
    if settings is None:
        return
    state = settings.node.state_directory
    yield from _may(patient, settings.source, os.R_OK, "read the configuration", f"chgrp {account.name}")
    for key in settings.adverts.keys:
        path = find_key(key.file, settings.source.parent)
        if path.exists():  # a systemd credential is given to the daemon alone
            yield from _may(patient, path, os.R_OK, f"read key {key.id}", f"chgrp {account.name}")
    yield from _may(patient, state, os.R_OK | os.W_OK | os.X_OK, "write the state", f"chown {account.name}")


def _may(patient: Patient, path: Path, wanted: int, deed: str, command: str) -> Iterator[Finding]:
    account = patient.account
    try:
        refuses = host.unreadable(account, path, wanted)
    except FileNotFoundError:
        yield _missing(path)
        return
    except OSError as problem:
        yield info("files", f"{path} cannot be looked at: {problem.strerror}", do="use sudo")
        return
    if refuses is None:
        yield ok("files", f"user {account.name} may {deed} ({path})")
        return
    lets = "the node's id and its terms are lost at each restart" if wanted & os.W_OK else "it does not start"
    yield error(
        "files",
        f"user {account.name} may not {deed}: {refuses} refuses (mode {refuses.stat().st_mode & 0o7777:04o})",
        f"the daemon runs as {account.name}; {lets}",
        "give it the right:",
        _remedy(refuses, path, wanted, command),
    )


def _remedy(refuses: Path, path: Path, wanted: int, command: str) -> tuple[str, ...]:
    if refuses != path.resolve():
        return (f"chmod o+x {refuses}   # a folder on the way",)
    return (f"{command} {path}", f"chmod {'u+rwx' if wanted & os.W_OK else 'g+r'} {path}")


def _missing(path: Path) -> Finding:
    return info(
        "files",
        f"{path} does not exist yet",
        "the daemon makes it, or systemd does (StateDirectory=); by hand it needs the right to",
    )


def scheduling(patient: Patient) -> Iterator[Finding]:
    """Real-time scheduling, which keeps a busy host from missing adverts."""
    yield from _realtime(patient)
    runtime = host.sysctl(patient.root, "kernel/sched_rt_runtime_us")
    if runtime == 0:
        yield error(
            "scheduling",
            "kernel.sched_rt_runtime_us is 0: real-time threads never run",
            "the daemon would stand still for ever, and its lease would lapse",
            "give them their share again:",
            ("sysctl -w kernel.sched_rt_runtime_us=950000",),
        )
    share = patient.stolen
    stolen, ticks = host.processor_times(patient.root)
    since_boot = stolen / ticks if ticks else 0.0
    if max(share, since_boot) > MOST_STOLEN:
        make = warning if share > MOST_STOLEN else info
        yield make(
            "steal",
            f"the hypervisor took {share:.1%} of the processor's time just now, {since_boot:.1%} since boot",
            "a paused guest sends no adverts and answers no probe: the others must take it for dead",
            "choose 'timing: relaxed' or a longer advert_interval, or give the machine processors of its own",
        )
    elif ticks:
        yield ok("steal", f"the hypervisor takes no processor time ({since_boot:.2%} since boot)")


def _realtime(patient: Patient) -> Iterator[Finding]:
    if patient.pid is not None:
        try:
            policy = os.sched_getscheduler(patient.pid) & ~os.SCHED_RESET_ON_FORK
        except OSError:
            return
        if policy in _REALTIME:
            yield ok("scheduling", "the daemon runs under real-time scheduling")
            return
        found = "the daemon runs under ordinary scheduling"
    elif policy_name := host.unit_settings(patient.root, UNIT).get(_UNIT_POLICY):
        yield ok("scheduling", f"the unit gives the daemon real-time scheduling ({policy_name})")
        return
    elif _may_be_realtime(patient):
        yield ok("scheduling", "real-time scheduling is possible")
        return
    else:
        found = "real-time scheduling is not possible for this user"
    yield warning(
        "scheduling",
        found,
        "on a busy host the loop wakes late, misses adverts, and the others ask who has the address",
        "use the systemd unit (CPUSchedulingPolicy=rr), run as root, or raise the limit:",
        (f"prlimit --rtprio={REALTIME_PRIORITY} --pid $$   # for this shell; see limits.conf(5)",),
    )


def _may_be_realtime(patient: Patient) -> bool:
    status = host.text(patient.root, "proc/thread-self/status") or ""
    effective = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0")
    limit = resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
    return bool(int(effective, 16) >> _CAP_SYS_NICE & 1) or limit in (-1, *range(REALTIME_PRIORITY, 100))
