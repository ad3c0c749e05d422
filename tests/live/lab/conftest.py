"""What the lab's own tests share: a LAN each, and the reason where there can be none."""

from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from vipservice.lab.lan import Lan


@pytest.fixture
def vip() -> IPv4Address:
    return IPv4Address("10.99.0.234")


@pytest.fixture
def lan() -> Iterator[Lan]:
    with Lan(("a", "b", "c")) as made:
        yield made
