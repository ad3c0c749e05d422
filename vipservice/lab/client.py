"""What a client of the address sees: it asks every millisecond and notes when answers come.

The *gap* is the longest time between two answers as they reach the client. Receipt is the honest clock: an
echo sent into an outage can wait in a neighbour queue and be answered when it is over, so by sending times
such an outage would look shorter than what the client sat through. It errs to the long side by at most one
period and the client's own lateness, which `pause` shows: a gap not longer than it says nothing about the
network. With nothing happening the gap is the noise floor.
"""

import contextlib
import mmap
import os
import struct
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from vipservice.core.values import Address
from vipservice.lab import pinging
from vipservice.lab.clock import now, wait_until
from vipservice.lab.namespaces import Namespace

Span = tuple[float, float]
"""From when to when, seconds on the lab's clock."""

PERIOD = 0.001
PAUSE = 0.02
"""Seconds the client may lose its processor before the machine counts as having stood still."""

LONGEST_RUN = 2 * 3600.0
"""Seconds for which there is room; memory is taken only for what is used, 16 bytes an echo."""

AROUND = 60.0
"""How far around a window the ends of its gaps are looked for, seconds."""

LATEST = 5.0
"""An answer later than this belongs to no question that is still of interest, seconds."""

SETTLE = 0.05
"""Answers to the last echoes of a window may come this much later and still count as answers, seconds."""


@dataclass(frozen=True, slots=True)
class Outage:
    """What a client saw of an address in a window of the lab's clock. Durations in seconds."""

    since: float
    until: float
    longest_gap: float
    """The longest time without an answer that touches the window, by receipt; a gap that was there before
    the window, or has not ended with it, counts as far as it is known."""
    started: float
    """When the answer came that was the last before that gap (the window's begin where there was none)."""
    sent: int
    lost: int
    """Echoes sent in the window that were never answered."""
    pause: float
    """The longest time in which the client itself sent nothing: what of the gap may be its own fault."""
    net_gap: float
    """The longest gap once the client's own pauses are taken out of each: what network and hosts are to blame
    for, on a machine whose hypervisor takes the processor away. Errs to the short side there; elsewhere it is
    `longest_gap`, to two periods."""

    @property
    def nothing_lost(self) -> bool:
        """Every echo was answered; of a client that stood still itself nothing can be said."""
        return self.lost == 0 or self.pause > PAUSE

    @property
    def ended(self) -> float:
        """When the first answer after the gap came."""
        return self.started + self.longest_gap


class Pinger:
    """A process in a client's box that asks for `address` until it is closed."""

    def __init__(self, box: Namespace, address: Address, period: float = PERIOD) -> None:
        size = pinging.COUNT.size + int(LONGEST_RUN / period) * pinging.PAIR * 8
        self.address = address
        self._period = period
        with contextlib.ExitStack() as stack:
            descriptor = os.memfd_create("vipservice-pings", os.MFD_CLOEXEC)
            stack.callback(os.close, descriptor)
            os.ftruncate(descriptor, size)
            self._memory = mmap.mmap(descriptor, size, prot=mmap.PROT_READ)
            script = str(Path(pinging.__file__))
            self._process = box.spawn(
                (sys.executable, "-I", "-S", script, str(address), repr(period), str(descriptor)),
                stderr=subprocess.PIPE,
                pass_fds=(descriptor,),
            )
        box.on_close(self.close)

    def close(self) -> None:
        """Stop asking; what was seen stays readable until the LAN goes."""
        self._process.kill()
        self._process.wait()

    def wait_for_answer(self, timeout: float) -> float:
        """Wait for an answer to come; when it came.

        Raises:
            TimeoutError: None came within `timeout` seconds.
        """
        since = now()
        wait_until(lambda: self.first_answer(since) is not None, timeout, f"an answer from {self.address}")
        answer = self.first_answer(since)
        return since if answer is None else answer

    def outage(self, since: float, until: float | None = None) -> Outage:
        """What was seen between two moments of the lab's clock; until now (less `SETTLE`) by default.

        Waits for the second moment, and by default until the window is `SETTLE` long.

        Raises:
            RuntimeError: The client has died, or did not ask in that window.
        """
        until = max(now() - SETTLE, since + SETTLE) if until is None else until
        time.sleep(max(0.0, until + SETTLE - now()))
        sent, received = self._echoes(since - AROUND, until + AROUND)
        first, last = bisect_left(sent, since), bisect_left(sent, until)
        if last - first < 1:
            raise RuntimeError(
                f"the client sent nothing between {since:.3f} and {until:.3f}: {self._death()}"
            )
        gaps = gaps_between(received, since, until)
        started, ended = longest(gaps)
        return Outage(
            since,
            until,
            longest_gap=ended - started,
            started=started,
            sent=last - first,
            lost=sum(not at for at in received[first:last]),
            pause=max(then - before for before, then in pairwise([since, *sent[first:last], until])),
            net_gap=longest_net(gaps, pauses_of(sent, 2 * self._period)),
        )

    def first_answer(self, since: float) -> float | None:
        """When the first answer after `since` came; None if none has, to an echo of the last seconds."""
        return min((at for at in self._echoes(since - LATEST, None)[1] if at > since), default=None)

    def _echoes(self, since: float, until: float | None) -> tuple[list[float], list[float]]:
        """When each echo of a time was sent, and when its answer came (0 for never)."""
        (count,) = pinging.COUNT.unpack_from(self._memory)
        first = bisect_left(range(count), since, key=self._sent)
        last = count if until is None else bisect_left(range(count), until, key=self._sent)
        begin, size = pinging.COUNT.size, pinging.PAIR * 8
        data = self._memory[begin + first * size : begin + last * size]
        times = struct.unpack(f"={(last - first) * pinging.PAIR}d", data)
        return list(times[::2]), list(times[1::2])

    def _sent(self, number: int) -> float:
        return float(
            struct.unpack_from("=d", self._memory, pinging.COUNT.size + number * pinging.PAIR * 8)[0]
        )

    def _death(self) -> str:
        if self._process.poll() is None or self._process.stderr is None:
            return "it was not asking then"
        return self._process.stderr.read().decode(errors="replace").strip() or "it has ended"


def gaps_between(received: Sequence[float], since: float, until: float) -> list[Span]:
    """The times between answers that touch a window, from each answer to the next."""
    answers = sorted(at for at in received if at)
    first, last = bisect_left(answers, since), bisect_left(answers, until)
    begin = answers[first - 1] if first else since
    # The answer after the window ends a gap that the window's end would cut short.
    end = answers[last] if last < len(answers) else until
    return list(pairwise([begin, *answers[first:last], end]))


def longest(gaps: Iterable[Span]) -> Span:
    """The longest of them; the first such."""
    return max(gaps, key=lambda gap: gap[1] - gap[0])


def pauses_of(sent: Sequence[float], allowed: float) -> list[Span]:
    """When the client sent nothing for longer than `allowed` seconds."""
    return [(before, then) for before, then in pairwise(sent) if then - before > allowed]


def longest_net(gaps: Iterable[Span], pauses: Sequence[Span]) -> float:
    """The longest gap in seconds when the time in which the client stood still is not counted."""
    ends = [end for _, end in pauses]

    def net(gap: Span) -> float:
        within = pauses[bisect_left(ends, gap[0]) :]
        own = 0.0
        for begin, end in within:
            if begin >= gap[1]:
                break
            own += min(end, gap[1]) - max(begin, gap[0])
        return gap[1] - gap[0] - own

    return max(map(net, gaps))
