"""The rows of the matrix: incidents of the demo's table, in the chains in which they must be played."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from vipservice.lab.demo import services, steps, upkeep
from vipservice.lab.demo.steps import Step
from vipservice.lab.matrix.peers import keepalived, ucarp
from vipservice.lab.matrix.settings import VIPSERVICE, Setting

ALL_NODES = (2, 3, 5)


class Company(Enum):
    """Beside what a chain may be played on the same machine."""

    ALONE = "alone"
    FEW = "beside two others"
    MANY = "beside all others"


@dataclass(frozen=True, slots=True)
class Row:
    """One event, and what is promised for it."""

    event: str
    step: Step
    patience: float = 5.0
    """How long an outage is watched on that the watch would cut short, seconds."""
    two_owners: Mapping[str, float] | None = None
    """For how long two may own the address, seconds, by interval: what nobody can prevent after a split."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Rows that are played one after the other, because the later ones end what the first began."""

    rows: tuple[Row, ...]
    company: Company = Company.ALONE
    nodes: tuple[int, ...] = (2,)
    """With how many nodes it is played."""
    only: frozenset[str] | None = None
    """The daemons that have such a thing; all where nothing is said."""
    trials: int = 0
    """How many there are in a whole run; as many as everywhere where nothing is said."""
    spoils: frozenset[str] = frozenset()
    """The daemons whose nodes the next chain would not find as this one did, whatever they say."""
    seconds: float = 4.0
    """About what a trial takes, recovery included, where failover takes no time."""

    def fits(self, setting: Setting, nodes: int) -> bool:
        """Whether there is such a thing."""
        return nodes in self.nodes and (self.only is None or setting.daemon in self.only)

    @property
    def events(self) -> tuple[str, ...]:
        """Its rows by name."""
        return tuple(row.event for row in self.rows)


def _chain(*rows: tuple[str, Step]) -> tuple[Row, ...]:
    return tuple(Row(event, step) for event, step in rows)


A_MINUTE = 60.0
"""After this a client's ARP cache has forgotten an owner that was silent when it won, seconds."""

ONE_ADVERT = {"100ms": 0.100, "10ms": 0.010, "5ms": 0.005, "2ms": 0.002}

QUIET = Chain(_chain(("nothing happens", steps.QUIET)), nodes=ALL_NODES, seconds=2.2)
START = Chain(
    _chain(("start on a lone host", steps.START), ("the others start", steps.OTHERS_START)),
    nodes=ALL_NODES,
    seconds=2.0,
)
CHAINS = (
    QUIET,
    START,
    Chain(_chain(("handover", steps.HANDOVER)), nodes=ALL_NODES, only=frozenset({VIPSERVICE}), seconds=1.7),
    Chain(_chain(("stop (SIGTERM)", steps.STOP)), nodes=ALL_NODES, seconds=1.6),
    Chain(_chain(("kill -9, restarted within the lease", steps.RESTARTED)), seconds=2.0),
    Chain(_chain(("kill -9, not restarted", steps.KILLED)), Company.FEW, seconds=6.0),
    Chain(
        (
            Row("hang for 8 s", replace(steps.HUNG, lasts=steps.HANG)),
            Row("the hang ends", steps.GOES_ON, A_MINUTE),
        ),
        Company.FEW,
        seconds=10.5,
    ),
    Chain(
        _chain(("host dies", steps.HOST_DIES), ("host returns", steps.HOST_RETURNS)),
        nodes=ALL_NODES,
        seconds=3.7,
    ),
    Chain(
        _chain(("cable cut", steps.CABLE_CUT), ("cable back", steps.CABLE_BACK)),
        # After a loss of carrier ucarp calls itself a backup, but looks at its interface only 10 s later.
        spoils=frozenset({ucarp.NAME}),
        seconds=3.1,
    ),
    Chain(
        (
            Row("cut off upstream", steps.CUT_OFF),
            Row("the cut-off owner comes back", steps.COMES_BACK, A_MINUTE, ONE_ADVERT),
        ),
        seconds=3.4,
    ),
    Chain(
        (
            Row("adverts dropped for 8 s", steps.BLOCKED),
            Row("the filter is removed", replace(steps.RESTORED, seconds=2.5), A_MINUTE),
        ),
        Company.MANY,
        trials=15,
        seconds=11.2,
    ),
    Chain(_chain(("address deleted by hand", steps.DELETED)), seconds=1.3),
    Chain(
        _chain(("reload, unrelated change", steps.RELOADED)),
        only=frozenset({VIPSERVICE, keepalived.NAME}),  # ucarp reads no file
        seconds=1.3,
    ),
    Chain(_chain(("upgrade in place", steps.UPGRADED)), only=frozenset({VIPSERVICE}), seconds=2.5),
    Chain(
        _chain(("service dies (TCP check)", services.SERVICE_DIES)), only=frozenset({VIPSERVICE}), seconds=6.0
    ),
    Chain(_chain(("service hangs", services.SERVICE_HANGS)), only=frozenset({VIPSERVICE}), seconds=8.0),
    Chain(_chain(("maintenance on", upkeep.MAINTENANCE)), only=frozenset({VIPSERVICE}), seconds=2.5),
    Chain(
        _chain(("key rotation across three nodes", upkeep.KEY_ROTATED)),
        nodes=(3,),
        only=frozenset({VIPSERVICE}),
        seconds=6.0,
    ),
    Chain(_chain(("DHCP renews the host address", upkeep.ADDRESS_RENEWED)), seconds=1.3),
)
EVENTS = tuple(event for chain in CHAINS for event in chain.events)
ROWS = {row.event: row for chain in CHAINS for row in chain.rows}
