"""Two booted machines with our service, and a client of its address that asks every millisecond."""

import contextlib
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Self

from vipservice.lab.booted.control_groups import ControlGroups
from vipservice.lab.booted.machine import CONFIGURED, UNIT, Machine
from vipservice.lab.client import SETTLE, Outage
from vipservice.lab.clock import now, wait_until
from vipservice.lab.lan import Lan

ADDRESS = IPv4Address("10.99.0.234")
CONFIGURATION = f"""\
floating_ip: {{enabled: true, ip: {ADDRESS}, interface: eth0}}
"""
READY_WITHIN = 15.0

RESET = f"""\
set -e
rm -rf /etc/systemd/system/{UNIT}.d /run/systemd/system/{UNIT}.d /run/systemd/system/{UNIT}
systemctl daemon-reload
systemctl reset-failed
"""

Install = Callable[[Machine], object]


class Pair:
    """Machines a and b on one bridge, our service enabled on both, and the client.

    Args:
        layer: What lies over this machine's root on them (layer.py).
        install: Puts the service on a booted machine; starting it is done here.
    """

    def __init__(self, layer: Path, install: Install) -> None:
        self._stack = contextlib.ExitStack()
        try:
            groups = {name: self._stack.enter_context(ControlGroups(name)) for name in ("a", "b")}
            self.lan = self._stack.enter_context(Lan(("a", "b")))
            self.machines = {
                name: Machine(self.lan.node(name), layer, group.paths) for name, group in groups.items()
            }
            self._start(install)
            self.client = self.lan.ping(ADDRESS)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cut the power of all."""
        self._stack.close()

    def _start(self, install: Install) -> None:
        for machine in self.machines.values():
            machine.begin_boot()
        for machine in self.machines.values():
            machine.wait_until_up()
            install(machine)
            machine.write(CONFIGURED, CONFIGURATION)
        for machine in self.machines.values():
            machine.run("systemctl", "enable", "--now", UNIT)

    @property
    def active(self) -> Machine:
        """The one that has the address.

        Raises:
            ValueError: Nobody has it, or both.
        """
        [name] = self.lan.owners(ADDRESS)
        return self.machines[name]

    @property
    def standby(self) -> Machine:
        """The other one."""
        active = self.active
        return next(machine for machine in self.machines.values() if machine is not active)

    def settle(self) -> None:
        """Wait until one serves, the other stands by, and the client has its answers.

        Raises:
            TimeoutError: It has not come to that.
        """
        wait_until(self._is_settled, READY_WITHIN, "one active, one backup that is ready")
        self.client.wait_for_answer(READY_WITHIN)

    def reset(self) -> None:
        """Undo what was done to units and configuration; both run, one of them with the address."""
        for machine in self.machines.values():
            machine.run("sh", "-c", RESET)
            if (machine.root / str(CONFIGURED).lstrip("/")).read_text() != CONFIGURATION:
                machine.write(CONFIGURED, CONFIGURATION)
                machine.try_running("systemctl", "reload-or-restart", UNIT)
            machine.run("systemctl", "start", UNIT)
        self.settle()

    def seen(self, since: float, for_at_least: float = 0.0) -> Outage:
        """What the client saw since a moment of the lab's clock, once so much time has passed."""
        until = since + for_at_least
        wait_until(lambda: now() > until + SETTLE, for_at_least + 5.0, "the client has watched long enough")
        return self.client.outage(since)

    def _is_settled(self) -> bool:
        owners = self.lan.owners(ADDRESS)
        told = {name: machine.show("StatusText") for name, machine in self.machines.items()}
        return len(owners) == 1 and all(
            f": {'active' if name in owners else 'backup'}" in text and "peers 1" in text
            for name, text in told.items()
        )
