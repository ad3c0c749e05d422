"""Every series this node shows to Prometheus, declared once: registry and `docs/metrics.md` are made of it.

Names follow Prometheus: base units, `_total` for what only grows, `_seconds`, `_info`. The group's name is
the label `group`. Labels have few values that are known at the start; no MAC, state or error text is one.
"""

from collections.abc import Iterable
from enum import Enum

from vipservice.core.frozen import dataclass


class Kind(Enum):
    """What a series is to Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Declaration:
    """One family of series."""

    name: str
    kind: Kind
    text: str
    """Its HELP: one sentence that says what the number is."""
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, seconds."""


def _counter(name: str, text: str, *labels: str) -> Declaration:
    return Declaration(f"vipservice_{name}", Kind.COUNTER, text, labels)


def _histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Declaration:
    return Declaration(f"vipservice_{name}", Kind.HISTOGRAM, text, labels, buckets)


def _gauge(name: str, text: str, *labels: str) -> Declaration:
    return Declaration(f"vipservice_{name}", Kind.GAUGE, text, labels)


def _info(name: str, text: str, *labels: str) -> Declaration:
    return Declaration(f"vipservice_{name}_info", Kind.INFO, text, labels)


ROUND_TRIP_BUCKETS = (
    0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0,
)  # fmt: skip
PHASE_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0)
LAG_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)

# Roles, and what they mean

ROLE = _gauge("role", "1 for the role that this node has, 0 for the others.", "group", "role")
ROLE_SINCE = _gauge("role_since_timestamp_seconds", "Since when this node has its role, wall clock.", "group")
ROLE_REASON = _gauge(
    "role_reason", "1 for the reason of this node's last change of role, 0 for the others.", "group", "reason"
)
BOUND = _gauge(
    "address_bound", "Whether the kernel has the address on the interface.", "group", "address", "interface"
)
OWNERS = _gauge(
    "owners_observed",
    "Owners of the address that this node knows of, itself included; anything but 1 deserves a look.",
    "group",
)
CONDITION = _gauge("condition", "Whether this alarm of the election is on.", "group", "kind")
TERM = _gauge(
    "term", "The greatest term of the group that this node knows; each takeover raises it.", "group"
)
PRIORITY = _gauge("priority", "The effective priority: what health leaves of the configured one.", "group")
HEALTHY = _gauge("healthy", "Whether this node's health lets it hold the address.", "group")
CHECK_STATE = _gauge(
    "check_state", "1 for the state of this health check, 0 for the others.", "group", "check", "state"
)
CHECK_DURATION = _gauge(
    "check_duration_seconds", "How long the last try of this health check took.", "group", "check"
)
CHECK_TRIES = _counter("check_tries_total", "Tries of this health check.", "group", "check", "result")
MAINTENANCE = _gauge("maintenance", "Whether this node stays out of the election for maintenance.", "group")
FAILBACK_IN = _gauge(
    "failback_in_seconds",
    "Seconds until this better node asks the active for the address; NaN where it will not.",
    "group",
)
HELD_BACK = _gauge(
    "held_back_seconds", "Seconds for which voluntary moves still wait, after too many; 0 for none.", "group"
)
RECENT_MOVES = _gauge("recent_moves", "Voluntary moves of the address within the last minute.", "group")

# Changes

TRANSITIONS = _counter(
    "transitions_total",
    "Changes of role, by what the role was, what it became, and why; the exemplar names it in the history.",
    "group", "from", "to", "reason",
)  # fmt: skip
FLAPS = _counter("flaps_total", "Times this node became active or ceased to be.", "group")
TAKEOVER = _histogram(
    "takeover_duration_seconds",
    "Phases of this node's takeovers: detect the silence, probe, bind, proof that neighbours heard.",
    PHASE_BUCKETS,
    "group", "phase",
)  # fmt: skip
REPAIRS = _counter("address_repairs_total", "Addresses put back after somebody else removed them.", "group")
CONFLICTS = _counter("conflicts_total", "Times a stranger began to answer for an address.", "group")
ANNOUNCEMENTS = _counter(
    "announcements_sent_total", "Gratuitous ARP and unsolicited neighbour advertisements.", "kind"
)

# Hooks

HOOK_RUNS = _counter("hook_runs_total", "Runs of this hook that have ended.", "group", "hook", "result")
HOOK_STATUS = _gauge(
    "hook_last_exit_status",
    "Exit status of this hook's last run, minus the signal's number where one ended it; NaN for none.",
    "group", "hook",
)  # fmt: skip
HOOK_DURATION = _gauge("hook_duration_seconds", "How long this hook's last run took.", "group", "hook")
WORKER_UP = _gauge("worker_up", "Whether nothing keeps checks and hooks from being asked and run.")

