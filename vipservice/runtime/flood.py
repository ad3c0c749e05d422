"""Floods: strangers who send more than is worth reading, so that the kernel is asked to drop most of it.

Reading a packet and refusing it costs this process some 25 us, dropping it in a filter costs the kernel far
less than one. So beyond `LIMIT` packets a second that nobody we know has sent, the filters let only one in
`KEPT` of them pass, drawn at random, and everything from the MACs of known nodes. The few that pass show when
it is over, and let a node that is new be heard in the end. See docs/decisions/0009-floods-are-thinned.md.
"""

from math import inf

from vipservice.runtime.ports import KEPT

LIMIT = 1000.0
"""Packets of strangers a second that are read: some 3 % of a core."""

WINDOW = 0.1
"""Seconds for which they are counted while all pass."""

CALM = 5.0
"""Seconds for which they are counted before all may pass again; less than half of `LIMIT` is calm."""


class Flood:
    """Whether strangers flood one kind of packet."""

    def __init__(self) -> None:
        self.on = False
        self._count = 0
        self._end = -inf

    def turned(self, strangers: int, now: float) -> bool:
        """Count so many packets of strangers; whether the flood has begun or ended with that.

        Args:
            strangers: Packets that were read since the last call and came from nobody we know.
            now: Seconds, of the loop's clock.
        """
        if now >= self._end:
            if self.on and self._count * KEPT < LIMIT / 2 * CALM:
                self.on = False
                self._start(0, now + WINDOW)
                return True
            self._start(0, now + (CALM if self.on else WINDOW))
        self._count += strangers
        if not self.on and self._count > LIMIT * WINDOW:
            self.on = True
            self._start(0, now + CALM)
            return True
        return False

    def _start(self, count: int, end: float) -> None:
        self._count, self._end = count, end
