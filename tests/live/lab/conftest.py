"""What the lab's own tests share: a LAN each, and the reason where there can be none."""

from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from vipservice.lab.lan import Lan
from vipservice.lab.namespaces import problem


@pytest.fixture(autouse=True, scope="session")
def _needs_namespaces() -> None:
    reason = problem()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture
def vip() -> IPv4Address:
    return IPv4Address("10.99.0.234")


@pytest.fixture
def lan() -> Iterator[Lan]:
    with Lan(("a", "b", "c")) as made:
        yield made
