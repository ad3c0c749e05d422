"""When echoes leave: on their beat, with an advert where one is near, and never much later."""

from collections.abc import Sequence
from ipaddress import IPv4Address

from vipservice.core.values import Address, GroupId
from vipservice.runtime.pinger import Pinger, Target

GROUP = GroupId(1)
PEER = Target(GROUP, IPv4Address("192.168.3.36"), "peer", "x")


class Echo:
    """A socket that takes echoes and answers none."""

    def __init__(self) -> None:
        self.sent = 0

    def send(self, *_: object) -> None:
        self.sent += 1

    def receive(self, _: int) -> Sequence[tuple[Address, int, bytes, float]]:
        return ()

    def fileno(self) -> int:
        return -1

    def close(self) -> None:
        pass


def tick(pinger: Pinger, now: float) -> None:
    pinger.tick(now, lambda _: 1.0, lambda _: [PEER])


def test_an_echo_may_wait_a_tenth_of_its_interval_for_an_advert_and_keeps_its_beat() -> None:
    echo = Echo()
    pinger = Pinger(echo, lambda: 0.0, lambda *_: None)
    pinger.start(GROUP, 0.0)
    assert pinger.wake_at == 0.0
    tick(pinger, 0.0)
    assert (echo.sent, pinger.deadline, pinger.wake_at) == (1, 1.0, 1.1)
    tick(pinger, 1.08)
    assert echo.sent == 2 and pinger.deadline == 2.0


def test_who_does_not_ping_wakes_nobody() -> None:
    echo = Echo()
    pinger = Pinger(echo, lambda: 0.0, lambda *_: None)
    pinger.start(GROUP, 0.0)
    pinger.stop(GROUP)
    tick(pinger, 0.0)
    assert echo.sent == 0 and pinger.wake_at == float("inf")
