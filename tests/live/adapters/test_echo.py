"""Echoes over a real cable, by both kinds of socket."""

import errno
import select
import time
from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from tests.live.adapters.conftest import Cable, gather
from vipservice.adapters.linux.echo import LinuxEchoSocket
from vipservice.adapters.linux.host import LinuxHost
from vipservice.adapters.linux.platform import LinuxPlatform
from vipservice.core.values import Address
from vipservice.runtime.ports import HostError

pytestmark = pytest.mark.live

Reply = tuple[Address, int, bytes, float]

# The first socket that asks for stamps makes the kernel stamp every frame, but from a work queue: frames that
# come before it ran are stamped when they are read.
MOST_LATE_STAMPS = 10


@pytest.fixture(params=["raw", "unprivileged"])
def echo(
    request: pytest.FixtureRequest, cable: Cable, closing: Callable[[LinuxEchoSocket], LinuxEchoSocket]
) -> LinuxEchoSocket:
    allowed = "0 0" if request.param == "unprivileged" else "1 0"
    cable.left.command("sysctl", "-qw", f"net.ipv4.ping_group_range={allowed}")
    interface = cable.left.interface()
    run = cable.left.run_powerless if request.param == "unprivileged" else cable.left.run
    return closing(run(lambda: LinuxEchoSocket(interface, cable.left.address)))


def replies(echo: LinuxEchoSocket, wanted: int) -> list[Reply]:
    return gather([echo.fileno()], lambda: list(echo.receive(50)), lambda found: len(found) >= wanted)


def test_a_peer_answers_with_sequence_and_payload(cable: Cable, echo: LinuxEchoSocket) -> None:
    for sequence in (1, 2, 65537):
        echo.send(cable.right.address, b"payload %d" % sequence, sequence)
    found = [(source, sequence, payload) for source, sequence, payload, _ in replies(echo, 3)]
    assert found == [
        (cable.right.address, 1, b"payload 1"),
        (cable.right.address, 2, b"payload 2"),
        (cable.right.address, 1, b"payload 65537"),
    ]


def test_the_time_is_the_kernels_not_that_of_our_late_look(cable: Cable, echo: LinuxEchoSocket) -> None:
    clock = LinuxPlatform().clock
    late = []
    for sequence in range(1, MOST_LATE_STAMPS + 1):
        sent = clock()
        echo.send(cable.right.address, b"", sequence)
        select.select([echo.fileno()], [], [], 5)
        arrived = clock()
        time.sleep(0.2)
        ((_, _, _, at),) = echo.receive(10)
        assert sent <= at
        if at <= arrived + 0.001:
            return
        late.append(at - arrived)
    pytest.fail(f"the stamps are of our look, seconds after the frame: {late}")


def test_an_address_of_our_own_answers_too(cable: Cable, echo: LinuxEchoSocket) -> None:
    host = cable.left.run(LinuxHost)
    floating = IPv4Address("10.77.0.234")
    host.ensure_bound(cable.left.interface().index, floating, 32, 30)
    host.close()
    echo.send(floating, b"mine", 7)
    ((source, sequence, payload, _),) = replies(echo, 1)
    assert (source, sequence, payload) == (floating, 7, b"mine")


def test_two_sockets_do_not_hear_each_others_replies(cable: Cable, echo: LinuxEchoSocket) -> None:
    interface = cable.left.interface()
    other = cable.left.run(lambda: LinuxEchoSocket(interface, cable.left.address))
    try:
        other.send(cable.right.address, b"other", 1)
        assert len(replies(other, 1)) == 1
        # The kernel keeps it from us: not even a wake-up.
        assert select.select([echo.fileno()], [], [], 0)[0] == []
        assert echo.receive(10) == []
    finally:
        other.close()


def test_what_the_kernel_refuses_to_send_is_an_error_in_its_words(
    cable: Cable, echo: LinuxEchoSocket
) -> None:
    cable.left.ip("link", "set", "lan0", "down")
    with pytest.raises(HostError, match=r"sending an echo to 10\.77\.0\.2 on lan0: ") as caught:
        echo.send(cable.right.address, b"", 1)
    assert caught.value.errno in (errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH)
    assert echo.receive(10) == []


def test_without_capability_and_permission_opening_is_refused(cable: Cable) -> None:
    cable.left.command("sysctl", "-qw", "net.ipv4.ping_group_range=1 0")
    interface = cable.left.interface()
    with pytest.raises(HostError, match="opening ICMP on lan0") as caught:
        cable.left.run_powerless(lambda: LinuxEchoSocket(interface, cable.left.address))
    assert caught.value.errno in (errno.EPERM, errno.EACCES)
