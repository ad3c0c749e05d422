"""A host that is well, and a folder in the place of its root: each test makes one thing wrong."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest

from vipservice.adapters.linux.survey.host import Account
from vipservice.adapters.memory.stage import default_settings
from vipservice.cli.diagnosis.findings import Finding, Severity
from vipservice.cli.diagnosis.patient import Check, Link, Patient, Peer
from vipservice.config.load import load
from vipservice.config.settings import ResolvedGroup
from vipservice.core.messages import Path as Way
from vipservice.core.values import Mac
from vipservice.runtime.ports import HostAddress, Interface

VIP = IPv4Address("192.168.3.234")
OWN = IPv4Interface("192.168.3.10/24")
MAC, PEER_MAC, STRANGER = (Mac(bytes([2, 0, 0, 0, 0, number])) for number in (10, 11, 99))
ETH0 = Interface("eth0", 2, MAC, True, False, (HostAddress(OWN.ip, 24, None, False),))
ALL_WELL = dict.fromkeys(Way, True)

Write = Callable[[str, str], None]
MakePatient = Callable[..., Patient]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def write(root: Path) -> Write:
    """Put a file into the folder that stands for the root."""

    def write(path: str, content: str) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)

    return write


@pytest.fixture
def group() -> ResolvedGroup:
    core = replace(default_settings(), addresses=(VIP,))
    return ResolvedGroup(core, "eth0", 32, witnesses=(), nodes=None, ping_interval=0.0)


@pytest.fixture
def peer() -> Peer:
    return Peer(
        node_id="bb" * 16,
        name="node-b",
        address=IPv4Address("192.168.3.11"),
        interface="eth0",
        macs=frozenset({PEER_MAC}),
        heard_by=ALL_WELL,
        hears_us_by=ALL_WELL,
    )


@pytest.fixture
def make(root: Path, write: Write, group: ResolvedGroup, peer: Peer) -> MakePatient:
    """The patient, with changes by name; `link` changes its only link."""
    write("etc/vipservice/vipservice.yml", "floating_ip: {enabled: true}\n")
    settings = load(root / "etc/vipservice/vipservice.yml")

    def make(link: dict[str, object] | None = None, **changes: object) -> Patient:
        quiet = {VIP: frozenset[Mac](), OWN.ip: frozenset[Mac]()}
        well = Link(ETH0, OWN, IPv4Address("192.168.3.1"), answers=quiet)
        patient = Patient(
            root=root,
            account=Account("vipservice", 990, frozenset({990})),
            settings=settings,
            groups=(group,),
            interfaces=(ETH0,),
            links=(replace(well, **(link or {})),),  # type: ignore[arg-type]
            peers=(peer,),
        )
        return replace(patient, **changes)  # type: ignore[arg-type]

    return make


def only(check: Check, patient: Patient, severity: Severity) -> Finding:
    """The one finding of this severity that a check makes."""
    found = [one for one in check(patient) if one.severity is severity]
    assert len(found) == 1, found
    return found[0]


def well(check: Check, patient: Patient) -> bool:
    """Whether a check finds nothing worse than a note."""
    return all(one.severity <= Severity.INFO for one in check(patient))
