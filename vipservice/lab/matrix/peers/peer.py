"""What a daemon of other people's must give to be put through the same incidents as ours."""

import re
import signal
from collections.abc import Mapping, Sequence
from typing import ClassVar

import psutil

from vipservice.lab.clock import now
from vipservice.lab.daemons import STOP_TIMEOUT, Daemon
from vipservice.lab.faults import Fault
from vipservice.lab.hosts import Host


class Peer(Daemon):
    """A daemon with a floating address, on a host of the lab; all its processes share one fate.

    A service manager kills and freezes all processes of a service, so that what one of them would do about
    the death of another does not count.
    """

    ready_line: ClassVar[str]
    """A line of its log (re.search) after which it has begun."""
    reloaded_line: ClassVar[str]
    """What it says when it has read its configuration again; nothing where it cannot."""
    roles: ClassVar[Mapping[str, str]]
    """Pattern (re.search) of a line of its log, to the role in our words that it tells of."""

    def __init__(self, host: Host, config: str, command: Sequence[str]) -> None:
        super().__init__(host, config, command=command)

    @classmethod
    def role_in(cls, text: str) -> str | None:
        """The role that a line of its log tells of; None where it tells of none."""
        return next((role for pattern, role in cls.roles.items() if re.search(pattern, text)), None)

    @property
    def role(self) -> str | None:
        """The role it last told of in this life."""
        told = (self.role_in(line.text) for line in reversed(self.log) if line.at >= self.started)
        return next((role for role in told if role is not None), None)

    def change_configuration(self) -> None:
        """Write its configuration with a change that concerns no address."""
        raise NotImplementedError(f"{type(self).__name__} reads its configuration once")

    def wait_ready(self, timeout: float) -> float:
        """Wait until its log says that it has begun; the seconds from exec to it."""
        return self.wait_for_line(self.ready_line, timeout).at - self.started

    def kill(self) -> Fault:
        """SIGKILL to all its processes; the first is stopped before, so that it starts none of them again."""
        began = now()
        self._signal(signal.SIGSTOP)
        self._signal(signal.SIGKILL)
        self.process.wait(STOP_TIMEOUT)
        return Fault(f"{self.host.name}: killed", began, now())

    def hang(self) -> Fault:
        """SIGSTOP to all its processes."""
        return self._signal(signal.SIGSTOP)

    def resume(self) -> Fault:
        """SIGCONT to all its processes."""
        return self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> Fault:
        began = now()
        first = psutil.Process(self.process.pid)
        family = [first, *first.children(recursive=True)]
        for process in family:
            process.send_signal(number)
        return Fault(f"{self.host.name}: {number.name} to {len(family)} processes", began, now())