# Lease

LEASE = _gauge("lease_seconds", "The lease that the address is bound with, as configured.", "group")
LEASE_REMAINING = _gauge(
    "lease_remaining_seconds",
    "Seconds until the kernel removes the address if nobody renews it, by its own word; 0 where it has none.",
    "group",
)
RENEWALS = _counter("lease_renewals_total", "Renewals of the lease that the kernel took.", "group")
RENEWALS_LATE = _counter(
    "lease_renewals_late_total", "Those of them that came with less than half of the lease left.", "group"
)
RENEWALS_FAILED = _counter(
    "lease_renewals_failed_total", "Renewals that the kernel refused or that came after the end.", "group"
)

# Redundancy

EXPECTED = _gauge(
    "nodes_expected",
    "Nodes that the group should have, this one included: configured, else known from before.",
    "group",
)
HEARD = _gauge(
    "nodes_heard",
    "Nodes of the group that are there, this one included; fewer than expected is lost redundancy.",
    "group",
)
STANDBYS = _gauge(
    "standbys",
    "Nodes that could take over now, this one included: heard, fit, with the same addresses, not the owner.",
    "group",
)
PEER_UP = _gauge("peer_up", "Whether the peer's adverts come in.", "group", "peer")
PEER_HEARS_US = _gauge(
    "peer_hears_this_node",
    "Whether the peer says that it hears this node; 0 beside peer_up 1 is a one-way link.",
    "group", "peer",
)  # fmt: skip
PEER_LAST_SEEN = _gauge(
    "peer_last_seen_timestamp_seconds", "When the peer's last advert came in, 0 for never.", "group", "peer"
)

# Adverts

INTERVAL = _gauge("advert_interval_seconds", "The pace of an active's adverts, as configured.", "group")
SENT = _counter("adverts_sent_total", "Adverts sent.", "path")
NOT_SENT = _counter("adverts_not_sent_total", "Adverts that the kernel did not let out.", "path")
RECEIVED = _counter("adverts_received_total", "Adverts received that could be read and believed.", "path")
REJECTED = _counter("adverts_rejected_total", "Adverts that were not acted on.", "reason")
FRAMES_REJECTED = _counter("frames_rejected_total", "ARP and ICMP packets that could not be read.", "reason")
AUTHENTICATED = _gauge("adverts_authenticated", "Whether adverts are signed and verified.")

# Round trips

ROUND_TRIPS = _histogram(
    "ping_rtt_seconds",
    "Round trips of ICMP echoes to the address (from who does not hold it), peers, gateway and witnesses.",
    ROUND_TRIP_BUCKETS,
    "group", "target", "kind",
)  # fmt: skip
LOST = _counter("ping_lost_total", "ICMP echoes without an answer within 1 s.", "group", "target", "kind")

# The program itself

LAG = _histogram("loop_lag_seconds", "How much later than asked for the loop woke.", LAG_BUCKETS)
STALLS = _counter("stalls_total", "Times this process stood still for longer than the election can overlook.")
WATCHDOG = _counter("watchdog_notifications_total", "Signs of life given to the service manager.")
UNCLEAN_STARTS = _counter(
    "unclean_starts_total",
    "Starts after a life that ended without goodbye (killed, crashed, hung); counted across lives.",
)
SNAPSHOT = _histogram(
    "snapshot_duration_seconds", "What a scrape costs the loop: building the snapshot.", LAG_BUCKETS
)
SNAPSHOT_SUCCESSFUL = _gauge("snapshot_successful", "Whether the loop answered this scrape in time.")
STATE_STORED = _gauge(
    "state_directory_writable", "Whether terms, peers and history could be stored the last time."
)
RELOAD_SUCCESSFUL = _gauge(
    "config_last_reload_successful", "Whether the configuration could be read the last time."
)
RELOADED = _gauge(
    "config_last_reload_success_timestamp_seconds",
    "When the configuration was last read without a problem.",
)
NODE = _info("node", "What this node is called in the labels of its peers.", "node")
BUILD = _info("build", "The program that runs.", "version", "python")


def declared() -> tuple[Declaration, ...]:
    """All of them, in the order above."""
    return tuple(one for one in globals().values() if isinstance(one, Declaration))


def reference(declarations: Iterable[Declaration] | None = None) -> str:
    """The table in `docs/metrics.md`, in Markdown."""
    lines = ["| series | type | labels | meaning |", "|---|---|---|---|"]
    for one in declared() if declarations is None else declarations:
        labels = ", ".join(f"`{label}`" for label in one.labels) or "none"
        lines.append(f"| `{one.name}` | {one.kind.value} | {labels} | {one.text} |")
    return "\n".join(lines)
