"""What the tests of checks and hooks share: the reason where there can be none, and a pair with services."""

from collections.abc import Iterator

import pytest

from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.namespaces import problem


@pytest.fixture(autouse=True, scope="session")
def _needs_namespaces() -> None:
    reason = problem()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="module")
def pair() -> Iterator[Cluster]:
    """Two nodes and a gateway."""
    with Cluster(("a", "b"), gateway=True) as cluster:
        cluster.start("a", "b")
        cluster.wait_until_whole()
        yield cluster
