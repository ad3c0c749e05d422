"""`vipservice check`: what the configuration means on this machine, which it does not touch."""

import argparse
import sys
from collections.abc import Iterator
from ipaddress import IPv4Address

from vipservice.adapters.detection import detect_interfaces
from vipservice.cli import exit_codes
from vipservice.cli.asking import ask
from vipservice.cli.configuration import add_config, read, refuse
from vipservice.cli.exit_codes import CommandError
from vipservice.config.durations import show_duration
from vipservice.config.problems import ConfigError
from vipservice.config.resolve import resolve
from vipservice.config.settings import ResolvedGroup, Settings
from vipservice.config.show import show
from vipservice.core.settings import BindMode

EXAMPLES = """\
examples:
  vipservice check
  vipservice check --config ./vipservice.yml

Every setting in force, and whether it comes from the file, is the default or was detected. All problems are
reported in one go. Exit code 0, or 78 when the configuration cannot be used here.
"""

WATCHDOG = 1.0
"""WatchdogSec= of our unit: how long systemd looks on at a daemon that hangs."""

RESTART = 0.1
"""RestartSec= of our unit."""

START = 0.5
"""Seconds a start may take, exec to the first renewal."""

MARGIN = 0.5
"""What must be left of the lease when the restarted daemon takes it over."""

ASK_WITHIN = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to check."""
    add_config(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Check, and print."""
    # `run` imports this module too, and starts faster so.
    from vipservice.cli import credentials  # noqa: PLC0415 - see above

    try:
        given = credentials.of_unit()
        settings, _ = read(arguments.config, given)
        resolved = resolve(settings, detect_interfaces(), ours(settings))
    except ConfigError as error:
        return refuse(error)
    for line in show(settings, resolved):
        print(line)
    print()
    notes = credentials.sentences(settings, given)
    for sentence in (*_would_do(resolved), *notes, *_warnings(settings, resolved)):
        print(sentence)
    return exit_codes.OK


def _would_do(resolved: tuple[ResolvedGroup, ...]) -> Iterator[str]:
    if not resolved:
        yield "Would bind nothing: no floating address is enabled."
    for group in resolved:
        lease = show_duration(group.core.timing.lease)
        if group.core.bind is BindMode.NONE:
            addresses = ", ".join(map(str, group.core.addresses))
            yield f"{group.core.name}: would take part for {addresses}, which a hook moves."
            continue
        addresses = ", ".join(f"{one}/{group.prefix_length}" for one in group.core.addresses)
        yield f"{group.core.name}: would take part for {addresses} on {group.interface}, lease {lease}."


def _warnings(settings: Settings, resolved: tuple[ResolvedGroup, ...]) -> Iterator[str]:
    for notice in (*settings.notices, *(notice for group in resolved for notice in group.notices)):
        yield f"Note: {notice}"
    if resolved and not settings.adverts.keys:
        yield "Note: adverts are not signed; anybody on the link can forge them ('vipservice keygen')."
    from vipservice.cli import programs  # noqa: PLC0415 - `run` imports this module too, and starts faster so

    for group in resolved:
        said = programs.warnings(group, bool(settings.adverts.keys))
        yield from (f"Warning: {group.core.name}: {one}." for one in said)
        lease = group.core.timing.lease
        if not outlives_a_hang(lease):
            yield (
                f"Warning: {group.core.name}: a lease of {show_duration(lease)} ends before "
                f"systemd has restarted a daemon that hangs (WatchdogSec={WATCHDOG:g}s, "
                f"RestartSec={show_duration(RESTART)}); set 'lease: {shortest_lease()}s' or more."
            )


def outlives_a_hang(lease: float, watchdog: float = WATCHDOG, restart: float = RESTART) -> bool:
    """Whether a restart by the watchdog ends in time: then a hang costs the clients nothing.

    The hang may begin just before a renewal, which comes each sixth of the lease.
    """
    return watchdog + restart + START + lease / 6 <= lease - MARGIN


def shortest_lease(watchdog: float = WATCHDOG, restart: float = RESTART) -> int | None:
    """The least whole number of seconds that does; None where no lease that is allowed does."""
    return next((lease for lease in range(1, 61) if outlives_a_hang(lease, watchdog, restart)), None)


def ours(settings: Settings) -> frozenset[IPv4Address]:
    """Floating addresses that a daemon of ours has bound here: not the host's own ones."""
    return frozenset({*_bound_by_daemon(settings), *_marked_in_kernel()})


def _bound_by_daemon(settings: Settings) -> Iterator[IPv4Address]:
    try:
        status = ask(settings.node.control_socket, {"command": "status"}, ASK_WITHIN)
    except CommandError:
        return  # none runs, or it is not for us to ask
    for group in status.get("groups", ()):
        for one in group["addresses"]:
            if one["bound"]:
                yield IPv4Address(one["address"])


def _marked_in_kernel() -> Iterator[IPv4Address]:
    """Addresses with our protocol number, left by a daemon that was killed."""
    if sys.platform != "linux":
        return
    from vipservice.adapters.linux.host import LinuxHost  # noqa: PLC0415 - Linux only

    host = LinuxHost()
    try:
        for interface in host.interfaces():
            for one in interface.addresses:
                if one.ours and isinstance(one.address, IPv4Address):
                    yield one.address
    finally:
        host.close()
