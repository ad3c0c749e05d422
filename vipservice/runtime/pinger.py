"""Round trips by ICMP echo to the address, peers, gateway and witnesses: metrics, never verdicts."""

from collections.abc import Callable, Iterable
from math import inf

from vipservice.core.frozen import dataclass
from vipservice.core.values import Address, GroupId
from vipservice.runtime.ports import EchoSocket, HostError

BATCH = 64
PATIENCE = 0.1
"""The share of its interval that an echo may be late, to leave with an advert rather than wake the loop."""

LOST_AFTER = 1.0
"""Seconds; a reply that comes later than this is no use to anybody."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to ping for which group, and as what: vip, peer, gateway or witness."""

    group: GroupId
    address: Address
    kind: str
    name: str
    """What people know it by: a peer's name, else the address."""


Report = Callable[[Target, float | None], None]
"""Called with the round trip in seconds, or None for a lost echo."""


class Pinger:
    """The echoes on one interface at a steady interval."""

    def __init__(self, echo: EchoSocket, clock: Callable[[], float], report: Report) -> None:
        self._echo = echo
        self._clock = clock
        self._report = report
        self._sequence = 0
        self._waiting: dict[int, tuple[Target, float]] = {}
        self._due: dict[GroupId, float] = {}
        self.deadline = inf
        """When `tick` is due, or sooner: the echo that it was for may have come back."""
        self.wake_at = inf
        """When `tick` must be called at the latest."""

    def start(self, group: GroupId, now: float) -> None:
        """Ping for this group from now on."""
        self._due.setdefault(group, now)
        self.deadline = self.wake_at = min(self.deadline, now)

    def stop(self, group: GroupId) -> None:
        """No more; what is still out counts for nothing."""
        self._due.pop(group, None)
        self._waiting = {key: one for key, one in self._waiting.items() if one[0].group != group}

    def tick(
        self,
        now: float,
        interval: Callable[[GroupId], float],
        targets: Callable[[GroupId], Iterable[Target]],
    ) -> None:
        """Send what is due, give up what is lost."""
        for group, due in list(self._due.items()):
            if now >= due:
                self._due[group] = max(due + interval(group), now)
                for target in targets(group):
                    self._send(target)
        for sequence, (target, sent) in list(self._waiting.items()):
            if now - sent >= LOST_AFTER:
                del self._waiting[sequence]
                self._report(target, None)
        lost = min((sent for _, sent in self._waiting.values()), default=inf) + LOST_AFTER
        self.deadline = min([lost, *self._due.values()])
        self.wake_at = self.deadline + PATIENCE * min(map(interval, self._due), default=0.0)

    def receive(self) -> None:
        """Take the replies that are there; the kernel has stamped their arrival."""
        for source, sequence, _payload, arrived in self._echo.receive(BATCH):
            target, sent = self._waiting.pop(sequence, (None, 0.0))
            if target is not None and target.address == source:
                self._report(target, max(0.0, arrived - sent))

    def fileno(self) -> int:
        """Readable when there are replies."""
        return self._echo.fileno()

    def close(self) -> None:
        """Let the socket go."""
        self._echo.close()

    def _send(self, target: Target) -> None:
        self._sequence = (self._sequence + 1) % 2**16
        sent = self._clock()
        try:
            self._echo.send(target.address, b"vipservice", self._sequence)
        except HostError:
            self._report(target, None)
        else:
            self._waiting[self._sequence] = (target, sent)
