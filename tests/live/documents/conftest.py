"""A pair of nodes with a server behind them, for the samples of the documents."""

import os
from collections.abc import Iterator
from shutil import which

import pytest

from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.service import Service

SERVER = "10.99.0.50"
"""The documents' 192.168.3.50, which answers on port 8080."""


@pytest.fixture(scope="session")
def _proxies_installed() -> None:
    missing = [name for name in ("haproxy", "nginx") if which(name) is None]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"no {', '.join(missing)}; in CI this is never skipped")
    if missing:
        pytest.skip(f"install {', '.join(missing)}")


@pytest.fixture(scope="session")
def pair(_proxies_installed: None) -> Iterator[Cluster]:
    """Two nodes and a gateway, which is the application's server too."""
    with Cluster(("a", "b"), gateway=True) as cluster:
        gateway = cluster.lan.hosts["gateway"]
        gateway.run(("ip", "address", "add", f"{SERVER}/24", "dev", "eth0"))
        server = Service(gateway)
        cluster.start("a", "b")
        cluster.wait_until_whole()
        yield cluster
        server.close()
