"""Switches that meddle with ARP: they answer broadcasts from memory, or swallow what they do not like."""

from vipservice.adapters.memory.frames import ArpFrame
from vipservice.core.values import Address, Mac


class Fabric:
    """An EVPN leaf that answers for whom it has learned, or a Linux bridge with neigh_suppress.

    The second neither answers nor floods requests with sender 0.0.0.0 or with sender = target
    (net/bridge/br_arp_nd_proxy.c). Unicast passes both.
    """

    def __init__(self, answers: bool) -> None:
        self._answers = answers
        self._learned: dict[Address, Mac] = {}

    def takes(self, frame: ArpFrame) -> ArpFrame | None:
        """Learn from a frame; the answer that the fabric itself gives to a broadcast request, if any."""
        if frame.sender is not None:
            self._learned[frame.sender] = frame.source
        known = self._learned.get(frame.target)
        if known is None or not self._answers or not self._is_request(frame):
            return None
        return ArpFrame(known, frame.source, frame.target, frame.sender or frame.target, answer=True)

    def keeps_from_flooding(self, frame: ArpFrame) -> bool:
        """Whether a broadcast ends at the first switch."""
        if frame.destination is not None or frame.answer:
            return False
        if self._answers:
            return self._is_request(frame) and frame.target in self._learned
        return frame.sender is None or frame.sender == frame.target

    def _is_request(self, frame: ArpFrame) -> bool:
        return frame.destination is None and not frame.answer and frame.sender != frame.target
