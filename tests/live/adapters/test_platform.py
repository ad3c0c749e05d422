"""The platform as the runtime sees it: every port by its Protocol, opened and closed."""

from contextlib import closing
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tests.live.adapters.conftest import Cable
from vipservice.adapters.linux.platform import LinuxPlatform
from vipservice.adapters.state import StateDirectory
from vipservice.runtime.ports import Platform, StateStore

pytestmark = pytest.mark.live

GROUP = IPv4Address("224.0.0.254")


def test_every_port_opens_with_descriptors_of_its_own(cable: Cable) -> None:
    platform: Platform = LinuxPlatform()
    interface, own = cable.left.interface(), cable.left.address
    run = cable.left.run
    with (
        closing(run(platform.host)) as host,
        closing(run(partial(platform.neighbours, interface))) as neighbours,
        closing(run(partial(platform.advert_sockets, interface, own, GROUP, 61111))) as adverts,
        closing(run(partial(platform.echo_socket, interface, own))) as echo,
    ):
        descriptors = [*host.filenos(), *neighbours.filenos(), *adverts.filenos(), echo.fileno()]
        assert len(set(descriptors)) == 6
        assert min(descriptors) >= 0
    assert set(host.filenos()) == {echo.fileno()} == {-1}


def test_the_clock_goes_on(cable: Cable) -> None:
    platform: Platform = LinuxPlatform()
    first = platform.clock()
    assert first <= platform.clock() < first + 1


def test_the_state_directory_is_a_state_store(tmp_path: Path) -> None:
    with closing(StateDirectory(tmp_path / "state")) as opened:
        store: StateStore = opened
        assert store.problem is None
