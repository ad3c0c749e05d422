from collections.abc import Callable
from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from vipservice.config.load import loads
from vipservice.config.problems import ConfigError
from vipservice.config.seen import SeenInterface
from vipservice.config.settings import Settings

SOURCE = Path("vipservice.yml")

Read = Callable[[str], Settings]
Refuse = Callable[[str], list[str]]
Nic = Callable[..., SeenInterface]


@pytest.fixture
def read() -> Read:
    """Read a text that has to be accepted."""
    return lambda text: loads(text, SOURCE)


@pytest.fixture
def refuse() -> Refuse:
    """Read a text that has to be refused; the sentences, without the file's name."""

    def refuse(text: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            loads(text, SOURCE)
        return [sentence.removeprefix("vipservice.yml:") for sentence in caught.value.sentences()]

    return refuse


@pytest.fixture
def nic() -> Nic:
    """An interface with the addresses that are given."""

    def nic(name: str, *addresses: str, loopback: bool = False, up: bool = True) -> SeenInterface:
        return SeenInterface(name, loopback, up, tuple(IPv4Interface(address) for address in addresses))

    return nic
