"""Where live tests can run, and how: those of a folder in one process, for they share what they set up."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.live.stillness import Excuses
from vipservice.lab.namespaces import problem


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]  # it ships no types
    """Gives whole folders of tests to processes, those with most tests first."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0].rpartition("/")[0]


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Excuses())


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFolder:
    return ByFolder(config, log)


@pytest.fixture(autouse=True, scope="session")
def _needs_namespaces() -> None:
    reason = problem()
    if reason is not None:
        pytest.skip(reason)
