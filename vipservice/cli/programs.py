"""What keeps checks and hooks from running on this machine, for `vipservice check`."""

import os
import pwd
import shutil
import stat
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from vipservice.adapters.worker import landlock
from vipservice.adapters.worker.environment import PATH
from vipservice.config.check_settings import CommandCheck
from vipservice.config.settings import ResolvedGroup

SERVICE_USER = "vipservice"
"""Who the unit runs as; where there is no such user, the one who asks."""

SYSTEMD_RUNS = Path("/run/systemd/system")
"""sd_booted(3): there where systemd is the service manager."""

Program = tuple[str, tuple[str, ...], str]
"""What it is for, its arguments, and whose rights it wants."""


def warnings(group: ResolvedGroup, keys: bool = False) -> Iterator[str]:
    """A sentence for each check and hook that cannot run here, or could read keys where there are some."""
    if not group.checks and not group.hooks:
        return
    if any(check.kind == "systemd" for check in group.checks) and find_spec("jeepney") is None:
        yield "checks of systemd units need the Python package jeepney: pip install 'vipservice[systemd]'"
    if keys and any(programs(group)) and not landlock.version():
        yield (
            "programs of checks and hooks can read the keys of the adverts: this kernel has no Landlock, or "
            "was started without it (lsm=)"
        )
    for name, argv, user in programs(group):
        for why in cannot_run(argv[0], user):
            yield f"{name} cannot run: {why}"


def programs(group: ResolvedGroup) -> Iterator[Program]:
    """Every program that the group's checks and hooks name."""
    for check in group.checks:
        if isinstance(check.asked, CommandCheck):
            yield f"check {check.name}", check.asked.argv, check.asked.user
    for hook in group.hooks:
        yield f"hook {hook.name}", hook.argv, hook.user


def cannot_run(program: str, user: str) -> Iterator[str]:
    """Why `program` cannot be run for `user`, by default the service's."""
    if user:
        if shutil.which("systemd-run", path=PATH) is None or not SYSTEMD_RUNS.is_dir():
            yield "a 'user' needs a transient unit of systemd, and systemd does not manage this machine"
        elif _known(user) is not None and os.geteuid() == 0 and _known(SERVICE_USER) is not None:
            yield from _asks_polkit(user)
        if _known(user) is None:
            yield f"there is no user {user}"
            return
    yield from _not_executable(Path(program), _known(user or SERVICE_USER))


def _asks_polkit(user: str) -> Iterator[str]:
    """The service's user may start transient units only where polkit says so."""
    rules = [*Path("/etc/polkit-1/rules.d").glob("*"), *Path("/usr/share/polkit-1/rules.d").glob("*")]
    if not any(SERVICE_USER in _text(rule) for rule in rules):
        yield (
            f"no rule of polkit lets {SERVICE_USER} start a transient unit as {user} "
            "(org.freedesktop.systemd1.manage-units, see docs/hooks.md)"
        )


def _not_executable(program: Path, user: pwd.struct_passwd | None) -> Iterator[str]:
    try:
        found = program.stat()
    except OSError as error:
        yield f"{program}: {error.strerror}"
        return
    if not stat.S_ISREG(found.st_mode) or not found.st_mode & _execute_bit(found, user):
        whom = f"for {user.pw_name}" if user else "for you"
        yield f"{program} is not executable {whom}"


def _execute_bit(found: os.stat_result, user: pwd.struct_passwd | None) -> int:
    uid = user.pw_uid if user else os.geteuid()
    groups = os.getgrouplist(user.pw_name, user.pw_gid) if user else os.getgroups()
    if uid == 0:
        return stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
    if uid == found.st_uid:
        return stat.S_IXUSR
    return stat.S_IXGRP if found.st_gid in groups else stat.S_IXOTH


def _known(user: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(user)
    except KeyError:
        return None


def _text(rule: Path) -> str:
    try:
        return rule.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
