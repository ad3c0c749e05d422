"""A cluster that the doctor visits, and the doctor as an operator calls it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from vipservice.lab.daemons import CONFIG
from vipservice.lab.demo.cluster import Cluster
from vipservice.lab.hosts import Host
from vipservice.lab.namespaces import problem

DOCTOR = (sys.executable, "-I", "-m", "vipservice", "doctor", "--json", "--config", str(CONFIG))
SETPRIV = ("setpriv", "--bounding-set", "-net_raw,-net_admin", "--inh-caps", "-all")


@dataclass
class Report:
    """What the doctor said of a host."""

    code: int
    findings: list[dict[str, Any]]

    def trouble(self) -> list[dict[str, Any]]:
        """Warnings and errors, but for what the hypervisor below this machine is doing to it."""
        return [
            one
            for one in self.findings
            if one["severity"] in {"warning", "error"} and one["check"] != "steal"
        ]

    def of(self, check: str, severity: str) -> dict[str, Any]:
        """The only finding of this check with this severity."""
        found = [one for one in self.findings if (one["check"], one["severity"]) == (check, severity)]
        assert len(found) == 1, self.told()
        return found[0]

    def told(self) -> str:
        return json.dumps(self.findings, indent=1)


Visit = Callable[..., Report]


@pytest.fixture(autouse=True, scope="session")
def _needs_namespaces() -> None:
    reason = problem()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="module")
def visit() -> Visit:
    """Call the doctor on a host."""

    def visit(host: Host, listen: str = "500ms", before: tuple[str, ...] = ()) -> Report:
        process = host.spawn(
            (*before, *DOCTOR, "--listen", listen), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        said, complaint = process.communicate(timeout=60)
        assert said, complaint.decode()
        return Report(process.returncode, json.loads(said)["findings"])

    return visit


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two nodes in service, and a gateway."""
    with Cluster(("a", "b"), gateway=True) as made:
        made.start("a", "b")
        made.wait_until_whole()
        yield made


@pytest.fixture
def healed(cluster: Cluster) -> Iterator[Cluster]:
    """The same, whole before and after each test."""
    cluster.wait_until_whole()
    yield cluster
    cluster.heal()
